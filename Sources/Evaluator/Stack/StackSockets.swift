import Conntrack
import Wire
import XTables

/// The two ends of a connection, from this host's side.
struct SocketPair: Hashable {
  let local: SocketEvent.End
  let remote: SocketEvent.End

  /// False for a peer with port 0, which the kernel takes for no peer. Kernel: `inet_getname`.
  var canBeAccepted: Bool { remote.port != 0 }
}

/// The visible state of a TCP connection of this host. Kernel: `tcp_sock`, `tcp_request_sock`.
struct StackConnection {
  /// `synReceived` has only a listener; `synCrossed` has sent a SYN before it received one.
  enum State { case synSent, synReceived, synCrossed, established, closeWait, finWait, finWait2, closing, lastAck, timeWait }

  var name: String
  /// The socket's number, in the order in which sockets were opened.
  let order: UInt64
  /// The listening socket that accepted the connection.
  var listener: String?
  var state: State
  var facts: SocketFacts
  var device: String?
  let initialSequence: UInt32
  var sendNext: UInt32
  var sent: StackSendWindow
  var receiveNext: UInt32 = 0
  /// The window last advertised, and the sequence number it starts from.
  var window: UInt32
  var windowBase: UInt32 = 0
  var windowScale: UInt8 = 0
  /// The constant window that is advertised after no process reads the socket any more.
  private(set) var frozenWindow: UInt32?
  /// The time of the last data, in nanoseconds of the world's clock.
  var lastReceived: UInt64?
  /// The time of the last answer to an out-of-window acknowledgment. Kernel: `tcp_sock.last_oow_ack_time`.
  var lastUnexpected: UInt64?
  /// True if the process answers data with data, so that acknowledgments are delayed. Kernel: `inet_csk_in_pingpong_mode`.
  var isInteractive = false
  /// The acknowledgment that waits to be sent with data.
  var delayed: DelayedAcknowledgment?
  /// The maximum segment size of each side.
  let ownSegment: Int
  private(set) var peerSegment = 536
  /// True if the host's SYN offers selective acknowledgments.
  var offersSack = true
  /// True if both ends react to congestion marks (RFC 3168).
  var usesECN = false
  /// The segments that arrived before the one that they follow. Kernel: `tcp_sock.out_of_order_queue`.
  var early: [TCPArrival] = []
  /// What follows ``sendNext`` and has not left this host.
  var unsent = UnsentData()

  init(
    name: String, order: UInt64, listener: String? = nil, state: State, facts: SocketFacts, device: String? = nil, initialSequence: UInt32,
    window: UInt32, windowScale: UInt8 = 0, ownSegment: Int
  ) {
    (self.name, self.order, self.listener, self.state, self.facts, self.device) = (name, order, listener, state, facts, device)
    self.initialSequence = initialSequence
    // The SYN.
    sendNext = initialSequence &+ 1
    sent = StackSendWindow(first: initialSequence)
    (self.window, self.windowScale, self.ownSegment) = (window, windowScale, ownSegment)
  }

  /// Notes the options of the peer's SYN. A window is scaled only if both ends have offered it (RFC 7323 §2.2).
  mutating func note(_ offered: OfferedOptions) {
    peerSegment = offered.segment
    sent.scale = windowScale > 0 ? offered.scale ?? 0 : 0
  }

  /// True until the process closes the socket.
  var isOpen: Bool {
    switch state {
    case .synSent, .synCrossed, .established, .closeWait: true
    case .synReceived, .finWait, .finWait2, .closing, .lastAck, .timeWait: false
    }
  }

  /// True if only the memory of a closed connection is left. Kernel: `tcp_timewait_sock`.
  var isLate: Bool { frozenWindow != nil }

  /// The receive buffer minus one segment. Kernel: `tcp_init_buffer_space`.
  private var clamp: UInt32 {
    let segment = UInt32(clamping: ownSegment)
    return 65536 > 2 &* segment ? max(65536 &- segment, 2 &* segment) : 65536
  }

