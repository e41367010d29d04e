import Wire

/// What a match means, where packet and context alone decide it: an algebra over named fields.
///
/// A condition is a description. The evaluator, the fast program and every analysis derive from this one value; nothing
/// interprets it packet by packet except through ``MatchProgram``.
///
/// A field that a packet does not have (a TCP port of a fragment) makes the *whole match* fail, inverted or not, because
/// that is what the kernel's matches do before they look at any value; a header that is cut short makes it drop the
/// packet where the field says so (the kernel's `hotdrop`). Both happen only where evaluation gets to that field, from
/// left to right.
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

  public static func inRange<Word: FixedWidthInteger>(_ field: Field, _ low: Word, _ high: Word) -> Condition {
    low <= high ? .test(field, .range(UInt128(low)...UInt128(high))) : .never
  }

  /// `field & mask == value`.
  public static func masked(_ field: Field, _ value: some FixedWidthInteger, mask: some FixedWidthInteger) -> Condition {
    .test(field, .masked(value: UInt128(truncatingIfNeeded: value), mask: UInt128(truncatingIfNeeded: mask)))
  }

  public func inverted(_ flag: Bool) -> Condition { flag ? .not(self) : self }
}

/// A test of one field's value.
public enum ValueTest: Sendable, Hashable {
  case range(ClosedRange<UInt128>)
  case masked(value: UInt128, mask: UInt128)

  public func holds(for value: UInt128) -> Bool {
    switch self {
    case .range(let range): range.contains(value)
    case .masked(let wanted, let mask): value & mask == wanted
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

/// A named, readable property of a packet or of its context.
public struct Field: Sendable, Hashable {
  /// A stable dotted name: `tcp.sport`, `ct.state`, `meta.mark`.
  public let name: String
  /// How many bits its values have.
  public let bits: Int
  let source: Source

  /// Where its values come from.
  enum Source: Sendable {
    /// A program reads it in place.
    case word(PacketWord)
    case computed(@Sendable (inout PacketContext) -> FieldValue)
  }

  public init(_ name: String, bits: Int, read: @escaping @Sendable (inout PacketContext) -> FieldValue) {
    self.name = name
    self.bits = bits
    source = .computed(read)
  }

  /// A field that many packets are asked for.
  public init(_ name: String, bits: Int, _ word: PacketWord) {
    self.name = name
    self.bits = bits
    source = .word(word)
  }

  func read(_ context: inout PacketContext) -> FieldValue {
    switch source {
    case .computed(let read): read(&context)
    case .word(let word):
      switch word.read(context, TransportPlace(context.packet.transport)) {
      case .value(let value): .value(value)
      case .absent: .absent
      case .malformed: .malformed
      }
    }
  }

  public static func == (left: Field, right: Field) -> Bool { left.name == right.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// What reading a ``Field`` gives.
public enum FieldValue: Sendable, Hashable {
  case value(UInt128)
  /// The packet has no such field; the match fails.
  case absent
  /// The header that should hold it is cut short; the kernel drops the packet inside the match, without counting.
  case malformed
  /// The same, but the kernel goes on with this value: a rule that matches by it is counted and acts, and then the packet is dropped.
  case doomed(UInt128)
  case unknown(UnknownReason)

  public static func of(_ value: some FixedWidthInteger) -> FieldValue { .value(UInt128(truncatingIfNeeded: value)) }
  public static func of(_ value: Bool) -> FieldValue { .value(value ? 1 : 0) }
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
