public import Netfilter
public import Wire

/// A named property of a packet or of its context.
///
/// Fields with the same name are equal: a name stands for one property.
public struct Field: Sendable, Hashable {
  /// What a field is, shared by its copies: conditions hold many of them.
  private final class Definition: Sendable {
    let name: String
    let bits: Int
    let traits: FieldTraits
    let source: Source

    init(_ name: String, _ bits: Int, _ traits: FieldTraits, _ source: Source) {
      (self.name, self.bits, self.traits, self.source) = (name, bits, traits, source)
    }
  }

  private let definition: Definition

  /// A stable dotted name: `tcp.sport`, `ct.state`, `meta.mark`.
  public var name: String { definition.name }
  /// The width of its values in bits, up to 128.
  public var bits: Int { definition.bits }
  /// The properties of the field besides its value.
  public var traits: FieldTraits { definition.traits }
  var source: Source { definition.source }

  /// How the value is read.
  enum Source: Sendable {
    /// Read in place by a match program.
    case word(PacketWord)
    case computed(@Sendable (inout PacketContext) -> FieldValue)
  }

  /// Creates a field that a closure reads. If a fact that the traits declare is missing, the value is unknown and the closure is not called.
  public init(
    _ name: String, bits: Int, _ traits: FieldTraits = .undeclared, read: @escaping @Sendable (inout PacketContext) -> FieldValue
  ) {
    var source = Source.computed(read)
    if let needs = traits.needs, !needs.isPartial {
      source = .computed { context in needs.reason(for: context).map { .unknown($0) } ?? read(&context) }
    }
    definition = Definition(name, bits, traits, source)
  }

  /// Creates a field that is read in place, because many packets are tested for it.
  public init(_ name: String, bits: Int, _ word: PacketWord, _ traits: FieldTraits) {
    definition = Definition(name, bits, traits, .word(word))
  }

  /// Reads the field. Changes nothing but the packet type, which `-m cluster` sets as its kernel match does.
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

  /// The greatest value of its width.
  public var greatest: UInt128 { bits >= 128 ? .max : (1 << UInt128(bits)) - 1 }

  /// The possible values at a hook, in ascending ranges that do not overlap. A value outside of them never occurs there.
  public func values(at hook: Hook, _ family: Family) -> [ClosedRange<UInt128>] {
    switch traits.domain {
    case .ranges(let ranges): return ranges
    case .byHook(let ranges): return ranges(hook)
    case nil: break
    }
    if case .address = form, family == .ipv4 { return [0...UInt128(UInt32.max)] }
    return [0...greatest]
  }

  /// Sets the field of a packet that is being drawn.
  ///
  /// - Returns: false, without changes, if no packet of the draft's kind can have that value, or the field cannot be set.
  public func set(_ value: UInt128, in draft: inout PacketDraft) -> Bool {
    guard value <= greatest, let write = traits.write else { return false }
    return write(value, &draft)
  }

  /// Whether the value may change when a target writes another field.
  public func isChanged(byWriting written: Field) -> Bool {
    if written == self { return true }
    switch traits.basis {
    case .packet, .context: return false
    case .fields(let fields): return fields.contains { $0.isChanged(byWriting: written) }
    case .bytes: return written.isPartOfPacket
    case .unsteady, .undeclared: return true
    }
  }

  /// Whether the value depends on a port of the packet.
  var dependsOnPort: Bool {
    isSteady && (isChanged(byWriting: .sourcePort) || isChanged(byWriting: .destinationPort))
  }

  /// Whether the value stays the same during a walk through a table unless a target writes it.
  public var isSteady: Bool { if case .unsteady = traits.basis { false } else { true } }

  /// Whether the value is in the bytes of the packet.
  private var isPartOfPacket: Bool {
    switch traits.basis {
    case .packet, .bytes, .undeclared: true
    case .context, .fields, .unsteady: false
    }
  }

  /// Whether both fields have the same name.
  public static func == (left: Field, right: Field) -> Bool {
    left.definition === right.definition || left.name == right.name
  }
  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// The result of reading a ``Field``.
public enum FieldValue: Sendable, Hashable {
  /// The packet has the field with this value.
  case value(UInt128)
  /// The packet does not have the field; the match fails.
  case absent
  /// The header of the field is truncated; the kernel drops the packet in the match, without counting it.
  case malformed
  /// The header is truncated, but the kernel continues with this value: a rule that matches counts and acts, and then the packet is
  /// dropped.
  case doomed(UInt128)
  /// The value cannot be determined.
  case unknown(UnknownReason)

  /// A present value.
  public static func of(_ value: some FixedWidthInteger) -> FieldValue { .value(UInt128(truncatingIfNeeded: value)) }
  /// A present truth value: 1 or 0.
  public static func of(_ value: Bool) -> FieldValue { .value(value ? 1 : 0) }
}
