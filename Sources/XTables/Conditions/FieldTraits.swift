public import Conntrack

/// What is known of a ``Field`` besides how it is read. Each field's declaration gives it; fields share it by reference.
public final class FieldTraits: Sendable {
  /// How people write its values; nil for the form that its width suggests.
  let declaredForm: FieldForm?
  /// What can come of reading it.
  public let outcomes: FieldOutcomes
  /// What its value rests on, and so what may change it while a packet passes through a table.
  public let basis: FieldBasis
  /// The values it can have; nil for all of its width.
  let domain: FieldDomain?
  /// Gives a draft a value; false where it cannot.
  let write: (@Sendable (UInt128, inout PacketDraft) -> Bool)?

  public init(
    _ basis: FieldBasis, _ outcomes: FieldOutcomes = .all, form: FieldForm? = nil,
    values domain: FieldDomain? = nil,
    write: (@Sendable (UInt128, inout PacketDraft) -> Bool)? = nil
  ) {
    declaredForm = form
    self.outcomes = outcomes
    self.basis = basis
    self.domain = domain
    self.write = write
  }

  /// Nothing is known: it may be absent, and everything that a target writes may change it.
  public static let undeclared = FieldTraits(.undeclared)
}

/// The values a field can have, in ascending ranges that do not overlap.
public enum FieldDomain: Sendable {
  case ranges([ClosedRange<UInt128>])
  /// They differ by the hook at which the packet stands.
  case byHook(@Sendable (Hook) -> [ClosedRange<UInt128>])

  public static func range(_ range: ClosedRange<UInt128>) -> FieldDomain { .ranges([range]) }
}

/// What a field's value rests on.
public enum FieldBasis: Sendable {
  /// Bytes of the packet: a target that writes the field declares so.
  case packet
  /// What rides on the packet, or the host: mark, interface, connection. A target that writes the field declares so.
  case context
  /// It is computed from these fields and from nothing else that a target can write.
  case fields([Field])
  /// It is computed from bytes of the packet that may belong to any field.
  case bytes
  /// It may change between two rules though no target writes it: what is left of a timeout.
  case unsteady
  /// Not declared: everything may change it.
  case undeclared
}

/// What can come of reading a field. The cases are those of ``FieldValue``.
public struct FieldOutcomes: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let value = FieldOutcomes(rawValue: 0x01)
  public static let absent = FieldOutcomes(rawValue: 0x02)
  public static let malformed = FieldOutcomes(rawValue: 0x04)
  public static let doomed = FieldOutcomes(rawValue: 0x08)
  public static let unknown = FieldOutcomes(rawValue: 0x10)
  public static let all: FieldOutcomes = [.value, .absent, .malformed, .doomed, .unknown]

  /// The one outcome that a reading is.
  public init(_ value: FieldValue) {
    switch value {
    case .value: self = .value
    case .absent: self = .absent
    case .malformed: self = .malformed
    case .doomed: self = .doomed
    case .unknown: self = .unknown
    }
  }
}
