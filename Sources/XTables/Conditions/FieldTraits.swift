public import Netfilter

/// The properties of a ``Field`` besides how it is read, from its declaration. A class, so that fields share it by reference.
public final class FieldTraits: Sendable {
  /// The declared form; nil for the default form of the width.
  let declaredForm: FieldForm?
  /// The possible outcomes of reading the field.
  public let outcomes: FieldOutcomes
  /// What the value depends on, and so what may change it during a walk through a table.
  public let basis: FieldBasis
  /// The possible values; nil for all values of the width.
  let domain: FieldDomain?
  /// What the value depends on besides the packet and its metadata; nil if on nothing.
  public let needs: FieldNeeds?
  /// Sets the field of a draft; returns false if it cannot.
  let write: (@Sendable (UInt128, inout PacketDraft) -> Bool)?

  /// Creates traits. `values` and `write` are nil if every value is possible and no draft can set the field.
  public init(
    _ basis: FieldBasis, _ outcomes: FieldOutcomes = .all, form: FieldForm? = nil,
    values domain: FieldDomain? = nil, needs: FieldNeeds? = nil,
    write: (@Sendable (UInt128, inout PacketDraft) -> Bool)? = nil
  ) {
    declaredForm = form
    self.outcomes = outcomes
    self.basis = basis
    self.domain = domain
    self.needs = needs
    self.write = write
  }

  /// Nothing is declared: the field may be absent, and any write may change it.
  public static let undeclared = FieldTraits(.undeclared)
}

/// The possible values of a field, in ascending ranges that do not overlap.
public enum FieldDomain: Sendable {
  /// The same values at every hook.
  case ranges([ClosedRange<UInt128>])
  /// The values depend on the hook of the packet.
  case byHook(@Sendable (Hook) -> [ClosedRange<UInt128>])

  /// One range for all hooks.
  public static func range(_ range: ClosedRange<UInt128>) -> FieldDomain { .ranges([range]) }
}

/// What the value of a field depends on.
public enum FieldBasis: Sendable {
  /// Bytes of the packet. A target that writes the field declares it.
  case packet
  /// Metadata of the packet, or the host: mark, interface, connection. A target that writes the field declares it.
  case context
  /// These fields, and nothing else that a target can write.
  case fields([Field])
  /// Bytes of the packet that may belong to any field.
  case bytes
  /// The value may change between two rules without a write, such as the rest of a timeout.
  case unsteady
  /// Not declared: any write may change it.
  case undeclared
}

/// A set of possible outcomes of reading a field. The members are the cases of ``FieldValue``.
public struct FieldOutcomes: OptionSet, Sendable, Hashable {
  /// One bit for each outcome.
  public let rawValue: UInt8

  /// Creates a set from its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The field has a value.
  public static let value = FieldOutcomes(rawValue: 0x01)
  /// The packet does not have the field.
  public static let absent = FieldOutcomes(rawValue: 0x02)
  /// The header is truncated; the match drops the packet.
  public static let malformed = FieldOutcomes(rawValue: 0x04)
  /// The header is truncated; the packet is dropped after the rule.
  public static let doomed = FieldOutcomes(rawValue: 0x08)
  /// The value cannot be determined.
  public static let unknown = FieldOutcomes(rawValue: 0x10)
  /// All outcomes.
  public static let all: FieldOutcomes = [.value, .absent, .malformed, .doomed, .unknown]

  /// The outcome of one reading.
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