  /// True if some byte of a segment, or an empty segment's place, is in the receive window. The corresponding kernel function is
  /// `tcp_in_window`.
  func isInWindow(_ header: TCPHeader, _ length: Int) -> Bool {
    let end = header.sequence &+ UInt32(truncatingIfNeeded: length) &+ (header.flags.isDisjoint(with: [.fin, .syn]) ? 0 : 1)
    let edge = windowBase &+ window
    if header.sequence == receiveNext || end.isAfter(receiveNext) && edge.isAfter(header.sequence) { return true }
    return header.sequence == edge && header.sequence == end
  }

  /// Stops updating the window, and forgets the user. Kernel: `tw_rcv_wnd`, `sock_net_uid`.
  mutating func freeze() {
    if frozenWindow == nil { frozenWindow = windowBase &+ window &- receiveNext }
    facts.uid = 0
    facts.missing.remove(.user)
  }

  /// The window to advertise; it never shrinks. The corresponding kernel function is `tcp_select_window`.
  mutating func selectWindow() -> UInt16 {
    if let frozenWindow { return UInt16(clamping: frozenWindow >> UInt32(windowScale)) }
    let segment = UInt32(clamping: max(ownSegment, 1))
    let unit: UInt32 = 1 << UInt32(windowScale)
    var wanted = window
    if windowScale > 0 {
      wanted = (clamp &+ unit &- 1) / unit &* unit
    } else if wanted <= clamp &- segment || wanted > clamp {
      wanted = clamp / segment &* segment
    }
    let current = windowBase &+ window &- receiveNext
    let isShrunk = Int32(bitPattern: current) > 0 && wanted < current
    window = isShrunk ? (current &+ unit &- 1) / unit &* unit : wanted
    windowBase = receiveNext
    return UInt16(clamping: window >> UInt32(windowScale))
  }
}

/// A packet of the host that is sent after the current packet is done.
struct PendingPacket {
  let packet: Packet
  var origin = PacketReport.Origin.host
  var owner: SocketFacts?
  /// True if the socket is not a full socket, so that logs do not show its owner.
  var hidesOwner = false
  /// The interface by which it must leave.
  var device: String?
  /// The socket that sends it. The kernel sends with sockets of its own what no full socket sends: resets and ICMP. Kernel: `tcp_sk`, `icmp_sk`.
  var socket = SendingSocket()
  var mark: UInt32 = 0
  /// True if its TTL or hop limit is final; otherwise it is that of the route.
  var keepsHopLimit = false
  var checksum = ChecksumState.complete
  /// The connection whose data or FIN this is; nil for packets that are not kept if a rule drops them.
  var stream: SocketPair?
}

/// All sockets opened during a run.
struct StackState {
  var connections: [SocketPair: StackConnection] = [:]
  /// The number of accepted connections, by listener.
  var accepted: [String: Int] = [:]
  /// The named UDP sockets opened to send, by name.
  var datagrams: [String: StackDatagramSocket] = [:]
  /// Open sockets whose connection was reset by the peer.
  var broken: Set<String> = []
  /// The peer that each UDP socket last received from; answers go to it.
  var peers: [String: SocketEvent.End] = [:]
  /// The connections that were established in the event in progress. No process has accepted them, so they have no owner.
  var unaccepted: [SocketPair] = []
  private var opened: UInt64 = 0

  /// Gives the established connections to the processes that accept them. The corresponding kernel function is `sock_graft`.
  mutating func acceptAll() {
    for pair in unaccepted { connections[pair]?.facts.hasFile = true }
    unaccepted = []
  }

  /// Returns the next socket number.
  mutating func nextOrder() -> UInt64 {
    opened += 1
    return opened
  }
}

/// A UDP socket opened to send that stays open.
struct StackDatagramSocket {
  let order: UInt64
  let local: SocketEvent.End
  let sender: LocalSender
}
