public import Netfilter
public import Wire

/// The connections of one network namespace. Kernel: `nf_conntrack_hash` and its expectations and helpers.
///
/// Connections are stored in an array of slots. An open-addressing index with one 8-byte word per direction finds them, so a
/// packet of a known connection allocates nothing. Every call takes the current time. A connection is *unconfirmed*, and
/// reachable by its handle only, from the first packet's `incoming` to its `confirm`.
public final class ConntrackTable {
  var core: ConntrackCore
  /// The NAT companion of the helpers. If nil, there is no NAT and no payload is rewritten.
  public var helperNAT: (any HelperNAT)?
  /// True if packets to the two addresses take the same route; nil if unknown. Used for H.323 call forwarding.
  public var sharesRoute: ((IPAddress, IPAddress) -> Bool?)?
  /// The fact that a helper lacked since the last `takeUndecided`; nil if none.
  private var undecided: String?
  /// The incomplete datagrams.
  public internal(set) var fragments = FragmentQueues()

  /// Creates an empty table.
  /// - Parameter seed: mixed into every hash, so that a sender cannot choose colliding tuples. The same seed gives the same run.
  public init(settings: ConntrackSettings = ConntrackSettings(), seed: UInt64 = 0) {
    core = ConntrackCore(settings: settings, seed: seed)
  }

  /// The sysctls of the table.
  public var settings: ConntrackSettings {
    get { core.settings }
    set { core.settings = newValue }
  }
  /// Why the last packet that `incoming` found INVALID was INVALID; nil if there was none.
  public var lastInvalid: InvalidReason? { core.lastInvalid }
  /// The counters of `conntrack -S`.
  public var statistics: ConntrackStatistics { core.statistics }
  /// The number of connections, confirmed or not, compared with `nf_conntrack_max`.
  public var count: Int { core.count }
  /// If true, the table appends events to `events`.
  public var recordsEvents: Bool {
    get { core.recordsEvents }
    set { core.recordsEvents = newValue }
  }
  /// Events since the last call of `takeEvents`.
  public var events: [ConntrackEvent] { core.events }
  /// Returns the events recorded since the last call and clears them.
  public func takeEvents() -> [ConntrackEvent] { core.takeEvents() }

  // MARK: Processing a packet

  /// Tracks a packet at PREROUTING or OUTPUT: attaches it to its connection or creates one, and updates the protocol's state.
  ///
  /// Afterwards the attachment is `.connection`, `.untracked`, or `.none`, which means INVALID. A template set by target CT
  /// is replaced. The corresponding kernel function is `nf_conntrack_in`.
  /// - Parameter packetMark: the packet's mark, for a template whose zone is the mark.
  /// - Returns: `.accept`, or `.drop` if the table is full.
  public func incoming(
    packet: Packet, attachment: inout Attachment, hook: Hook, packetMark: UInt32 = 0, now: Instant
  ) -> NetfilterVerdict {
    let verdict = core.incoming(packet: packet, attachment: &attachment, hook: hook, packetMark: packetMark, now: now)
    if core.isFulfilling, let fulfilled = core.takeFulfilled(), let handle = attachment.connection {
      welcome(handle, fulfilled, now: now)
    }
    return verdict
  }

  /// As `incoming`, for a packet without attachment and mark at PREROUTING.
  public func track(_ packet: Packet, _ attachment: inout Attachment, now: Instant) -> TrackedPacket {
    let result = core.track(packet, &attachment, now: now)
    // A connection that was expected has extensions.
    if result.kind == .other, core.isFulfilling, let fulfilled = core.takeFulfilled(), let handle = attachment.connection {
      welcome(handle, fulfilled, now: now)
    }
    return result
  }

  /// Runs the expectation's function on the connection that fulfilled it. Kernel: `nf_conntrack_expect.expectfn`.
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

  /// Calls the connection's helper for a packet and adjusts the packet's sequence numbers. To be called at POSTROUTING and INPUT,
  /// before `confirm`. The corresponding kernel function is `nf_confirm`; in older kernels `ipv4_helper` and `ipv4_confirm`.
  /// - Parameters:
  /// - isLoopback: the packet goes to this host itself over lo; its sequence numbers are adjusted only once.
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

