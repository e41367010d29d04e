import Netfilter
import Wire
import XTables

/// A packet during its passage through the hooks, with its routing state. Each packet has a value of its own, made for it: nothing of another
/// packet is in it.
struct Journey {
  var context: PacketContext
  /// The index of its report; ``unreported`` if it has none.
  var report: Int
  /// True if the path is recorded in the report.
  let isRecorded: Bool
  /// True if what it hits is noted in ``hits``.
  var notesHits = false
  /// What the packet has hit, if that is noted.
  var hits = HitLog()
  /// The verdict of connection tracking, if it has seen the packet before the hooks; nil afterwards.
  var earlyVerdict: NetfilterVerdict?
  /// True as long as later packets of the connection may go the packet's way.
  var keepsWay = false
  /// What the packet has hit on that way.
  var wayHits: [KnownWay.Hit] = []
  /// The verdict, once it is decided.
  var verdict = PacketVerdict.refused("the packet was not processed")
  /// The packet's route. Kernel: `skb_dst`.
  var route: RouteAnswer?
  /// Set while the packet crosses a bridge.
  var crossing: BridgeCrossing?
  /// The next hop, if it is not the route's: the gateway of a copy, until it is routed anew.
  var nextHop: IPAddress?
  /// The index of the hook's operation at which the packet continues.
  var operation = 0
  /// The return stack of the current table.
  var jumps = JumpStack()
  /// True if the hook's entry is recorded already, because the packet returns from a queue.
  var isReentering = false
  /// The options of the IPv4 header, if it has any.
  var options: IPOptions?
  /// The socket that sends the packet; its device and user count when the packet is routed again.
  var socket = SendingSocket()
  /// True for an answer that shares its connection with a packet still in progress.
  var borrowsConnection = false
  /// True if the socket is not a full socket: matches see its owner, logs do not.
  var hidesOwner = false
  /// True if a queue has accepted the packet, or dropped it for want of a listener. The sender gets no error in either case.
  var isQueued = false
  /// The input interface at POSTROUTING for a copy: its own output. Kernel: `skb->dev`, as set by `nf_dup_ipv4`.
  var lingeringInput: Interface?
  /// True for a copy made by a target, sent to the gateway that the target names.
  var isCopy = false
  /// A malformed fragment: the kernel drops it instead of queueing it.
  var isRefusedByReassembly = false
  /// Whether the host receives a copy of its own packet.
  var ownCopy = OwnCopy.none
  /// The sender's socket while the looped copy has none.
  var sender: SocketFacts?
  /// True if a process sends it: looped packets are received after each table, not at the end.
  var isInProcess = false
  /// The error for the sender if rerouting at OUTPUT failed. Kernel: `NF_DROP_ERR`.
  var sendError: SendError?
  /// True if the packet is about to leave with a connection whose use need not be ended.
  var hasNothingToRelease = false
  /// How often the packet was queued.
  var queueStays = 0
  /// The frame's destination, if the packet left unchanged and is not recorded.
  var frameDestination: MACAddress?
  /// How often the packet went through the loopback interface.
  var rounds = 0
  /// The number of table entries listed in its report.
  var listedEntries = 0

  /// Replaces a report's index: a report is opened only when there is an event to report.
  static let unreported = -1

  @inline(__always)
  init(context: consuming PacketContext, report: Int = unreported, isRecorded: Bool) {
    self.context = context
    self.report = report
    self.isRecorded = isRecorded
  }

  /// Creates the journey of a packet that is received.
  @inline(__always)
  init(of packet: consuming Packet, _ family: Family, on input: Interface?, isRecorded: Bool, in world: World) {
    self.init(
      context: PacketContext(packet: packet, family: family, hook: .prerouting, input: input, world: world), isRecorded: isRecorded)
  }

  /// Moves the verdict out of a finished journey.
  mutating func takeVerdict() -> PacketVerdict {
    var taken = PacketVerdict.delivered
    swap(&taken, &verdict)
    return taken
  }
}

/// What look-ups for a packet's route ask of the socket that sends it; by default that of the kernel, or of none. Kernel: `nf_hook_state.sk`.
struct SendingSocket {
  /// The interface that the socket is bound to. Kernel: `sk_bound_dev_if`.
  var device: Interface?
  /// The socket's user; nil if it is not known. Kernel: `sk_uid`.
  var user: UInt32? = 0
}

/// The result of a hook operation.
enum OperationOutcome {
  case verdict(NetfilterVerdict)
  /// Dropped, with the reason.
  case dropped(String)
  /// Dropped by a rule or policy of a chain beside the loaded rules.
  case droppedBy(RuleStep)
  /// Kept for reassembly.
  case absorbed
  case unknown(UnknownReason)
}
