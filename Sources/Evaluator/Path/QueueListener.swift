public import Netfilter
public import Wire

/// A packet as presented to a queue's listener. Kernel: `nf_queue_entry`, sent as `NFQNL_MSG_PACKET`.
public struct QueuedPacket: Sendable {
  /// The number of the packet over all queues, from 1.
  public let id: UInt64
  /// The number of the queue.
  public let queue: UInt16
  /// The hook at which the packet was queued.
  public let hook: Hook
  /// The packet, from the network header on.
  public let packet: Packet
  /// The packet mark.
  public let mark: UInt32
  /// The input interface; nil for a packet of this host.
  public let input: String?
  /// The output interface; nil before routing.
  public let output: String?
}

/// A listener's verdict on a packet. Kernel: `NFQNL_MSG_VERDICT`.
public struct QueueAnswer: Sendable, Hashable {
  /// A verdict. Kernel: `NF_ACCEPT`, `NF_DROP`, `NF_REPEAT`, `NF_STOP`, `NF_QUEUE`.
  public enum Verdict: Sendable, Hashable {
    case accept, drop
    /// Runs the operation that queued the packet again.
    case `repeat`
    /// Accepts the packet and skips the hook's remaining operations.
    case stop
    /// Moves the packet to another queue, or to the same one again.
    case queue(UInt16)
    /// No verdict yet: the packet waits until ``Simulator/answer(_:_:)`` is called with its id.
    case hold
  }

  /// What happens to the packet.
  public var verdict: Verdict
  /// The packet's new mark; nil keeps the mark.
  public var mark: UInt32?
  /// The packet's new bytes from the network header on; nil keeps them.
  public var bytes: [UInt8]?

  /// Creates a verdict that leaves mark and bytes unchanged by default.
  public init(_ verdict: Verdict, mark: UInt32? = nil, bytes: [UInt8]? = nil) {
    self.verdict = verdict
    self.mark = mark
    self.bytes = bytes
  }
}

/// A listener of a queue.
public struct QueueListener {
  /// How many packets may wait; the kernel's default is 1024.
  public var maximumLength = 1024
  /// If true, packets are accepted when the queue is full (`NFQA_CFG_F_FAIL_OPEN`).
  public var isFailOpen = false
  let answer: (QueuedPacket) -> QueueAnswer
  /// The answer to every packet; nil if it may depend on the packet or on earlier ones.
  let constant: QueueAnswer?

  /// Creates a listener.
  ///
  /// - Parameter answer: called for each queued packet; returns the verdict.
  public init(maximumLength: Int = 1024, isFailOpen: Bool = false, _ answer: @escaping (QueuedPacket) -> QueueAnswer) {
    self.maximumLength = maximumLength
    self.isFailOpen = isFailOpen
    self.answer = answer
    constant = nil
  }

  /// Creates a listener that gives every packet the same answer.
  public init(maximumLength: Int = 1024, isFailOpen: Bool = false, always answer: QueueAnswer) {
    self.maximumLength = maximumLength
    self.isFailOpen = isFailOpen
    self.answer = { _ in answer }
    constant = answer
  }

  /// Whether both treat every packet alike.
  func isLike(_ other: QueueListener) -> Bool {
    constant != nil && constant == other.constant && maximumLength == other.maximumLength && isFailOpen == other.isFailOpen
  }
}

extension QueueAnswer.Verdict: CustomStringConvertible {
  /// The verdict's name in reports, such as `accept` or `queue:3`.
  public var description: String {
    switch self {
    case .accept: "accept"
    case .drop: "drop"
    case .repeat: "repeat"
    case .stop: "stop"
    case .queue(let number): "queue:\(number)"
    case .hold: "hold"
    }
  }
}
