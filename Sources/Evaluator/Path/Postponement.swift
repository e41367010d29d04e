import XTables

/// A packet that goes on when those before it are done with.
enum PostponedPacket {
  /// It comes in again through the loopback interface.
  case looped(Journey)
  /// A queue has it, whose listener has not been asked yet.
  case queued(Journey, QueuedPacket)
}

/// What the kernel leaves for later while it has a packet in hand: packets that come in by the loopback interface wait until the processor
/// is free (`netif_rx`), and a queue's listener is a process, which gets its turn after that.
extension Simulator {
  /// Whether the packet under way is an answer to another, or a copy of it, that is under way too.
  var isWithinAnother: Bool { depth > 0 || isDuplicating }

  /// Does all that has been left for later, and what comes of it.
  func settlePostponed() {
    while true {
      guard report.packets.count <= Self.mostPackets else { return giveUpPostponed() }
      drainPending()
      guard !postponed.isEmpty, !isWithinAnother else { return }
      bringInLooped()
      guard case .queued(var journey, let packet)? = postponed.first else { continue }
      postponed.removeFirst()
      askPostponed(packet, &journey)
    }
  }

  /// Packets that one packet may beget; of more the kernel itself loses some, and nobody can tell which.
  private static let mostPackets = 1000

  /// Ends what has been left for later, because packets beget packets.
  private func giveUpPostponed() {
    let reason = UnknownReason("the verdict", needs: "an end of the packets that come of one")
    for packet in postponed {
      switch packet {
      case .looped(var journey), .queued(var journey, _): finish(&journey, .unknown(reason, at: journey.context.hook))
      }
    }
    postponed = []
  }

  /// Takes the packets that have gone through the loopback interface on their way, before any listener is asked.
  func bringInLooped() {
    while report.packets.count <= Self.mostPackets, let index = postponed.firstIndex(where: { if case .looped = $0 { true } else { false } }) {
      guard case .looped(var journey) = postponed.remove(at: index) else { return }
      travel(&journey)
      drainPending()
    }
  }
}
