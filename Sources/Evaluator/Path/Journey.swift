import Conntrack
import Wire
import XTables

/// A packet on its way through the hooks, with what the IP layer has decided about it so far.
struct Journey {
  var context: PacketContext
  /// Its report's place among those of the path; ``unreported`` where none is kept.
  var report: Int
  /// Whether its way is recorded there.
  let isRecorded: Bool
  /// What became of it, once that is known.
  var verdict = PacketVerdict.refused("not looked at")
  /// Where it is routed to. Kernel: `skb_dst`.
  var route: RouteAnswer?
  /// It is on its way from one port of a bridge to another.
  var crossing: BridgeCrossing?
  /// The next hop's hardware address comes from here.
  var nextHop: IPAddress?
  /// The operation of the hook at which it goes on.
  var operation = 0
  /// The rules to come back to in the table that it passes.
  var jumps = JumpStack()
  /// Whether the hook's entry is noted already: the packet comes back to it from a queue.
  var isReentering = false
  /// The options of its IPv4 header, where it has any.
  var options: IPOptions?
  /// The interface its socket is bound to.
  var boundOutput: Interface?
  /// It came to be by an answer to a packet that still carries the same connection.
  var borrowsConnection = false
  /// Its socket is no full one: matches know its owner, logs do not.
  var hidesOwner = false
  /// A queue has taken it, or dropped it because nobody listens: its sender is told of success either way.
  var isQueued = false
  /// What POSTROUTING takes for the interface it came by: a copy's own way out. Kernel: `skb->dev`, as `nf_dup_ipv4` sets it.
  var lingeringInput: Interface?
  /// A target has made it, and it goes where that said.
  var isCopy: Bool { nextHop != nil }
  /// It is a fragment of which reassembly would know nothing, where the kernel drops such a one and does not keep it.
  var isRefusedByReassembly = false
  /// The host hears it as well.
  var ownCopy = OwnCopy.none
  /// Who sent it, while its copy has nobody.
  var sender: SocketFacts?
  /// A process takes it through the hooks: what waits for the processor to be free is done after each table.
  var isInProcess = false
  /// Why it could not be routed anew at OUTPUT: its sender gets this error. Kernel: `NF_DROP_ERR`.
  var sendError: SendError?
  /// How often it was handed to a queue.
  var queueStays = 0
  /// Where its frame went, if it left as it is and nothing is recorded.
  var frameDestination: MACAddress?
  /// How often it has gone round through the loopback interface.
  var rounds = 0
  /// Entries of tables that its report lists.
  var listedEntries = 0

  /// In place of a report's number: nothing is recorded unless something comes up that must be told.
  static let unreported = -1

  init(context: consuming PacketContext, report: Int, isRecorded: Bool) {
    self.context = context
    self.report = report
    self.isRecorded = isRecorded
  }

  /// A place for packets that are neither reported nor recorded.
  init(in world: World) {
    self.init(
      context: PacketContext(packet: Packet(bytes: []), family: .ipv4, hook: .prerouting, world: world),
      report: Journey.unreported, isRecorded: false)
  }

  /// Makes it the way of another packet, which is neither reported nor recorded.
  mutating func begin(_ family: AddressFamily, input: Interface) {
    context.begin(family, at: .prerouting, input: input)
    report = Journey.unreported
    if route != nil { route = nil }
    nextHop = nil
    operation = 0
    isReentering = false
    boundOutput = nil
    borrowsConnection = false
    hidesOwner = false
    queueStays = 0
    if options != nil { options = nil }
    crossing = nil
    isQueued = false
    isInProcess = false
    sendError = nil
    frameDestination = nil
    rounds = 0
  }

  /// What became of the packet, which is over.
  mutating func takeVerdict() -> PacketVerdict {
    var taken = PacketVerdict.delivered
    swap(&taken, &verdict)
    return taken
  }
}

/// What an operation of a hook says.
enum OperationOutcome {
  case verdict(NetfilterVerdict)
  /// Dropped, with a word on why.
  case dropped(String)
  /// Kept for reassembly.
  case absorbed
  case unknown(UnknownReason)
}