  /// True if `help`, `confirm` and `release` have nothing to do: the packet has no connection, or its connection is confirmed and stays, has
  /// no extensions and no pending events.
  public func isSettled(_ attachment: Attachment) -> Bool {
    guard case .connection(let handle, _) = attachment else { return true }
    return core.isSettled(handle)
  }

  /// Records that a helper lacks a fact, so the packet's outcome is unknown.
  func noteUndecided(_ what: String) { undecided = what }

  /// Returns the fact that the helper of the last packet lacked, and clears it; nil if none.
  public func takeUndecided() -> String? {
    defer { undecided = nil }
    return undecided
  }

  /// Adds an unconfirmed connection to the table and records its pending events. To be called after all hooks accepted its first packet.
  ///
  /// If another packet of the same flow was confirmed first, the packet moves to that connection. Under NAT its own connection is
  /// added under its reply tuple only. The corresponding kernel function is `nf_conntrack_confirm`.
  /// - Returns: `.drop` if the connection was removed, or if it clashes with another one and the clash cannot be resolved.
  public func confirm(attachment: inout Attachment, now: Instant) -> NetfilterVerdict {
    core.confirm(attachment: &attachment, now: now)
  }

  /// As ``confirm(attachment:now:)``, and leaves the events to the next call of that function. The corresponding kernel function is
  /// `__nf_conntrack_confirm`.
  public func enlist(attachment: inout Attachment, now: Instant) -> NetfilterVerdict { core.enlist(attachment: &attachment, now: now) }

  /// Ends the use of an attachment after its packet was dropped, stolen or delivered. Frees the packet's connection if it is unconfirmed.
  ///
  /// Replies and copies of a packet carry the same connection: release them first.
  public func release(_ attachment: Attachment) { core.release(attachment) }

  /// Queues a fragment before tracking, under the table's settings; see `FragmentQueues.gather`.
  public func defragment(
    packet: inout Packet, attachment: Attachment, hook: Hook, interface: Int32 = 0, now: Instant
  ) -> NetfilterVerdict {
    fragments.gather(
      packet: &packet, attachment: attachment, hook: hook, interface: interface, settings: settings.fragments, now: now)
  }

  // MARK: Connections by handle

  /// The connection of a handle; nil if it was removed.
  public subscript(_ handle: ConnectionHandle) -> Connection? {
    guard let slot = core.slot(handle) else { return nil }
    // The rare case is apart: for a method, the table would be copied.
    guard !core.entries[slot].features.contains(.wideReply) else { return core[handle] }
    return Connection(core.entries[slot], reply: core.entries[slot].storedReply)
  }

  /// The status of a connection; nil if it is gone.
  public func status(of handle: ConnectionHandle) -> ConnectionStatus? { core.slot(handle).map { core.entries[$0].status } }
  /// The mark of a connection; nil if it is gone.
  public func mark(of handle: ConnectionHandle) -> UInt32? { core.slot(handle).map { core.entries[$0].mark } }

  /// The rarely used fields of a connection: empty for most connections, nil if the connection was removed.
  public func details(of handle: ConnectionHandle) -> ConnectionExtension? { core.details(of: handle) }
  /// The packet and byte counters of a connection; nil if it is gone or accounting is off.
  public func accounting(of handle: ConnectionHandle) -> ConnectionAccounting? { core.accounting(of: handle) }
  /// Whole seconds until a connection expires; nil if it was removed.
  public func timeout(of handle: ConnectionHandle, now: Instant) -> UInt32? { core.timeout(of: handle, now: now) }
  /// The handle of the connection that expected this one; nil if there is none.
  public func master(of handle: ConnectionHandle) -> ConnectionHandle? { core.master(of: handle) }
  /// The name of the helper assigned to a connection; nil if it has none or was removed.
  public func helperName(of handle: ConnectionHandle) -> String? { core.helperName(of: handle) }
  /// All data of one connection at `now`; nil if it was removed.
  public func snapshot(of handle: ConnectionHandle, now: Instant) -> ConnectionSnapshot? { core.snapshot(of: handle, now: now) }

