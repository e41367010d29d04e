public import Wire

/// The connections of one network namespace. Kernel: `nf_conntrack_hash` and what belongs to it.
///
/// Connections stand in an array of slots and are found through an open-addressing index of one 8-byte word a direction, so that
/// a packet of a known connection allocates nothing. Time comes in with every call. A connection is *unconfirmed*, known by
/// its handle alone, from the first packet's `incoming` to its `confirm`.
public final class ConntrackTable {
  var core: ConntrackCore
  /// The NAT side of the helpers; nil as long as no NAT is there, then no payload is rewritten.
  public var helperNAT: (any HelperNAT)?
  /// Whether packets to two addresses leave by the same way; nil, or an answer of nil, where that is not known. Call forwarding of H.323 asks.
  public var sharesRoute: ((IPAddress, IPAddress) -> Bool?)?
  /// What a helper would have had to know, since it was asked last.
  private var undecided: String?
  /// The datagrams that are being reassembled.
  public internal(set) var fragments = FragmentQueues()

  /// An empty table.
  /// - Parameter seed: mixed into every hash, so that nobody can prepare colliding tuples; the same seed gives the same run.
  public init(settings: ConntrackSettings = ConntrackSettings(), seed: UInt64 = 0) {
    core = ConntrackCore(settings: settings, seed: seed)
  }

  /// The sysctls that the table obeys.
  public var settings: ConntrackSettings {
    get { core.settings }
    set { core.settings = newValue }
  }
  /// The counters of `conntrack -S`.
  public var statistics: ConntrackStatistics { core.statistics }
  /// Connections, confirmed or not, that count against `nf_conntrack_max`.
  public var count: Int { core.count }
  /// Tells events into `events` when true.
  public var recordsEvents: Bool {
    get { core.recordsEvents }
    set { core.recordsEvents = newValue }
  }
  /// Events since the last call of `takeEvents`.
  public var events: [ConntrackEvent] { core.events }
  /// Takes the events told so far.
  public func takeEvents() -> [ConntrackEvent] { core.takeEvents() }

  // MARK: A packet's way

  /// Looks at a packet that comes in or is sent by this host, attaches it to its connection or starts one, and follows the protocol.
  ///
  /// Afterwards the attachment is `.connection`, `.untracked`, or `.none`, which means INVALID. A template that the CT target put
  /// there is used up. The corresponding kernel function is `nf_conntrack_in`.
  /// - Parameter packetMark: for zones that a template takes from the mark.
  /// - Returns: `.accept`, or `.drop` when the table is full.
  public func incoming(
    packet: Packet, attachment: inout Attachment, hook: Hook, packetMark: UInt32 = 0, now: Instant
  ) -> NetfilterVerdict {
    let verdict = core.incoming(packet: packet, attachment: &attachment, hook: hook, packetMark: packetMark, now: now)
    if core.isFulfilling, let fulfilled = core.takeFulfilled(), let handle = attachment.connection {
      welcome(handle, fulfilled, now: now)
    }
    return verdict
  }

  /// Does what the helper wants done with a connection that it expected. Kernel: `nf_conntrack_expect.expectfn`.
  private func welcome(_ handle: ConnectionHandle, _ expectation: Expectation, now: Instant) {
    switch expectation.function {
    case nil: break
    case .pptp:
      if let nat = helperNAT, let master = self[expectation.master], !master.status.isDisjoint(with: .natMask) {
        nat.expected(handle, by: expectation, in: self, now: now)
      } else {
        core.unexpectSibling(of: expectation, now: now)
      }
    default: helperNAT?.expected(handle, by: expectation, in: self, now: now)
    }
  }

