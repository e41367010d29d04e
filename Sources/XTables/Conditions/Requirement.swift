/// What a condition requires of a packet, with all negations moved down to the tests. This is the only code that applies De
/// Morgan's laws.
public indirect enum Requirement: Sendable {
  /// A test of a field must hold, or must fail. Nil stands for the test that the field exists.
  case test(Field, ValueTest?, holds: Bool)
  /// All parts must be met.
  case every([Requirement])
  /// At least one part must be met.
  case either([Requirement])
  /// Met by every packet, or by none.
  case settled(Bool)
  /// Decided by state or chance.
  case opaque
  /// Undecidable without further input; the reason names it.
  case unknown(UnknownReason)
}

extension Condition {
  /// What must be true for the condition to hold (`wanted`) or to fail.
  public func requirement(_ wanted: Bool = true) -> Requirement {
    switch self {
    case .always: .settled(wanted)
    case .never: .settled(!wanted)
    case .test(let field, let test): .test(field, test, holds: wanted)
    case .has(let field): .test(field, nil, holds: wanted)
    case .not(let inner): inner.requirement(!wanted)
    case .all(let parts): wanted ? .every(parts.map { $0.requirement() }) : .either(parts.map { $0.requirement(false) })
    case .any(let parts): wanted ? .either(parts.map { $0.requirement() }) : .every(parts.map { $0.requirement(false) })
    case .opaque: .opaque
    case .unknown(let reason): .unknown(reason)
    }
  }
}
