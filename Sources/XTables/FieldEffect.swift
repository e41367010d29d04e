public import Conntrack
public import Wire

/// For which packets a rule's effects are asked.
public struct EffectSite: Sendable, Hashable {
  public let family: Family
  public let hook: Hook

  public init(family: Family, hook: Hook) {
    self.family = family
    self.hook = hook
  }
}

/// What a target, or a match that does more than test, makes of one field of the packets it sees.
public enum FieldEffect: Sendable {
  /// The field changes, for packets that meet a condition. Where it cannot be said for which, the change is ``FieldChange/unknown``.
  case change(Field, FieldChange, when: Condition)
  /// Nothing is known: any field may have any value behind it.
  case anything

  /// `field` is changed for every packet.
  public static func change(_ field: Field, _ change: FieldChange) -> FieldEffect { .change(field, change, when: .always) }

  /// The bits under a mask are cleared and then others turned over: what `--set-xmark value/mask` does.
  public static func set(_ field: Field, _ value: some FixedWidthInteger, clearing mask: some FixedWidthInteger) -> FieldEffect {
    .change(field, .masked(keep: ~UInt128(truncatingIfNeeded: mask) & field.greatest, flip: UInt128(truncatingIfNeeded: value)))
  }

  /// Some fields may have any value behind it.
  public static func unknown(_ fields: Field...) -> [FieldEffect] { fields.map { .change($0, .unknown) } }
}

/// A field's new value as a function of what the packet had before.
public enum FieldChange: Sendable, Hashable {
  /// `old & keep ^ flip`: a constant, or bits set, cleared and turned over.
  case masked(keep: UInt128, flip: UInt128)
  /// `old & keep ^ shifted(source & mask) ^ flip`; the shift is to the left, or to the right where it is negative, and what it moves out
  /// of the field's width is lost.
  case copied(from: Field, mask: UInt128, shift: Int, keep: UInt128, flip: UInt128)
  /// The old value and a number, which may be negative, cut to a range.
  case added(Int, within: ClosedRange<UInt128>)
  /// One of these values, by something that is not known beforehand; where it is among them, the old one may stay.
  case range(ClosedRange<UInt128>)
  /// Any value, the old one included.
  case unknown
}

/// The fields that something may write.
public struct FieldWrites: Sendable, Hashable {
  public private(set) var fields: Set<Field> = []
  /// Any field may be written.
  public private(set) var isAnything = false

  public init() {}

  public init(_ effects: [FieldEffect]) {
    for effect in effects {
      switch effect {
      case .change(let field, _, _): fields.insert(field)
      case .anything: isAnything = true
      }
    }
  }

  public var isNothing: Bool { fields.isEmpty && !isAnything }

  public mutating func formUnion(_ other: FieldWrites) {
    fields.formUnion(other.fields)
    isAnything = isAnything || other.isAnything
  }

  /// Whether a field may have another value afterwards.
  public func changes(_ field: Field) -> Bool { isAnything || fields.contains { field.isChanged(byWriting: $0) } }
}

/// Whether packets on which a target acts go on to the next rule.
public enum TargetEnding: Sendable, Hashable {
  /// All of them do.
  case never
  /// Some get a verdict.
  case sometimes
  /// All of them get a verdict.
  case always
}
