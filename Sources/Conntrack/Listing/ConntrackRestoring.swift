import Wire

/// Why a connection cannot be restored.
public enum RestoringError: Error, Sendable, Equatable {
  /// Another connection has one of its tuples (EEXIST).
  case exists
  /// `nf_conntrack_max` is reached (ENOMEM).
  case tableFull
  /// The helper is not known, and too many others are not known either.
  case noHelper(String)
  /// A tuple cannot be inverted, such as an ICMP type without reply, or the two are of different families or protocols.
  case notTracked
}

extension ConntrackTable {
  /// Adds a listed connection to the table, confirmed, with its timeout starting at `now`.
  ///
  /// Its NAT mapping is kept. The TCP windows are unknown and taken from the next segments, as the kernel does for a connection that
  /// `conntrack -I` or `conntrackd` created. Records no event. The corresponding kernel function is `ctnetlink_create_conntrack`.
  @discardableResult
  public func restore(_ snapshot: ConnectionSnapshot, now: Instant) throws(RestoringError) -> ConnectionHandle {
    try core.restore(snapshot, now: now)
  }
}

extension ConntrackCore {
  mutating func restore(_ snapshot: ConnectionSnapshot, now: Instant) throws(RestoringError) -> ConnectionHandle {
    let (original, reply, zone) = (snapshot.original, snapshot.reply, snapshot.zone)
    guard original.inverted() != nil, reply.inverted() != nil, reply.family == original.family, reply.proto == original.proto else {
      throw .notTracked
    }
    var helperID: HelperID?
    if let name = snapshot.helper {
      guard let known = listedHelper(named: name, original.family, original.proto) else { throw .noHelper(name) }
      helperID = known
    }
    guard findSlot(original, zone: zone, now: now) == nil, findSlot(reply, zone: zone, now: now) == nil else { throw .exists }
    let originalHash = original.hash(zone: zone.id(.original), seed: seed)
    if settings.max != 0, count >= Int(settings.max), !dropEarly(originalHash, now: now) { throw .tableFull }
    let slot = allocate(original, reply, zone: zone)
    // Every listed connection has been through NAT setup, possibly with the null binding.
    let kept = snapshot.status.intersection([.seenReply, .assured, .offload, .hardwareOffload])
    entries[slot].status = kept.union([.confirmed]).union(.natDoneMask).union(ConnectionStatus(original: original, reply: reply))
    entries[slot].mark = snapshot.mark
    entries[slot].expiry = now.adding(seconds: snapshot.timeout)
    entries[slot].tracker = tracker(of: snapshot)
    if entries[slot].features.contains(.accounting), let counted = snapshot.accounting { accounting[slot] = counted }
    if let helperID {
      entries[slot].status.insert(.helper)
      extend(slot) { $0.helper = helperID }
    }
    if snapshot.labels != 0 { extend(slot) { $0.labels = snapshot.labels } }
    if settings.timestamp { extend(slot) { $0.start = now } }
    index.insert(slot, .original, hash: originalHash)
    index.insert(slot, .reply, hash: reply.hash(zone: zone.id(.reply), seed: seed))
    sources.insert(slot, &entries, seed)
    return handle(slot)
  }

  /// The tracker state of a connection whose packets were not seen.
  private func tracker(of snapshot: ConnectionSnapshot) -> TrackerState {
    switch snapshot.original.proto {
    case .tcp:
      var tcp = TCPState()
      tcp.state = snapshot.state.flatMap { TCPConntrackState(name: $0) } ?? .none
      return .tcp(tcp)
    case .sctp:
      var sctp = SCTPState()
      sctp.state = SCTPConntrackState.allCases.first { $0.name == snapshot.state } ?? .none
      return .sctp(sctp)
    // The two seconds before a UDP flow counts as a stream are over.
    case .udp, .udplite: return .udp(streamAt: Instant(nanoseconds: 0))
    case .gre: return .gre(timeout: settings.greTimeout, streamTimeout: settings.greStreamTimeout)
    default: return .stateless
    }
  }
}
