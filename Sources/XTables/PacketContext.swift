public import Conntrack
import Diagnostics
public import Wire

/// A packet at a hook, with all that rides on it.
///
/// The corresponding kernel structures are `sk_buff` and `xt_action_param`.
public struct PacketContext {
  public var packet: Packet
  public private(set) var family: Family
  public var hook: Hook
  public var input: Interface?
  public var output: Interface?
  /// The bridge ports, where the packet crosses a bridge.
  public var physicalInput: Interface?
  public var physicalOutput: Interface?
  public var mark: UInt32 = 0
  public var priority: UInt32 = 0
  public var securityMark: UInt32 = 0
  /// The realms of its route, the source's in the high half. Kernel: `dst_entry.tclassid`.
  public var realms: UInt32 = 0
  /// The socket that sent the packet, on its way out; nil for a forwarded packet and for one the kernel made.
  public var owner: SocketFacts?
  /// The connection the packet belongs to, or that it is untracked.
  public var attachment: Attachment
  /// TRACE was met: every rule from here on is logged. The corresponding kernel field is `sk_buff.nf_trace`.
  public var isTraced = false
  /// Whose socket gets the packet if it is delivered here, where TPROXY chose another than the packet's own destination.
  public var receiver: Receiver?
  /// What happened on the way that is not a verdict, in order.
  public var effects: [Effect] = []
  /// How many effects ``note(_:)`` has kept.
  private var notedEffects = 0
  /// How many effects ``note(_:)`` has not kept, because there were more than ``Limits/recordsOfPacket``.
  public private(set) var omittedEffects = 0
  /// A match has found its headers cut short, and let it match all the same: it is dropped behind the rule. Kernel: `hotdrop`.
  public var isDoomed = false
  /// Identifies the part of the ruleset that is being asked, for ``ExtensionMemory``.
  public var slot = 0
  public let world: World

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
  /// Adds an effect that only tells something: a log line, a message, a note. A packet may meet such targets any number of times,
  /// so those beyond ``Limits/recordsOfPacket`` are counted and not made.
  ///
  /// - Parameter effect: makes the effect from the packet as it is now.
  public mutating func note(_ effect: (PacketContext) -> Effect) {
    guard notedEffects < Limits.recordsOfPacket else {
      omittedEffects += 1
      return
    }
    notedEffects += 1
    effects.append(effect(self))
  }

  /// Makes the context that of another packet, without a trace of the one before. The packet itself stays.
  public mutating func begin(_ family: Family, at hook: Hook, input: Interface?) {
    self.family = family
    self.hook = hook
    self.input = input
    output = nil
    physicalInput = nil
    physicalOutput = nil
    mark = 0
    priority = 0
    securityMark = 0
    realms = 0
    if owner != nil { owner = nil }
    attachment = .none
    isTraced = false
    receiver = nil
    if !effects.isEmpty { effects = [] }
    notedEffects = 0
    omittedEffects = 0
    isDoomed = false
    slot = 0
  }
}

/// The address and port of a socket of this host.
public struct Receiver: Sendable, Hashable {
  public let address: IPAddress
  public let port: UInt16

  public init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }
}

/// Something a target causes besides its verdict.
public enum Effect: Sendable {
  /// A line in the kernel log.
  case log(level: UInt8, line: String)
  /// A message to a user-space log group.
  case nflog(group: UInt16, prefix: String)
  /// A packet the host sends in answer, and what it is to connection tracking.
  case reply(Packet, Attachment)
  /// A packet the host sends for somebody else, and what it is to connection tracking.
  case send(Packet, Attachment)
  /// A copy sent elsewhere.
  case duplicate(Packet, gateway: IPAddress, output: Interface?)
  /// Anything else worth telling, in a sentence.
  case note(String)
}