  /// Sets the mark, as the CONNMARK target does. Kernel: `ct->mark`.
  public func setMark(_ mark: UInt32, of handle: ConnectionHandle) { core.setMark(mark, of: handle) }
  /// Sets the labels. The corresponding kernel function is `nf_connlabels_replace`.
  public func setLabels(_ labels: UInt128, of handle: ConnectionHandle) { core.setLabels(labels, of: handle) }

  /// Changes the rarely used fields of a connection. Does nothing if the connection was removed.
  public func update(_ handle: ConnectionHandle, _ change: (inout ConnectionExtension) -> Void) {
    guard var details = core.details(of: handle) else { return }
    change(&details)
    core.update(handle) { $0 = details }
  }

  /// Sets a connection to expire the given seconds after `now`. The corresponding kernel function is `nf_ct_refresh`.
  public func extendTimeout(_ handle: ConnectionHandle, seconds: UInt32, now: Instant) {
    core.extendTimeout(handle, seconds: seconds, now: now)
  }

  /// Records that the payload of a segment grew by `difference` bytes. Later sequence numbers are moved by that amount.
  /// The corresponding kernel function is `nf_ct_seqadj_set`.
  public func noteSequence(_ handle: ConnectionHandle, _ direction: Direction, sequence: UInt32, grewBy difference: Int32) {
    core.noteSequence(handle, direction, sequence: sequence, grewBy: difference)
  }

  // MARK: The table

  /// The tuple that `incoming` would use for a whole packet; nil if the packet cannot be tracked.
  public func tuple(of packet: Packet) -> Tuple? { core.tuple(of: packet) }

  /// The confirmed connection that has a tuple in a zone, and the direction of that tuple. Removes expired connections that it
  /// meets. The corresponding kernel function is `nf_conntrack_find_get`.
  public func find(_ tuple: Tuple, zone: Zone = .default, now: Instant) -> (handle: ConnectionHandle, direction: Direction)? {
    core.find(tuple, zone: zone, now: now)
  }

  /// True if another connection already has the tuple, so NAT must choose a different one.
  /// The corresponding kernel function is `nf_conntrack_tuple_taken`.
  public func isTaken(_ tuple: Tuple, ignoring handle: ConnectionHandle, now: Instant) -> Bool {
    core.isTaken(tuple, ignoring: handle, now: now)
  }

  /// Every confirmed connection in the order of the slots, as `conntrack -L` lists them. Removes expired connections first.
  public func dump(now: Instant) -> [ConnectionSnapshot] { core.dump(now: now) }

  /// Removes a connection, as `conntrack -D` does. False if it is unconfirmed or was removed before.
  @discardableResult
  public func delete(_ handle: ConnectionHandle, now: Instant) -> Bool { core.delete(handle, now: now) }

  /// Removes every confirmed connection, as `conntrack -F` does.
  public func flush(now: Instant) { core.flush(now: now) }

  /// Removes the confirmed connections for which `isDoomed` holds. The corresponding kernel function is `nf_ct_iterate_cleanup_net`.
  public func removeAll(now: Instant, where isDoomed: (ConnectionHandle, Connection) -> Bool) {
    for slot in 0..<core.entries.count {
      guard core.entries[slot].isListed else { continue }
      let handle = core.handle(slot)
      guard let connection = core[handle], isDoomed(handle, connection) else { continue }
      core.remove(slot, now: now)
    }
  }

  /// Removes expired connections. After the table was full, also removes unassured and closing connections while it is at least
  /// 95 % full. `incoming` calls this once a minute of the injected clock. The corresponding kernel function is `gc_worker`.
  public func collectGarbage(now: Instant) { core.collectGarbage(now: now) }

  /// Registers a policy under its name. Replaces an earlier policy of the same name.
  @discardableResult
  public func register(_ policy: TimeoutPolicy) -> TimeoutPolicyID { core.register(policy) }

  /// The policy of a name for a family and protocol; nil if there is none.
  public func timeoutPolicy(named name: String, _ family: Family, _ proto: IPProtocol) -> TimeoutPolicyID? {
    core.timeoutPolicy(named: name, family, proto)
  }
}
