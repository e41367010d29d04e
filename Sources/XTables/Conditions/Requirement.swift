/// What a condition asks of a packet, with every negation carried down to the tests: the one place that says what becomes of "all" and
/// "any" under "not".
public indirect enum Requirement: Sendable {
  /// A test of a field is to hold or to fail; nil stands for the field being there.
  case test(Field, ValueTest?, holds: Bool)
  case every([Requirement])
  case either([Requirement])
  /// Met by every packet, or by none.
  case settled(Bool)
  /// Memory or chance decides, whatever is wanted of it.
  case opaque
  case unknown(UnknownReason)
}

extension Condition {
  /// What it takes for the condition to hold, or for it to fail.
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
