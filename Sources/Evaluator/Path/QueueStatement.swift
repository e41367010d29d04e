import XTables

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
    case .listener(let verdict): queues[number] = QueueListener(always: QueueAnswer(verdict))
    }
  }

  /// The reason why it is unknown what happens to a packet in one of several queues; nil if all queues treat it alike.
  func doubt(about choice: QueueChoice) -> UnknownReason? {
    let (first, last) = (choice.queues.lowerBound, choice.queues.upperBound)
    let subject = "the verdict of one of the queues \(first) to \(last)"
    let listeners = queues.filter { choice.queues.contains($0.key) }
    if listeners.count < choice.queues.count {
      if host.missing.contains(.queueListeners), choice.queues.contains(where: { queues[$0] == nil && !silentQueues.contains($0) }) {
        return UnknownReason(subject, lacking: .queueListeners)
      }
      if listeners.isEmpty { return nil }
    } else if let one = listeners[first], listeners.values.allSatisfy({ $0.isLike(one) }), waiting.held.count < one.maximumLength {
      return nil
    }
    guard !choice.isByProcessor else { return UnknownReason(subject, lacking: .processor) }
    return UnknownReason(subject, needs: "the secret number by which the kernel selects the queue")
  }
}
