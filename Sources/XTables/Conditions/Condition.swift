/// What a match or a rule's header means, where packet and context alone decide it: an algebra over named fields.
///
/// A condition is a description, and the only one: the evaluator's ``MatchProgram``, explanations, checks and drawn packets all
/// derive from it, through ``decide(_:)`` and ``requirement(_:)``.
///
/// A condition is evaluated from left to right; a conjunction ends at the first part that fails, an alternative at the first that
/// holds. A field that a packet does not have (a TCP port of a fragment) makes the *whole match* fail, inverted or not, because
/// that is what the kernel's matches do before they look at any value. A header that is cut short makes the match drop the
/// packet (the kernel's `hotdrop`). Both happen only where evaluation gets to that field.
public indirect enum Condition: Sendable {
  case always
  case never
  case test(Field, ValueTest)
  /// The packet has the field, whatever its value.
  case has(Field)
  case not(Condition)
  case all([Condition])
  case any([Condition])
  /// Memory or chance is involved: ``MatchExtension/evaluate(_:_:)`` decides a dry run, and an analysis may choose freely.
  case opaque
  /// Nothing here can decide it; the reason says which input would.
  case unknown(UnknownReason)

  /// A field equal to one value.
  public static func equals(_ field: Field, _ value: some FixedWidthInteger) -> Condition {
    .test(field, .range(UInt128(truncatingIfNeeded: value)...UInt128(truncatingIfNeeded: value)))
  }

  /// A field between two values, both included; ``never`` where the first is the greater one.
  public static func inRange<Word: FixedWidthInteger>(_ field: Field, _ low: Word, _ high: Word) -> Condition {
    low <= high ? .test(field, .range(UInt128(low)...UInt128(high))) : .never
  }

  /// `field & mask == value`.
  public static func masked(_ field: Field, _ value: some FixedWidthInteger, mask: some FixedWidthInteger) -> Condition {
    .test(field, .masked(value: UInt128(truncatingIfNeeded: value), mask: UInt128(truncatingIfNeeded: mask)))
  }

  /// The condition itself, or its negation.
  public func inverted(_ flag: Bool) -> Condition { flag ? .not(self) : self }

  /// The fields that the condition mentions.
  public var fields: Set<Field> {
    switch self {
    case .always, .never, .opaque, .unknown: []
    case .test(let field, _), .has(let field): [field]
    case .not(let inner): inner.fields
    case .all(let parts), .any(let parts): parts.reduce(into: []) { $0.formUnion($1.fields) }
    }
  }

  /// Memory or chance is involved somewhere.
  public var isOpaque: Bool {
    switch self {
    case .opaque: true
    case .not(let inner): inner.isOpaque
    case .all(let parts), .any(let parts): parts.contains { $0.isOpaque }
    case .always, .never, .test, .has, .unknown: false
    }
  }

  /// Packet and context alone decide it: no part has memory, takes its chances or is unknown.
  public var isDecidable: Bool {
    switch self {
    case .opaque, .unknown: false
    case .not(let inner): inner.isDecidable
    case .all(let parts), .any(let parts): parts.allSatisfy { $0.isDecidable }
    case .always, .never, .test, .has: true
    }
  }
}

/// Why something cannot be decided, and what would decide it.
public struct UnknownReason: Sendable, Hashable {
  public let subject: String
  public let needs: String

  public init(_ subject: String, needs: String) {
    self.subject = subject
    self.needs = needs
  }

  public var sentence: String { "\(subject) cannot be decided: \(needs)" }
}

/// What a match says of a packet.
public enum MatchOutcome: Sendable, Hashable {
  case matched
  case mismatched
  /// The match drops the packet itself, without any rule counting it.
  case hotdrop
  case unknown(UnknownReason)

  public static func of(_ flag: Bool) -> MatchOutcome { flag ? .matched : .mismatched }
}
