/// What a description of a host says about a queue.
public enum QueueStatement: Sendable, Hashable {
  /// No program listens to the queue.
  case silent
  /// A program listens and gives every packet this verdict.
  case listener(QueueAnswer.Verdict)

  /// Parses `none`, or the verdict of a listener: `accept`, `drop`, `hold`, `repeat` or `queue:N`.
  public init?(_ text: String) {
    switch text {
    case "none": self = .silent
    case "accept": self = .listener(.accept)
    case "drop": self = .listener(.drop)
    case "repeat": self = .listener(.repeat)
    case "hold": self = .listener(.hold)
    default:
      guard text.hasPrefix("queue:"), let number = UInt16(text.dropFirst(6)) else { return nil }
      self = .listener(.queue(number))
    }
  }
}

extension Simulator {
  /// Sets the listener of a queue.
  public func state(_ statement: QueueStatement, ofQueue number: UInt16) {
    switch statement {
    case .silent: silentQueues.insert(number)
    case .listener(let verdict): queues[number] = QueueListener { _ in QueueAnswer(verdict) }
    }
  }
}
