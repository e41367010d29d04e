extension ConntrackTable {
  /// Sets the TCP connection of a packet to CLOSE, because this host answers the packet with a reset. The reset itself bypasses the
  /// tracker. The corresponding kernel function is `nf_conntrack_tcp_set_closing`.
  public func noteReset(answering attachment: Attachment, now: Instant) {
    core.noteReset(answering: attachment, now: now)
  }
}

extension ConntrackCore {
  mutating func noteReset(answering attachment: Attachment, now: Instant) {
    guard let handle = attachment.connection, let slot = slot(handle), entries[slot].isConfirmed,
      case .tcp(var tcp) = entries[slot].tracker, tcp.state != .close
    else { return }
    tcp.state = .close
    entries[slot].tracker = .tcp(tcp)
    guard !entries[slot].status.contains(.fixedTimeout) else { return }
    entries[slot].expiry = now.adding(seconds: timeouts(of: slot).tcp.close)
    entries[slot].pendingEvents.insert(.protocolInfo)
  }
}