  /// Lets the connection's helper look at a packet that is about to leave, and adjusts its sequence numbers; to be followed by
  /// `confirm`. The corresponding kernel function is `nf_confirm`, of older kernels `ipv4_helper` and `ipv4_confirm`.
  /// - Parameters:
  ///   - isLoopback: the packet goes to this host itself over lo; its numbers are adjusted once only.
  ///   - broadcastMask: for a packet that this host sends to the broadcast address of an interface, that interface's mask.
  public func help(
    packet: inout Packet, attachment: Attachment, isLoopback: Bool = false, broadcastMask: IPv4Address? = nil, now: Instant
  ) -> NetfilterVerdict {
    guard case .connection(let handle, let info) = attachment, info != .relatedReply, core.mayNeedHelp(handle) else {
      return .accept
    }
    guard let at = TransportLocator(packet.bytes), at.fragmentOffset == 0, !at.isTruncated else { return .accept }
    if let (id, helper) = core.helper(of: handle) {
      let call = HelperCall(
        table: self, connection: handle, info: info, helper: id, broadcastMask: broadcastMask, now: now)
      let verdict = helper.help(&packet, at: at.offset, call)
      guard verdict == .accept else { return verdict }
    }
    guard !isLoopback, at.proto == .tcp else { return .accept }
    return core.adjustSequence(&packet, at: at.offset, handle, info.direction)
  }

  /// Whether neither `help` nor `confirm` has anything to do: the packet has no connection, or one that stands in the table, that has
  /// nothing besides, and of which nothing is to be told.
  public func isSettled(_ attachment: Attachment) -> Bool {
    guard case .connection(let handle, _) = attachment else { return true }
    return core.isSettled(handle)
  }

  /// Says that a helper cannot tell what becomes of the packet.
  func noteUndecided(_ what: String) { undecided = what }

  /// What the helper of the last packet would have had to know; nil when it knew enough.
  public func takeUndecided() -> String? {
    defer { undecided = nil }
    return undecided
  }

  /// Puts an unconfirmed connection into the table, now that its first packet is about to leave, and tells what has happened.
  ///
  /// When another packet of the same flow was confirmed first, the packet moves over to that connection, or, under NAT, its own one
  /// stands in the table for answers alone. The corresponding kernel function is `nf_conntrack_confirm`.
  /// - Returns: `.drop` when the table has no room for the connection beside those it has.
  public func confirm(attachment: inout Attachment, now: Instant) -> NetfilterVerdict {
    core.confirm(attachment: &attachment, now: now)
  }

  /// Says that a packet is gone: dropped, stolen or delivered. An unconfirmed connection that it carried is gone with it.
  ///
  /// Answers and copies of a packet carry the same connection: release them first.
  public func release(_ attachment: Attachment) { core.release(attachment) }

  /// Takes a fragment in before it is tracked, under the table's settings; see `FragmentQueues.gather`.
  public func defragment(
    packet: inout Packet, attachment: Attachment, hook: Hook, interface: Int32 = 0, now: Instant
  ) -> NetfilterVerdict {
    fragments.gather(
      packet: &packet, attachment: attachment, hook: hook, interface: interface, settings: settings.fragments, now: now)
  }

  // MARK: Connections by handle

  /// A connection; nil when it is gone.
  public subscript(_ handle: ConnectionHandle) -> Connection? { core[handle] }

  /// The status of a connection; nil if it is gone.
  public func status(of handle: ConnectionHandle) -> ConnectionStatus? { core.slot(handle).map { core.entries[$0].status } }
  /// The mark of a connection; nil if it is gone.
  public func mark(of handle: ConnectionHandle) -> UInt32? { core.slot(handle).map { core.entries[$0].mark } }

  /// What a connection has besides; empty for most, nil when it is gone.
  public func details(of handle: ConnectionHandle) -> ConnectionExtension? { core.details(of: handle) }
  /// The packet and byte counters of a connection; nil if it is gone or accounting is off.
  public func accounting(of handle: ConnectionHandle) -> ConnectionAccounting? { core.accounting(of: handle) }
  /// Whole seconds that a connection has left.
  public func timeout(of handle: ConnectionHandle, now: Instant) -> UInt32? { core.timeout(of: handle, now: now) }
  /// The connection that expected this one.
  public func master(of handle: ConnectionHandle) -> ConnectionHandle? { core.master(of: handle) }
  /// The name of the helper attached to a connection.
  public func helperName(of handle: ConnectionHandle) -> String? { core.helperName(of: handle) }
  /// Everything known of one connection; nil when it is gone.
  public func snapshot(of handle: ConnectionHandle, now: Instant) -> ConnectionSnapshot? { core.snapshot(of: handle, now: now) }

