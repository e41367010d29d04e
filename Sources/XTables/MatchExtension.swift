public import Conntrack

/// An extension that tests packets.
public protocol MatchExtension: Extension {
  /// What the structure means. ``Condition/opaque`` where memory or chance is involved.
  static func condition(_ info: Info, family: Family) -> Condition
  /// Decides a packet of a dry run where the condition is opaque; the corresponding kernel callback is `match`.
  static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome
}

extension MatchExtension {
  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    .unknown(UnknownReason("-m \(name)", needs: "a declared meaning"))
  }

  /// This extension as a registry lists it.
  @inlinable public static var listing: ExtensionListing {
    ExtensionListing(Self.self, kind: .match) { descriptor }
  }

  @inlinable static var descriptor: ExtensionDescriptor {
    ExtensionDescriptor(
      Self.self, kind: .match,
      behaviour: .match(
        MatchBehaviour(
          condition: { payload, family in
            Payload.load(Info.self, from: payload).map { condition($0, family: family) } ?? .never
          },
          evaluate: { payload in
            let info = Payload.load(Info.self, from: payload) ?? initial
            return { evaluate(info, &$0) }
          })))
  }
}

/// What a match means, its type erased.
public struct MatchBehaviour: Sendable {
  /// - Parameters:
  ///   - condition: what a structure means.
  ///   - evaluate: decides packets for a structure where that is ``Condition/opaque``.
  public init(
    condition: @escaping @Sendable ([UInt8], Family) -> Condition,
    evaluate: @escaping @Sendable ([UInt8]) -> @Sendable (inout PacketContext) -> MatchOutcome
  ) {
    self.condition = condition
    self.evaluate = evaluate
  }

  public let condition: @Sendable ([UInt8], Family) -> Condition
  @usableFromInline let evaluate: @Sendable ([UInt8]) -> @Sendable (inout PacketContext) -> MatchOutcome
}

/// An extension that acts on packets.
public protocol TargetExtension: Extension {
  /// Whether packets it acts on go on to the next rule; the default is that all of them do.
  static var ending: TargetEnding { get }
  /// The corresponding kernel callback is `target`.
  static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome
}

extension TargetExtension {
  public static var ending: TargetEnding { .never }

  /// This extension as a registry lists it.
  @inlinable public static var listing: ExtensionListing {
    ExtensionListing(Self.self, kind: .target) { descriptor }
  }

  @inlinable static var descriptor: ExtensionDescriptor {
    ExtensionDescriptor(
      Self.self, kind: .target,
      behaviour: .target(
        TargetBehaviour(
          ending: ending,
          action: { payload in
            let info = Payload.load(Info.self, from: payload) ?? initial
            return { act(info, on: &$0) }
          })))
  }
}

/// What a target does, its type erased.
public struct TargetBehaviour: Sendable {
  /// Whether packets it acts on go on to the next rule.
  public let ending: TargetEnding

  @usableFromInline
  init(ending: TargetEnding, action: @escaping @Sendable ([UInt8]) -> @Sendable (inout PacketContext) -> TargetOutcome) {
    self.ending = ending
    self.action = action
  }

  public let action: @Sendable ([UInt8]) -> @Sendable (inout PacketContext) -> TargetOutcome
}

/// What a target decides.
public enum TargetOutcome: Sendable, Hashable {
  case verdict(NetfilterVerdict)
  /// The next rule is looked at; the corresponding kernel value is `XT_CONTINUE`.
  case proceed
  /// The same, once what the target caused has been done: a copy is under way before the packet itself goes on.
  case pause
  case unknown(UnknownReason)
}
