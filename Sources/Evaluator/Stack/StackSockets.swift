import Wire
import XTables

/// The ends of a flow as this host sees them.
struct SocketPair: Hashable {
  let local: SocketEvent.End
  let remote: SocketEvent.End
}

/// A TCP connection of this host, as much of it as other hosts can tell. Kernel: `tcp_sock`, `tcp_request_sock`.
struct StackConnection {
  enum State { case synSent, synReceived, established, closeWait, finWait, finWait2, closing, lastAck, timeWait }

  var name: String
  /// Which of the host's sockets it is, in the order in which they were opened.
  let order: UInt64
  /// The listening socket it came by.
  var listener: String?
  var state: State
  var facts: SocketFacts
  var device: String?
  var sendNext: UInt32
  var receiveNext: UInt32 = 0
  /// The window last told, and the number from which it counts.
  var window: UInt32
  var windowBase: UInt32 = 0
  var windowScale: UInt8 = 0
  /// What is told once nobody takes bytes any more.
  private(set) var frozenWindow: UInt32?
  /// When bytes came last, on the world's clock.
  var lastReceived: UInt64?
  /// When it last answered an acknowledgment from outside its window. Kernel: `tcp_sock.last_oow_ack_time`.
  var lastUnexpected: UInt64?
  /// It answers bytes with bytes, so that acknowledgments wait for these. Kernel: `inet_csk_in_pingpong_mode`.
  var isInteractive = false
  /// The largest segment of each side.
  var ownSegment: Int
  var peerSegment: Int

  /// The room behind what has been received, of which a segment is kept back. Kernel: `tcp_init_buffer_space`.
  private var clamp: UInt32 {
    let segment = UInt32(clamping: ownSegment)
    return 65536 > 2 &* segment ? max(65536 &- segment, 2 &* segment) : 65536
  }

  /// From now on the window is what it is. Kernel: `tw_rcv_wnd`.
  mutating func freezeWindow() {
    if frozenWindow == nil { frozenWindow = windowBase &+ window &- receiveNext }
  }

  /// The window to be told now: one that was told is never taken back. The corresponding kernel function is `tcp_select_window`.
  mutating func selectWindow() -> UInt16 {
    if let frozenWindow { return UInt16(clamping: frozenWindow >> UInt32(windowScale)) }
    let segment = UInt32(clamping: max(ownSegment, 1))
    var wanted = window
    if windowScale > 0 {
      let unit: UInt32 = 1 << UInt32(windowScale)
      wanted = (clamp &+ unit &- 1) / unit &* unit
    } else if wanted <= clamp &- segment || wanted > clamp {
      wanted = clamp / segment &* segment
    }
    let current = windowBase &+ window &- receiveNext
    window = Int32(bitPattern: current) > 0 ? max(wanted, current) : wanted
    windowBase = receiveNext
    return UInt16(clamping: window >> UInt32(windowScale))
  }
}

/// A packet of the host's own that waits until the one under way is done with.
struct PendingPacket {
  let packet: Packet
  var origin = PacketReport.Origin.host
  var owner: SocketFacts?
  /// The socket is no full one, so that its owner is not told.
  var hidesOwner = false
  var device: String?
  var mark: UInt32 = 0
}

/// All sockets that came to be in a run.
struct StackState {
  var connections: [SocketPair: StackConnection] = [:]
  /// How many connections each listener has accepted.
  var accepted: [String: Int] = [:]
  /// The UDP sockets that were opened for sending and stay, by name.
  var datagrams: [String: StackDatagramSocket] = [:]
  var pending: [PendingPacket] = []
  /// The mark of the packet that is being answered.
  var askedWithMark: UInt32 = 0
  /// The sockets whose connection the other side has reset, and that are still open.
  var broken: Set<String> = []
  /// From whom each UDP socket heard last: whom it answers.
  var peers: [String: SocketEvent.End] = [:]
  private var opened: UInt64 = 0

  /// The number of the next socket.
  mutating func nextOrder() -> UInt64 {
    opened += 1
    return opened
  }
}

/// A UDP socket that was opened for sending and stays open.
struct StackDatagramSocket {
  let order: UInt64
  let local: SocketEvent.End
  let sender: LocalSender
}
