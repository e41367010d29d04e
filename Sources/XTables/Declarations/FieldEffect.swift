public import Netfilter
public import Wire

/// The packets for which the effects of a rule are declared: those of one family at one hook.
public struct EffectSite: Sendable, Hashable {
  /// The family of the packets.
  public let family: Family
  /// The hook at which the rule is evaluated.
  public let hook: Hook

  /// Creates a site.
  public init(family: Family, hook: Hook) {
    self.family = family
    self.hook = hook
  }
}

/// How a target, or a match that also writes, changes one field of the packets it sees.
public enum FieldEffect: Sendable {
  /// The field changes for packets that meet a condition. If the condition cannot be given, the change is ``FieldChange/unknown``.
  case change(Field, FieldChange, when: Condition)
  /// Any field may have any value afterwards.
  case anything

  /// `field` changes for every packet.
  public static func change(_ field: Field, _ change: FieldChange) -> FieldEffect { .change(field, change, when: .always) }

  /// Clears the bits of a mask, then flips the bits of a value: `--set-xmark value/mask`.
  public static func set(_ field: Field, _ value: some FixedWidthInteger, clearing mask: some FixedWidthInteger) -> FieldEffect {
    .change(field, .masked(keep: ~UInt128(truncatingIfNeeded: mask) & field.greatest, flip: UInt128(truncatingIfNeeded: value)))
  }

  /// The fields may have any value afterwards.
  public static func unknown(_ fields: Field...) -> [FieldEffect] { fields.map { .change($0, .unknown) } }
}

/// The new value of a field as a function of the packet before.
public enum FieldChange: Sendable, Hashable {
  /// `old & keep ^ flip`: a constant, or bits that are set, cleared and flipped.
  case masked(keep: UInt128, flip: UInt128)
  /// `old & keep ^ shifted(source & mask) ^ flip`. A negative shift is to the right. Bits shifted out of the field's width are
  /// lost.
  case copied(from: Field, mask: UInt128, shift: Int, keep: UInt128, flip: UInt128)
  /// The old value plus a number, which may be negative, clamped to a range.
  case added(Int, within: ClosedRange<UInt128>)
  /// One value of a range, chosen by something unknown. An old value in the range may stay.
  case range(ClosedRange<UInt128>)
  /// The bits of a mask may have any value; the others stay.
  case bits(UInt128)
  /// An address that the host has on the interface where the packet comes in.
  case ownAddress
  /// Any value, the old one included.
  case unknown
}

extension FieldChange {
  /// The new value if it is one, whatever the old one.
  public var constant: UInt128? {
    switch self {
    case .masked(0, let flip): flip
    case .range(let range) where range.lowerBound == range.upperBound: range.lowerBound
    default: nil
    }
  }
}

/// A set of fields that may be written.
public struct FieldWrites: Sendable, Hashable {
  /// The fields that may be written.
  public private(set) var fields: Set<Field> = []
  /// Whether any field may be written.
  public private(set) var isAnything = false

  /// Creates an empty set.
  public init() {}

  /// Creates the set of all fields that `effects` change.
  public init(_ effects: [FieldEffect]) {
    for effect in effects {
      switch effect {
      case .change(let field, _, _): fields.insert(field)
      case .anything: isAnything = true
      }
    }
  }

  /// Whether no field may be written.
  public var isNothing: Bool { fields.isEmpty && !isAnything }

  /// Adds the fields of another set.
  public mutating func formUnion(_ other: FieldWrites) {
    fields.formUnion(other.fields)
    isAnything = isAnything || other.isAnything
  }

  /// Whether a field may have another value after the writes.
  public func changes(_ field: Field) -> Bool { isAnything || fields.contains { field.isChanged(byWriting: $0) } }
}

/// Whether packets proceed to the next rule after a target acted on them.
public enum TargetEnding: Sendable, Hashable {
  /// All packets proceed.
  case never
  /// Some packets get a verdict.
  case sometimes
  /// All packets get a verdict.
  case always
}
