import Wire

/// Why a connection cannot be entered from outside.
public enum RestoringError: Error, Sendable, Equatable {
  /// Another connection has one of its tuples (EEXIST).
  case exists
  /// `nf_conntrack_max` is reached (ENOMEM).
  case tableFull
  /// No helper of this name is for its protocol (EOPNOTSUPP).
  case noHelper(String)
  /// Nothing answers to its original direction, such as an ICMP type without reply.
  case notTracked
}

extension ConntrackTable {
  /// Enters a connection as a listing tells of it, confirmed, with its timeout running from now.
  ///
  /// Its translation goes on as it was. Where its TCP ends' windows stand is not known: they are taken from the next segments, as the kernel
  /// does with a connection that `conntrack -I` or `conntrackd` has made. No event is told. The corresponding kernel function is
  /// `ctnetlink_create_conntrack`.
  @discardableResult
  public func restore(_ snapshot: ConnectionSnapshot, now: Instant) throws(RestoringError) -> ConnectionHandle {
    try core.restore(snapshot, now: now)
  }
}

extension ConntrackCore {
  mutating func restore(_ snapshot: ConnectionSnapshot, now: Instant) throws(RestoringError) -> ConnectionHandle {
    let (original, reply, zone) = (snapshot.original, snapshot.reply, snapshot.zone)
    guard original.inverted() != nil, reply.inverted() != nil else { throw .notTracked }
    var helperID: HelperID?
    if let name = snapshot.helper {
      guard let known = helper(named: name, original.family, original.proto) else { throw .noHelper(name) }
      helperID = known
    }
    guard findSlot(original, zone: zone, now: now) == nil, findSlot(reply, zone: zone, now: now) == nil else { throw .exists }
    let originalHash = original.hash(zone: zone.id(.original), seed: seed)
    if settings.max != 0, count >= Int(settings.max), !dropEarly(originalHash, now: now) { throw .tableFull }
    let slot = allocate(original, reply, zone: zone)
    // A listing shows connections that have been through address translation, if only to be left as they are.
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

  /// What a tracker can know of a connection that it has not followed.
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
    // Two seconds are over.
    case .udp, .udplite: return .udp(streamAt: Instant(nanoseconds: 0))
    case .gre: return .gre(timeout: settings.greTimeout, streamTimeout: settings.greStreamTimeout)
    default: return .stateless
    }
  }
}
