/// The connection tracking state that a packet carries. Kernel: `skb->_nfct`.
public enum Attachment: Sendable, Hashable {
  /// Nothing: not yet tracked, or, after tracking, INVALID.
  case none
  /// Nothing, in the answer to an untracked packet: target CT leaves such a packet alone, and connection tracking does not. Without a
  /// connection it is INVALID. Kernel: `_nfct` without a connection after `nf_conntrack_attach`.
  case answerToUntracked
  /// Never tracked: by target NOTRACK, or because its packet type is exempt.
  case untracked
  /// The parameters that target CT sets for the packet's new connection.
  case template(Template)
  /// Part of a connection.
  case connection(ConnectionHandle, ConnectionInfo)

  /// The connection of the packet; nil if it is untracked or none was found.
  @inlinable public var connection: ConnectionHandle? { if case .connection(let handle, _) = self { handle } else { nil } }
  /// The parameters of the packet's new connection; nil without any.
  @inlinable public var template: Template? { if case .template(let template) = self { template } else { nil } }
  /// How the packet relates to its connection; nil without one.
  @inlinable public var info: ConnectionInfo? { if case .connection(_, let info) = self { info } else { nil } }

  /// True if tracking has found no connection for the packet, so that its state is INVALID; also true before tracking.
  @inlinable public var isInvalid: Bool {
    switch self {
    case .none, .answerToUntracked: true
    case .untracked, .template, .connection: false
    }
  }

  /// The attachment of a reply to this packet, as target REJECT sends one: the same connection, the other direction.
  /// The corresponding kernel function is `nf_conntrack_attach`.
  public var answer: Attachment {
    switch self {
    case .none, .template: .none
    case .untracked, .answerToUntracked: .answerToUntracked
    case .connection(let handle, let info): .connection(handle, info.direction == .original ? .relatedReply : .related)
    }
  }
}

/// Names a connection of one table. Each slot counts its reuses in a generation, so a handle of a removed connection is recognised.
public struct ConnectionHandle: Sendable, Hashable {
  /// The number of the slot. A table uses slots again before it adds new ones.
  public let index: UInt32
  /// How often the slot was used before.
  public let generation: UInt32

  @usableFromInline init(index: UInt32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }
}

/// The parameters of a connection not yet created, set by target CT. Kernel: a `nf_conn` with `IPS_TEMPLATE`.
public struct Template: Sendable, Hashable {
  /// The zone of connections created from the template.
  public var zone: Zone
  /// True if the zone's number is taken from the packet's mark.
  public var zoneIsMark: Bool
  /// A helper registered with the table.
  public var helper: HelperID?
  /// A timeout policy registered with the table.
  public var timeoutPolicy: TimeoutPolicyID?
  /// The events to record; nil for all.
  public var events: ConnectionEvents?
  /// True if a SYN proxy opens the connection. Kernel: the template of `synproxy_net`.
  public var isSynproxied: Bool
  /// The mark, which target CONNMARK sets for all packets with the template. The connection does not get it.
  public var mark: UInt32 = 0
  /// The number of the rule whose template it is.
  public var rule: Int?

  /// Matches see a template as a confirmed connection whose other fields are 0. The corresponding kernel function is `xt_ct_tg_check`.
  public static let status = ConnectionStatus.confirmed

  /// Creates a template without a mark; parameters as the properties of the same names.
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
