/// The settings and timeouts of connection tracking, named after the sysctls, with the defaults of Linux 6.18.
///
/// Timeouts are whole seconds. A field `nf_conntrack_tcp_loose` is the sysctl `net.netfilter.nf_conntrack_tcp_loose`;
/// `subscript` reads and writes by that name.
public struct ConntrackSettings: Sendable, Hashable {
  /// `nf_conntrack_max`: the maximum number of connections; 0 for no limit.
  public var max: UInt32 = 262_144
  /// `nf_conntrack_buckets`: hash buckets.
  public var buckets: UInt32 = 262_144
  /// `nf_conntrack_checksum`: packets with a wrong checksum are INVALID.
  public var checksum = true
  /// `nf_conntrack_acct`: counts packets and bytes of connections created from now on.
  public var accounting = false
  /// `nf_conntrack_timestamp`: connections carry their start time.
  public var timestamp = false
  /// `nf_conntrack_events`: 0 never, 1 always, 2 only while a listener exists.
  public var events: UInt8 = 2
  /// `nf_conntrack_log_invalid`: protocol number whose INVALID packets are logged; 255 for all, 0 for none.
  public var logInvalid: UInt8 = 0
  /// `nf_conntrack_expect_max`: the maximum number of expectations.
  public var expectMax: UInt32 = 4096
  /// `nf_conntrack_helper`: assigns helpers by port. Off by default since Linux 4.7, removed in 6.0.
  public var automaticHelpers = false

  /// `nf_conntrack_generic_timeout`, in seconds.
  public var genericTimeout: UInt32 = 600
  /// `nf_conntrack_icmp_timeout`, in seconds.
  public var icmpTimeout: UInt32 = 30
  /// `nf_conntrack_icmpv6_timeout`, in seconds.
  public var icmpv6Timeout: UInt32 = 30
  /// `nf_conntrack_udp_timeout`, in seconds.
  public var udpTimeout: UInt32 = 30
  /// `nf_conntrack_udp_timeout_stream`, in seconds.
  public var udpStreamTimeout: UInt32 = 120
  /// `nf_conntrack_gre_timeout`, in seconds.
  public var greTimeout: UInt32 = 30
  /// `nf_conntrack_gre_timeout_stream`, in seconds.
  public var greStreamTimeout: UInt32 = 180

  /// The settings of the TCP tracker.
  public var tcp = TCPSettings()
  /// The settings of the SCTP tracker.
  public var sctp = SCTPSettings()
  /// The settings of reassembly.
  public var fragments = FragmentSettings()

  /// Creates the kernel's defaults.
  public init() {}
}

/// The `nf_conntrack_tcp_*` sysctls.
public struct TCPSettings: Sendable, Hashable {
  /// `nf_conntrack_tcp_loose`: accepts connections whose beginning was not seen.
  public var loose = true
  /// `nf_conntrack_tcp_be_liberal`: of segments outside the window, only RST segments are INVALID.
  public var beLiberal = false
  /// `nf_conntrack_tcp_ignore_invalid_rst`: a reset outside the window is not INVALID.
  public var ignoreInvalidReset = false
  /// `nf_conntrack_tcp_max_retrans`: retransmissions before the timeout is shortened.
  public var maxRetransmissions: UInt8 = 3

  /// `nf_conntrack_tcp_timeout_syn_sent`, in seconds.
  public var synSent: UInt32 = 120
  /// `nf_conntrack_tcp_timeout_syn_recv`, in seconds.
  public var synReceived: UInt32 = 60
  /// `nf_conntrack_tcp_timeout_established`, in seconds.
  public var established: UInt32 = 432_000
  /// `nf_conntrack_tcp_timeout_fin_wait`, in seconds.
  public var finWait: UInt32 = 120
  /// `nf_conntrack_tcp_timeout_close_wait`, in seconds.
  public var closeWait: UInt32 = 60
  /// `nf_conntrack_tcp_timeout_last_ack`, in seconds.
  public var lastAck: UInt32 = 30
  /// `nf_conntrack_tcp_timeout_time_wait`, in seconds.
  public var timeWait: UInt32 = 120
  /// `nf_conntrack_tcp_timeout_close`, in seconds.
  public var close: UInt32 = 10
  /// Timeout after a SYN from both ends, in seconds. The kernel has no sysctl for it and uses SYN_SENT's default.
  public var synSent2: UInt32 = 120
  /// `nf_conntrack_tcp_timeout_max_retrans`, in seconds.
  public var maxRetransmissionsTimeout: UInt32 = 300
  /// `nf_conntrack_tcp_timeout_unacknowledged`, in seconds.
  public var unacknowledged: UInt32 = 300

  /// Creates the kernel's defaults.
  public init() {}
}

/// The `nf_conntrack_sctp_timeout_*` sysctls.
public struct SCTPSettings: Sendable, Hashable {
  /// `nf_conntrack_sctp_timeout_closed`, in seconds.
  public var closed: UInt32 = 10
  /// `nf_conntrack_sctp_timeout_cookie_wait`, in seconds.
  public var cookieWait: UInt32 = 3
  /// `nf_conntrack_sctp_timeout_cookie_echoed`, in seconds.
  public var cookieEchoed: UInt32 = 3
  /// `nf_conntrack_sctp_timeout_established`, in seconds.
  public var established: UInt32 = 210
  /// `nf_conntrack_sctp_timeout_shutdown_sent`, in seconds.
  public var shutdownSent: UInt32 = 3
  /// `nf_conntrack_sctp_timeout_shutdown_recd`, in seconds.
  public var shutdownReceived: UInt32 = 3
  /// `nf_conntrack_sctp_timeout_shutdown_ack_sent`, in seconds.
  public var shutdownAckSent: UInt32 = 3
  /// `nf_conntrack_sctp_timeout_heartbeat_sent`, in seconds.
  public var heartbeatSent: UInt32 = 30

  /// Creates the kernel's defaults.
  public init() {}
}

/// Limits of reassembly before connection tracking: `net.ipv4.ipfrag_*` and `net.netfilter.nf_conntrack_frag6_*`.
public struct FragmentSettings: Sendable, Hashable {
  /// `ipfrag_time`: seconds until an incomplete datagram is discarded.
  public var ipv4Timeout: UInt32 = 30
  /// `ipfrag_high_thresh`: the maximum memory of all queued fragments, in bytes.
  public var ipv4HighThreshold: UInt32 = 4_194_304
  /// `ipfrag_max_dist`: the maximum number of fragments of other datagrams of the same source in between; 0 for no limit.
  public var ipv4MaximumDistance: UInt32 = 64
  /// `nf_conntrack_frag6_timeout`: seconds until an incomplete datagram is discarded.
  public var ipv6Timeout: UInt32 = 60
  /// `nf_conntrack_frag6_high_thresh`: the maximum memory of all queued fragments, in bytes.
  public var ipv6HighThreshold: UInt32 = 4_194_304

  /// Creates the kernel's defaults.
  public init() {}
}