  /// Sets the mark, as the CONNMARK target does. Kernel: `ct->mark`.
  public func setMark(_ mark: UInt32, of handle: ConnectionHandle) { core.setMark(mark, of: handle) }
  /// Sets the labels. The corresponding kernel function is `nf_connlabels_replace`.
  public func setLabels(_ labels: UInt128, of handle: ConnectionHandle) { core.setLabels(labels, of: handle) }

  /// Changes what a connection has besides the entry itself; nothing happens when it is gone.
  public func update(_ handle: ConnectionHandle, _ change: (inout ConnectionExtension) -> Void) {
    guard var details = core.details(of: handle) else { return }
    change(&details)
    core.update(handle) { $0 = details }
  }

  /// Sets how long a connection lives from now on. The corresponding kernel function is `nf_ct_refresh`.
  public func extendTimeout(_ handle: ConnectionHandle, seconds: UInt32, now: Instant) {
    core.extendTimeout(handle, seconds: seconds, now: now)
  }

  /// Notes that the payload of a segment grew by `difference` bytes, so that later numbers are moved by it.
  /// The corresponding kernel function is `nf_ct_seqadj_set`.
  public func noteSequence(_ handle: ConnectionHandle, _ direction: Direction, sequence: UInt32, grewBy difference: Int32) {
    core.noteSequence(handle, direction, sequence: sequence, grewBy: difference)
  }

  // MARK: The table

  /// The tuple of a whole packet, as `incoming` would use it; nil when it cannot be tracked.
  public func tuple(of packet: Packet) -> Tuple? { core.tuple(of: packet) }

  /// The confirmed connection that has a tuple in a zone, and the direction it is that tuple of; an expired one is removed on
  /// the way. The corresponding kernel function is `nf_conntrack_find_get`.
  public func find(_ tuple: Tuple, zone: Zone = .default, now: Instant) -> (handle: ConnectionHandle, direction: Direction)? {
    core.find(tuple, zone: zone, now: now)
  }

  /// Whether another connection has a tuple already, so that NAT must look for a different one.
  /// The corresponding kernel function is `nf_conntrack_tuple_taken`.
  public func isTaken(_ tuple: Tuple, ignoring handle: ConnectionHandle, now: Instant) -> Bool {
    core.isTaken(tuple, ignoring: handle, now: now)
  }

  /// Every confirmed connection, in the order of their slots, as `conntrack -L` would list them. Expired ones are removed.
  public func dump(now: Instant) -> [ConnectionSnapshot] { core.dump(now: now) }

  /// Removes a connection by hand, as `conntrack -D` does. False when it is gone or unconfirmed.
  @discardableResult
  public func delete(_ handle: ConnectionHandle, now: Instant) -> Bool { core.delete(handle, now: now) }

  /// Removes every confirmed connection, as `conntrack -F` does.
  public func flush(now: Instant) { core.flush(now: now) }

  /// Removes the confirmed connections for which `isDoomed` holds. The corresponding kernel function is `nf_ct_iterate_cleanup_net`.
  public func removeAll(now: Instant, where isDoomed: (ConnectionHandle, Connection) -> Bool) {
    for slot in 0..<core.entries.count {
      let entry = core.entries[slot]
      guard entry.isListed, isDoomed(core.handle(slot), entry) else { continue }
      core.remove(slot, now: now)
    }
  }

  /// Removes what has expired, and under pressure also unassured and closing connections as long as the table is 95 % full.
  /// `incoming` calls it once a minute of the injected clock. The corresponding kernel function is `gc_worker`.
  public func collectGarbage(now: Instant) { core.collectGarbage(now: now) }

  /// Registers a policy under its name, in place of an earlier one of that name.
  @discardableResult
  public func register(_ policy: TimeoutPolicy) -> TimeoutPolicyID { core.register(policy) }

  /// The policy of a name, for packets of a family and protocol; nil when there is none that fits.
  public func timeoutPolicy(named name: String, _ family: AddressFamily, _ proto: IPProtocol) -> TimeoutPolicyID? {
    core.timeoutPolicy(named: name, family, proto)
  }
}
