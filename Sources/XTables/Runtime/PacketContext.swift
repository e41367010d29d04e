public import Conntrack
import Diagnostics
public import Netfilter
public import Wire

/// Queues of which the kernel chooses one by something that no input states. Kernel: `nfqueue_hash`, `NFQ_FLAG_CPU_FANOUT`.
public struct QueueChoice: Sendable, Hashable {
  /// The queues.
  public let queues: ClosedRange<UInt16>
  /// Whether the processor decides; otherwise a hash with a secret seed does.
  public let isByProcessor: Bool

  /// Creates a choice.
  public init(among queues: ClosedRange<UInt16>, isByProcessor: Bool) { (self.queues, self.isByProcessor) = (queues, isByProcessor) }
}

/// A packet at a hook with its metadata.
///
/// The corresponding kernel structures are `sk_buff` and `xt_action_param`.
public struct PacketContext {
  /// The packet.
  public var packet: Packet
  /// The family of the hook, which decides whether the rules are those of iptables or ip6tables.
  public let family: Family
  /// The current hook.
  public var hook: Hook
  /// The incoming interface; nil for a packet of this host.
  public var input: Interface?
  /// The outgoing interface; nil before routing.
  public var output: Interface?
  /// The interface on which the original of a copy arrived. Kernel: `inet6_skb_parm.iif`.
  public var arrival: Interface?
  /// The interface of the packet's route, if NAT or a changed mark has routed it anew at OUTPUT; ``output`` stays the hook's.
  public var reroutedOutput: Interface?
  /// The bridge port on which the packet arrived; nil if it crosses no bridge.
  public var physicalInput: Interface?
  /// The bridge port by which the packet leaves; nil if it crosses no bridge.
  public var physicalOutput: Interface?
  /// The packet mark (`sk_buff.mark`).
  public var mark: UInt32 = 0
  /// The priority (`sk_buff.priority`).
  public var priority: UInt32 = 0
  /// The security mark (`sk_buff.secmark`).
  public var securityMark: UInt32 = 0
  /// The realms of the route, the one of the source in the upper 16 bits. Kernel: `dst_entry.tclassid`.
  public var realms: UInt32 = 0
  /// The socket that sent the packet; nil for a forwarded packet and for one that the kernel sent.
  public var owner: SocketFacts?
  /// The packet's connection, or that it is untracked.
  public var attachment: Attachment
  /// Whether TRACE has acted, so that every further rule is logged. The corresponding kernel field is `sk_buff.nf_trace`.
  public var isTraced = false
  /// The socket that TPROXY chose to receive the packet on local delivery; nil for the packet's own destination.
  public var receiver: Receiver?
  /// The queues of which the target that queues the packet has chosen one, if the kernel may choose another; nil if it chooses the same.
  public var queueChoice: QueueChoice?
  /// The effects of the rules so far besides verdicts, in order.
  public var effects: [Effect] = []
  /// The number of effects that ``note(_:)`` has kept.
  private var notedEffects = 0
  /// The number of effects that ``note(_:)`` has dropped, because there were more than ``Limits/recordsOfPacket``.
  public private(set) var omittedEffects = 0
  /// True if connection tracking has computed the checksum of the payload, which is wrong. Kernel: `CHECKSUM_COMPLETE`.
  public var hasComputedSum = false
  /// How much of its checksum the kernel has computed.
  public var checksum = ChecksumState.complete
  /// Whether a match has found truncated headers. The packet is dropped after the rule. Kernel: `hotdrop`.
  public var isDoomed = false
  /// The ports of the packet that NAT has chosen by chance, where it is not known how chance decides.
  public package(set) var drawnPorts = DrawnPorts()
  /// What rules have read of the packet besides what all packets of one direction of a connection have in common.
  public package(set) var reads = PacketReads()
  /// The number of the match or target that is evaluated, for ``ExtensionMemory``.
  public var slot = 0
  /// The network namespace.
  public let world: World

  /// Creates the context of a packet without marks and effects.
  public init(
    packet: Packet, family: Family, hook: Hook, input: Interface? = nil, output: Interface? = nil,
    attachment: Attachment = .none, world: World
  ) {
    self.packet = packet
    self.family = family
    self.hook = hook
    self.input = input
    self.output = output
    self.attachment = attachment
    self.world = world
  }
}

extension PacketContext {
  /// Whether NAT has chosen a port of the packet by chance, and it is not known how chance decides.
  public var hasDrawnPort: Bool { !drawnPorts.isEmpty }

  /// Why a match that reads a port of ``drawnPorts`` has no result.
  public static let drawnPort = UnknownReason("a test of a port that NAT chooses by chance", lacking: .chance)

  /// Adds an effect that only informs: a log line, a message, a note. Effects beyond ``Limits/recordsOfPacket`` are counted but not
  /// made, because a packet may meet any number of such targets.
  ///
  /// - Parameter effect: makes the effect from the current packet.
  public mutating func note(_ effect: (PacketContext) -> Effect) {
    guard notedEffects < Limits.recordsOfPacket else {
      omittedEffects += 1
      return
    }
    notedEffects += 1
    effects.append(effect(self))
  }
}

/// The address and port of a socket of this host.
public struct Receiver: Sendable, Hashable {
  /// The address of the socket.
  public let address: IPAddress
  /// The port of the socket.
  public let port: UInt16

  /// Creates a receiver.
  public init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }
}

/// An effect of a target besides its verdict.
public enum Effect: Sendable {
  /// A line in the kernel log.
  case log(level: UInt8, line: String)
  /// A message to a user-space log group.
  case nflog(group: UInt16, prefix: String)
  /// A packet that the host sends in answer, and its connection.
  case reply(Packet, Attachment)
  /// A packet that the host sends for another host, and its connection.
  case send(Packet, Attachment)
  /// A copy that is sent elsewhere.
  case duplicate(Packet, gateway: IPAddress, output: Interface?)
  /// Anything else, as a sentence.
  case note(String)
}
