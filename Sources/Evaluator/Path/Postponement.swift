import Conntrack
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
  var isWithinAnother: Bool { event.depth > 0 || event.isDuplicating }

  /// Processes all deferred packets, and the packets that result from them.
  func settlePostponed() {
    while true {
      guard event.report.packets.count <= Self.mostPackets else { return giveUpPostponed() }
      drainPending()
      guard !event.postponed.isEmpty, !isWithinAnother else { return }
      bringInLooped()
      guard case .queued(var journey, let packet)? = event.postponed.first else { continue }
      event.postponed.removeFirst()
      askPostponed(packet, &journey)
    }
  }

  /// The limit for packets caused by one packet. With more, the kernel itself drops some, and which ones is not predictable.
  private static let mostPackets = 1000

  /// Ends the deferred packets with an unknown verdict, because the limit is reached.
  private func giveUpPostponed() {
    let reason = UnknownReason("the verdict", needs: "a limit: one packet causes packets without end")
    for packet in event.postponed {
      switch packet {
      case .looped(var journey), .queued(var journey, _): finish(&journey, .unknown(reason, at: journey.context.hook))
      }
    }
    event.postponed = []
  }

  /// Leaves a connection to the last postponed packet that shares it, which then releases it; false if there is none. Kernel: the reference that
  /// an answer holds (`nf_conntrack_attach`).
  func leavesToPostponed(_ handle: ConnectionHandle) -> Bool {
    let index = event.postponed.lastIndex { packet in
      switch packet {
      case .looped(let journey), .queued(let journey, _): journey.borrowsConnection && journey.context.attachment.connection == handle
      }
    }
    guard let index else { return false }
    switch event.postponed[index] {
    case .looped(var journey):
      journey.borrowsConnection = false
      event.postponed[index] = .looped(journey)
    case .queued(var journey, let packet):
      journey.borrowsConnection = false
      event.postponed[index] = .queued(journey, packet)
    }
    return true
  }

  /// Receives the packets from the loopback interface, before any listener is asked.
  func bringInLooped() {
    while event.report.packets.count <= Self.mostPackets,
      let index = event.postponed.firstIndex(where: { if case .looped = $0 { true } else { false } })
    {
      guard case .looped(var journey) = event.postponed.remove(at: index) else { return }
      travel(&journey)
      drainPending()
    }
  }
}
