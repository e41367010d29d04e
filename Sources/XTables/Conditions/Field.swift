public import Conntrack
public import Wire

/// A named, readable property of a packet or of its context.
///
/// Fields of one name are equal: a name stands for one property.
public struct Field: Sendable, Hashable {
  /// A stable dotted name: `tcp.sport`, `ct.state`, `meta.mark`.
  public let name: String
  /// How many bits its values have.
  public let bits: Int
  /// What is known of it besides its value.
  public let traits: FieldTraits
  let source: Source

  /// Where its values come from.
  enum Source: Sendable {
    /// A program reads it in place.
    case word(PacketWord)
    case computed(@Sendable (inout PacketContext) -> FieldValue)
  }

  /// A field that a closure reads.
  public init(
    _ name: String, bits: Int, _ traits: FieldTraits = .undeclared, read: @escaping @Sendable (inout PacketContext) -> FieldValue
  ) {
    self.name = name
    self.bits = bits
    self.traits = traits
    source = .computed(read)
  }

  /// A field that many packets are asked for.
  public init(_ name: String, bits: Int, _ word: PacketWord, _ traits: FieldTraits) {
    self.name = name
    self.bits = bits
    self.traits = traits
    source = .word(word)
  }

  /// What a packet at a hook has for it. Changes nothing but the packet type, which `-m cluster` sets as its kernel match does.
  public func read(_ context: inout PacketContext) -> FieldValue {
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

  /// The greatest number of its width.
  public var greatest: UInt128 { bits >= 128 ? .max : (1 << UInt128(bits)) - 1 }

  /// The values it can have at a hook, in ascending ranges that do not overlap. A value outside of them never occurs there; one
  /// inside may.
  public func values(at hook: Hook, _ family: Family) -> [ClosedRange<UInt128>] {
    switch traits.domain {
    case .ranges(let ranges): return ranges
    case .byHook(let ranges): return ranges(hook)
    case nil: break
    }
    if case .address = form, family == .ipv4 { return [0...UInt128(UInt32.max)] }
    return [0...greatest]
  }

  /// Gives a packet that is being drawn a value of the field.
  ///
  /// - Returns: false, with the draft as it was, where no packet of the draft's kind can have that value by what a draft says.
  public func set(_ value: UInt128, in draft: inout PacketDraft) -> Bool {
    guard value <= greatest, let write = traits.write else { return false }
    return write(value, &draft)
  }

  /// Whether it may have another value after a target has written a field.
  public func isChanged(byWriting written: Field) -> Bool {
    if written == self { return true }
    switch traits.basis {
    case .packet, .context: return false
    case .fields(let fields): return fields.contains { $0.isChanged(byWriting: written) }
    case .bytes: return written.isPartOfPacket
    case .unsteady, .undeclared: return true
    }
  }

  /// Only what is written changes it while a packet passes through a table.
  public var isSteady: Bool { if case .unsteady = traits.basis { false } else { true } }

  /// Its value stands in the packet's own bytes.
  private var isPartOfPacket: Bool {
    switch traits.basis {
    case .packet, .bytes, .undeclared: true
    case .context, .fields, .unsteady: false
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
