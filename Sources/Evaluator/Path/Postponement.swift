import XTables

/// A packet that continues after the packets before it.
enum PostponedPacket {
  /// The packet is received from the loopback interface.
  case looped(Journey)
  /// The packet is in a queue whose listener has not been asked yet.
  case queued(Journey, QueuedPacket)
}

/// Work that the kernel defers while it processes a packet. Packets from the loopback interface are received when the processor is free
/// (`netif_rx`). A queue's listener is a process, which runs after that.
extension Simulator {
  /// True if the current packet is an answer to, or a copy of, another packet in progress.
  var isWithinAnother: Bool { depth > 0 || isDuplicating }

  /// Processes all deferred packets, and the packets that result from them.
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

  /// The limit for packets caused by one packet. With more, the kernel itself drops some, and which ones is not predictable.
  private static let mostPackets = 1000

  /// Ends the deferred packets with an unknown verdict, because the limit is reached.
  private func giveUpPostponed() {
    let reason = UnknownReason("the verdict", needs: "a limit: one packet causes packets without end")
    for packet in postponed {
      switch packet {
      case .looped(var journey), .queued(var journey, _): finish(&journey, .unknown(reason, at: journey.context.hook))
      }
    }
    postponed = []
  }

  /// Receives the packets from the loopback interface, before any listener is asked.
  func bringInLooped() {
    while report.packets.count <= Self.mostPackets,
      let index = postponed.firstIndex(where: { if case .looped = $0 { true } else { false } })
    {
      guard case .looped(var journey) = postponed.remove(at: index) else { return }
      travel(&journey)
      drainPending()
    }
  }
}
