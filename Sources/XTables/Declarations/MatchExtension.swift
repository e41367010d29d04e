public import Netfilter
public import Wire

/// An extension that tests packets.
public protocol MatchExtension: Extension {
  /// The meaning of the structure; ``Condition/opaque`` if it depends on state or chance.
  static func condition(_ info: Info, family: Family) -> Condition
  /// Decides a packet of a dry run if the condition is opaque. The corresponding kernel callback is `match`.
  static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome
}

extension MatchExtension {
  /// The default: unknown, because no meaning is declared.
  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    .unknown(UnknownReason("-m \(name)", needs: "its meaning, which Ferrule does not know"))
  }

  /// The default: the fields of a condition are those of the packet, its connection and the host.
  public static func isConfined(_ info: Info, _ family: Family) -> Bool { !condition(info, family: family).isOpaque }

  /// The listing of this extension for a registry.
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

/// The type-erased meaning of a match.
public struct MatchBehaviour: Sendable {
  /// Creates the meaning of a match.
  ///
  /// - Parameters:
  ///   - condition: the meaning of a structure.
  ///   - evaluate: decides packets if the meaning is ``Condition/opaque``.
  public init(
    condition: @escaping @Sendable ([UInt8], Family) -> Condition,
    evaluate: @escaping @Sendable ([UInt8]) -> @Sendable (inout PacketContext) -> MatchOutcome
  ) {
    self.condition = condition
    self.evaluate = evaluate
  }

  /// The meaning of a payload in a family.
  public let condition: @Sendable ([UInt8], Family) -> Condition
  @usableFromInline let evaluate: @Sendable ([UInt8]) -> @Sendable (inout PacketContext) -> MatchOutcome

  /// This match with another meaning, as where it is written in other terms.
  public func meaning(_ condition: Condition) -> MatchBehaviour { MatchBehaviour(condition: { _, _ in condition }, evaluate: evaluate) }
}

/// An extension that acts on packets.
public protocol TargetExtension: Extension {
  /// Whether packets proceed to the next rule after the target. The default is that all of them do.
  static var ending: TargetEnding { get }
  /// Performs the target on a packet. The corresponding kernel callback is `target`.
  static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome
}

extension TargetExtension {
  /// The default: all packets proceed to the next rule.
  public static var ending: TargetEnding { .never }

  /// The listing of this extension for a registry.
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

/// The type-erased action of a target.
public struct TargetBehaviour: Sendable {
  /// Whether packets proceed to the next rule after the target.
  public let ending: TargetEnding

  @usableFromInline
  init(ending: TargetEnding, action: @escaping @Sendable ([UInt8]) -> @Sendable (inout PacketContext) -> TargetOutcome) {
    self.ending = ending
    self.action = action
  }

  /// Makes, from a payload, the function that performs the target on a packet.
  public let action: @Sendable ([UInt8]) -> @Sendable (inout PacketContext) -> TargetOutcome
}

/// The decision of a target.
public enum TargetOutcome: Sendable, Hashable {
  /// The packet gets a verdict, and no further rule is evaluated.
  case verdict(NetfilterVerdict)
  /// The packet proceeds to the next rule. The corresponding kernel value is `XT_CONTINUE`.
  case proceed
  /// The packet proceeds after the effects of the target have been carried out, such as a copy that is sent first.
  case pause
  /// The target's decision is unknown.
  case unknown(UnknownReason)
}
