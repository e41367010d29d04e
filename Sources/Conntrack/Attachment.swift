/// What rides on a packet for connection tracking. Kernel: `skb->_nfct`.
public enum Attachment: Sendable, Hashable {
  /// Nothing: not yet tracked, or, after tracking, INVALID.
  case none
  /// Not to be tracked, by NOTRACK or because its kind never is.
  case untracked
  /// What the CT target wants the connection to be made of.
  case template(Template)
  /// Part of a connection.
  case connection(ConnectionHandle, ConnectionInfo)

  /// The connection of the packet; nil if it is untracked or none was found.
  @inlinable public var connection: ConnectionHandle? { if case .connection(let handle, _) = self { handle } else { nil } }
  /// How the packet relates to its connection; nil without one.
  @inlinable public var info: ConnectionInfo? { if case .connection(_, let info) = self { info } else { nil } }

  /// The packet of a connection that answers in the other direction, as REJECT's replies are attached.
  /// The corresponding kernel function is `nf_conntrack_attach`.
  public var answer: Attachment {
    guard case .connection(let handle, let info) = self else { return .none }
    return .connection(handle, info.direction == .original ? .relatedReply : .related)
  }
}

/// Names a connection of one table. A handle whose connection is gone is known as such by its generation.
public struct ConnectionHandle: Sendable, Hashable {
  @usableFromInline let index: UInt32
  @usableFromInline let generation: UInt32

  @usableFromInline init(index: UInt32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }
}

/// A connection-to-be as the CT target describes it. Kernel: a `nf_conn` with `IPS_TEMPLATE`.
public struct Template: Sendable, Hashable {
  /// The zone that connections made from the template are in.
  public var zone: Zone
  /// The zone's number is the packet's mark.
  public var zoneIsMark: Bool
  /// A helper registered with the table.
  public var helper: HelperID?
  /// A timeout policy registered with the table.
  public var timeoutPolicy: TimeoutPolicyID?
  /// Which events are to be told, as a mask of `ConnectionEvents`; nil for all.
  public var events: ConnectionEvents?
  /// A SYN proxy opens it. Kernel: the template of `synproxy_net`.
  public var isSynproxied: Bool

  /// Creates a template; parameters as the properties of the same names.
  public init(
    zone: Zone = .default, zoneIsMark: Bool = false, helper: HelperID? = nil, timeoutPolicy: TimeoutPolicyID? = nil,
    events: ConnectionEvents? = nil, isSynproxied: Bool = false
  ) {
    self.zone = zone
    self.zoneIsMark = zoneIsMark
    self.helper = helper
    self.timeoutPolicy = timeoutPolicy
    self.events = events
    self.isSynproxied = isSynproxied
  }

  /// The corresponding kernel function is `nf_ct_zone_tmpl`.
  func zone(packetMark: UInt32) -> Zone {
    zoneIsMark ? Zone(UInt16(truncatingIfNeeded: packetMark), zone.directions) : zone
  }
}
