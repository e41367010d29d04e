/// The meaning of a match or a rule header that depends only on packet and context: an expression over named fields.
///
/// This is the only description of the meaning. The evaluator's ``MatchProgram``, explanations, checks and drawn packets are
/// derived from it, through ``decide(_:)`` and ``requirement(_:)``.
///
/// A condition is evaluated from left to right. A conjunction ends at the first part that fails, an alternative at the first part
/// that holds. If a packet lacks a field (the TCP port of a later fragment), the *whole match* fails, inverted or not, because the
/// kernel's matches test for the header before any value. If a header is truncated, the match drops the packet (the kernel's
/// `hotdrop`). Both happen only if the evaluation reaches that field.
public indirect enum Condition: Sendable {
  /// Every packet.
  case always
  /// No packet.
  case never
  /// The value of the field passes the test.
  case test(Field, ValueTest)
  /// The packet has the field, with any value.
  case has(Field)
  /// The part fails.
  case not(Condition)
  /// All parts hold; true if there are none.
  case all([Condition])
  /// At least one part holds; false if there are none.
  case any([Condition])
  /// State or chance is involved. In a dry run ``MatchExtension/evaluate(_:_:)`` decides; an analysis may assume either result.
  case opaque
  /// Undecidable without further input; the reason names it.
  case unknown(UnknownReason)

  /// The field has one value.
  public static func equals(_ field: Field, _ value: some FixedWidthInteger) -> Condition {
    .test(field, .range(UInt128(truncatingIfNeeded: value)...UInt128(truncatingIfNeeded: value)))
  }

  /// The field is within a range, both ends included; ``never`` if `low` is greater than `high`.
  public static func inRange<Word: FixedWidthInteger>(_ field: Field, _ low: Word, _ high: Word) -> Condition {
    low <= high ? .test(field, .range(UInt128(low)...UInt128(high))) : .never
  }

  /// `field & mask == value`.
  public static func masked(_ field: Field, _ value: some FixedWidthInteger, mask: some FixedWidthInteger) -> Condition {
    .test(field, .masked(value: UInt128(truncatingIfNeeded: value), mask: UInt128(truncatingIfNeeded: mask)))
  }

  /// The condition itself, or its negation if `flag` is true.
  public func inverted(_ flag: Bool) -> Condition { flag ? .not(self) : self }

  /// The fields in the condition.
  public var fields: Set<Field> {
    switch self {
    case .always, .never, .opaque, .unknown: []
    case .test(let field, _), .has(let field): [field]
    case .not(let inner): inner.fields
    case .all(let parts), .any(let parts): parts.reduce(into: []) { $0.formUnion($1.fields) }
    }
  }

  /// Whether a part of the condition depends on state or chance.
  public var isOpaque: Bool {
    switch self {
    case .opaque: true
    case .not(let inner): inner.isOpaque
    case .all(let parts), .any(let parts): parts.contains { $0.isOpaque }
    case .always, .never, .test, .has, .unknown: false
    }
  }

  /// Whether packet and context decide the condition: no part depends on state or chance or is unknown.
  public var isDecidable: Bool {
    switch self {
    case .opaque, .unknown: false
    case .not(let inner): inner.isDecidable
    case .all(let parts), .any(let parts): parts.allSatisfy { $0.isDecidable }
    case .always, .never, .test, .has: true
    }
  }
}

/// Why something cannot be decided, and which input would decide it.
public struct UnknownReason: Sendable, Hashable {
  /// What cannot be decided, such as `-m geoip`.
  public let subject: String
  /// The missing input; empty if the subject is a whole sentence.
  public let needs: String

  /// Creates a reason.
  public init(_ subject: String, needs: String) {
    self.subject = subject
    self.needs = needs
  }

  /// Creates a reason from a sentence without a full stop.
  public init(sentence: String) { self.init(sentence, needs: "") }

  /// The reason as a sentence without a full stop.
  public var sentence: String { needs.isEmpty ? subject : "\(subject) cannot be decided without \(needs)" }
}

/// The result of a match for a packet.
public enum MatchOutcome: Sendable, Hashable {
  /// The match holds.
  case matched
  /// The match fails.
  case mismatched
  /// The match drops the packet. No rule counts it.
  case hotdrop
  /// The result is unknown.
  case unknown(UnknownReason)

  /// Matched if the flag is true, otherwise mismatched.
  public static func of(_ flag: Bool) -> MatchOutcome { flag ? .matched : .mismatched }
}
