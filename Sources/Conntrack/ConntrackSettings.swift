/// The switches and timeouts of connection tracking, under the names of the sysctls, with the defaults of Linux 6.18.
///
/// Timeouts are whole seconds. A field `nf_conntrack_tcp_loose` is the sysctl `net.netfilter.nf_conntrack_tcp_loose`;
/// `subscript` reads and writes by that name.
public struct ConntrackSettings: Sendable, Hashable {
  /// Connections at most; 0 for no limit.
  public var max: UInt32 = 262_144
  public var buckets: UInt32 = 262_144
  public var checksum = true
  /// Counts packets and bytes of connections made from now on.
  public var accounting = false
  public var timestamp = false
  /// Tells events: off, on, or on when somebody listens (2).
  public var events: UInt8 = 2
  public var logInvalid: UInt8 = 0
  public var expectMax: UInt32 = 4096
  /// Attaches helpers by port, as kernels before 6.0 could. Off there by default since 4.7.
  public var automaticHelpers = false

  public var genericTimeout: UInt32 = 600
  public var icmpTimeout: UInt32 = 30
  public var icmpv6Timeout: UInt32 = 30
  public var udpTimeout: UInt32 = 30
  public var udpStreamTimeout: UInt32 = 120
  public var greTimeout: UInt32 = 30
  public var greStreamTimeout: UInt32 = 180

  public var tcp = TCPSettings()
  public var sctp = SCTPSettings()
  public var fragments = FragmentSettings()

  public init() {}
}

/// The `nf_conntrack_tcp_*` sysctls.
public struct TCPSettings: Sendable, Hashable {
  /// Picks up connections from the middle.
  public var loose = true
  /// Only RST segments out of window are INVALID.
  public var beLiberal = false
  public var ignoreInvalidReset = false
  public var maxRetransmissions: UInt8 = 3

  public var synSent: UInt32 = 120
  public var synReceived: UInt32 = 60
  public var established: UInt32 = 432_000
  public var finWait: UInt32 = 120
  public var closeWait: UInt32 = 60
  public var lastAck: UInt32 = 30
  public var timeWait: UInt32 = 120
  public var close: UInt32 = 10
  /// A SYN from both ends; the kernel has no sysctl for it and uses that of SYN_SENT's default.
  public var synSent2: UInt32 = 120
  public var maxRetransmissionsTimeout: UInt32 = 300
  public var unacknowledged: UInt32 = 300

  public init() {}
}

/// The `nf_conntrack_sctp_timeout_*` sysctls.
public struct SCTPSettings: Sendable, Hashable {
  public var closed: UInt32 = 10
  public var cookieWait: UInt32 = 3
  public var cookieEchoed: UInt32 = 3
  public var established: UInt32 = 210
  public var shutdownSent: UInt32 = 3
  public var shutdownReceived: UInt32 = 3
  public var shutdownAckSent: UInt32 = 3
  public var heartbeatSent: UInt32 = 30

  public init() {}
}

/// Limits of reassembly before connection tracking: `net.ipv4.ipfrag_*` and `net.netfilter.nf_conntrack_frag6_*`.
public struct FragmentSettings: Sendable, Hashable {
  public var ipv4Timeout: UInt32 = 30
  public var ipv4HighThreshold: UInt32 = 4_194_304
  /// Fragments of other datagrams of the same source that may come in between; 0 for any number.
  public var ipv4MaximumDistance: UInt32 = 64
  public var ipv6Timeout: UInt32 = 60
  public var ipv6HighThreshold: UInt32 = 4_194_304

  public init() {}
}
