import Conntrack
import XTables

/// What one event from outside has caused so far: a received packet, a sent one, a listener's verdict, the passing of time.
///
/// The next event replaces the value as a whole. An event that a queue's listener causes while a packet waits has a value of its own.
struct HostEvent {
  /// The packets, frames and socket events, for the caller.
  var report = PathReport()
  /// Packets that continue after the current packet is done.
  var postponed: [PostponedPacket] = []
  /// Packets of sockets that are sent after the current packet is done.
  var pending: [PendingPacket] = []
  /// The packet that a socket is receiving.
  var delivered = DeliveredPacket()
  /// The nesting depth of packets made by the host.
  var depth = 0
  /// True while the kernel's ICMP socket is sending.
  var isICMPSocketBusy = false
  /// True while a copy made by TEE is in progress; it is not copied again. Kernel: `task_struct.in_nf_duplicate`.
  var isDuplicating = false
  /// The connection whose process is in the call that opens it, until a queue's listener runs: errors do not end it. Kernel: `sock_owned_by_user`.
  var opening: SocketPair?

  /// True if nothing is recorded and nothing waits.
  @inline(__always)
  var isUntouched: Bool { report.isUntouched && postponed.isEmpty && pending.isEmpty }
}

/// What the answer to a packet depends on besides the packet.
struct DeliveredPacket {
  /// The interface at which sockets see the packet.
  var input: Interface?
  /// The packet's mark.
  var mark: UInt32 = 0
  /// The address of the socket that TPROXY assigned.
  var receiver: Receiver?
}

/// The packets that wait beyond the event that brought them.
struct WaitingPackets {
  /// Packets that wait for a listener's verdict, by id.
  var held: [UInt64: HeldPacket] = [:]
  /// The id of the next queued packet.
  var nextID: UInt64 = 1
  /// Packets that wait for the resolution of their next hop.
  var neighbours: [NeighbourWaiter] = []
  /// Incomplete datagrams, of connection tracking and of local delivery.
  var fragments = FragmentQueues()

  /// True if something happens to them when time passes.
  var mayExpire: Bool { !neighbours.isEmpty || fragments.count > 0 }

  var isEmpty: Bool { held.isEmpty && neighbours.isEmpty && fragments.count == 0 }

  /// The number of packets in a queue.
  func count(inQueue number: UInt16) -> Int { held.values.count { $0.queue == number } }
}

/// What the host has learned from earlier packets about hosts and links, and how often it has answered them.
struct LearnedState {
  /// The ports behind which a bridge has seen hardware addresses.
  var bridges = BridgeMemory()
  /// The redirects sent to each host.
  var redirects = RedirectMemory()
  /// The errors sent to each host for packets without a route.
  var refusals = RefusalMemory()

  /// True if nothing is known of hosts. Bridges are not asked.
  var isEmptyOfHosts: Bool { redirects.isEmpty && refusals.isEmpty }
}
