public import Conntrack
public import Wire

/// A packet as a queue's listener is shown it. Kernel: `nf_queue_entry`, sent as `NFQNL_MSG_PACKET`.
public struct QueuedPacket: Sendable {
  /// Counts the packets of all queues from 1.
  public let id: UInt64
  public let queue: UInt16
  public let hook: Hook
  public let packet: Packet
  public let mark: UInt32
  public let input: String?
  public let output: String?
}

/// What a listener says about a packet. Kernel: `NFQNL_MSG_VERDICT`.
public struct QueueAnswer: Sendable {
  public enum Verdict: Sendable, Hashable {
    case accept, drop
    /// The operation that queued the packet looks at it again.
    case `repeat`
    /// Accepted, and nothing more at this hook.
    case stop
    /// To another queue, or to the same once more.
    case queue(UInt16)
    /// Nothing yet: the packet stays until ``Simulator/answer(_:_:)`` is called for it.
    case hold
  }

  public var verdict: Verdict
  /// The packet's mark from now on.
  public var mark: UInt32?
  /// The bytes of the packet from now on, from the network header.
  public var bytes: [UInt8]?

  public init(_ verdict: Verdict, mark: UInt32? = nil, bytes: [UInt8]? = nil) {
    self.verdict = verdict
    self.mark = mark
    self.bytes = bytes
  }
}

/// Who listens to a queue.
public struct QueueListener {
  /// Packets that may wait at a time; the kernel's default is 1024.
  public var maximumLength = 1024
  /// Packets pass when the queue is full: `NFQA_CFG_F_FAIL_OPEN`.
  public var isFailOpen = false
  let answer: (QueuedPacket) -> QueueAnswer

  public init(maximumLength: Int = 1024, isFailOpen: Bool = false, _ answer: @escaping (QueuedPacket) -> QueueAnswer) {
    self.maximumLength = maximumLength
    self.isFailOpen = isFailOpen
    self.answer = answer
  }
}

extension QueueAnswer.Verdict: CustomStringConvertible {
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
