extension ConntrackSettings {
  /// The sysctls whose value is a number of seconds or a count, by the name below `net.netfilter.` or in full.
  private static func numbers() -> [(String, WritableKeyPath<ConntrackSettings, UInt32>)] {
    [
      ("nf_conntrack_max", \.max), ("nf_conntrack_buckets", \.buckets), ("nf_conntrack_expect_max", \.expectMax),
      ("nf_conntrack_generic_timeout", \.genericTimeout), ("nf_conntrack_icmp_timeout", \.icmpTimeout),
      ("nf_conntrack_icmpv6_timeout", \.icmpv6Timeout), ("nf_conntrack_udp_timeout", \.udpTimeout),
      ("nf_conntrack_udp_timeout_stream", \.udpStreamTimeout), ("nf_conntrack_gre_timeout", \.greTimeout),
      ("nf_conntrack_gre_timeout_stream", \.greStreamTimeout),
      ("nf_conntrack_tcp_timeout_syn_sent", \.tcp.synSent), ("nf_conntrack_tcp_timeout_syn_recv", \.tcp.synReceived),
      ("nf_conntrack_tcp_timeout_established", \.tcp.established), ("nf_conntrack_tcp_timeout_fin_wait", \.tcp.finWait),
      ("nf_conntrack_tcp_timeout_close_wait", \.tcp.closeWait), ("nf_conntrack_tcp_timeout_last_ack", \.tcp.lastAck),
      ("nf_conntrack_tcp_timeout_time_wait", \.tcp.timeWait), ("nf_conntrack_tcp_timeout_close", \.tcp.close),
      ("nf_conntrack_tcp_timeout_max_retrans", \.tcp.maxRetransmissionsTimeout),
      ("nf_conntrack_tcp_timeout_unacknowledged", \.tcp.unacknowledged),
      ("nf_conntrack_sctp_timeout_closed", \.sctp.closed), ("nf_conntrack_sctp_timeout_cookie_wait", \.sctp.cookieWait),
      ("nf_conntrack_sctp_timeout_cookie_echoed", \.sctp.cookieEchoed),
      ("nf_conntrack_sctp_timeout_established", \.sctp.established),
      ("nf_conntrack_sctp_timeout_shutdown_sent", \.sctp.shutdownSent),
      ("nf_conntrack_sctp_timeout_shutdown_recd", \.sctp.shutdownReceived),
      ("nf_conntrack_sctp_timeout_shutdown_ack_sent", \.sctp.shutdownAckSent),
      ("nf_conntrack_sctp_timeout_heartbeat_sent", \.sctp.heartbeatSent),
      ("nf_conntrack_frag6_timeout", \.fragments.ipv6Timeout),
      ("nf_conntrack_frag6_high_thresh", \.fragments.ipv6HighThreshold),
      ("net.ipv4.ipfrag_time", \.fragments.ipv4Timeout),
      ("net.ipv4.ipfrag_high_thresh", \.fragments.ipv4HighThreshold),
      ("net.ipv4.ipfrag_max_dist", \.fragments.ipv4MaximumDistance),
    ]
  }

  private static func switches() -> [(String, WritableKeyPath<ConntrackSettings, Bool>)] {
    [
      ("nf_conntrack_checksum", \.checksum), ("nf_conntrack_acct", \.accounting), ("nf_conntrack_timestamp", \.timestamp),
      ("nf_conntrack_helper", \.automaticHelpers), ("nf_conntrack_tcp_loose", \.tcp.loose),
      ("nf_conntrack_tcp_be_liberal", \.tcp.beLiberal),
      ("nf_conntrack_tcp_ignore_invalid_rst", \.tcp.ignoreInvalidReset),
    ]
  }

  private static func bytes() -> [(String, WritableKeyPath<ConntrackSettings, UInt8>)] {
    [
      ("nf_conntrack_events", \.events), ("nf_conntrack_log_invalid", \.logInvalid),
      ("nf_conntrack_tcp_max_retrans", \.tcp.maxRetransmissions),
    ]
  }

  /// The full name of every supported sysctl.
  public static var sysctlNames: [String] {
    (numbers().map(\.0) + switches().map(\.0) + bytes().map(\.0)).map(fullName).sorted()
  }

  private static func fullName(_ name: String) -> String { name.hasPrefix("net.") ? name : "net.netfilter." + name }

  /// A sysctl by its full name, with dots or slashes, or by its last part; nil for an unknown name. An assigned value that does not fit
  /// is clamped. Assigning nil or to an unknown name does nothing.
  public subscript(sysctl name: String) -> Int? {
    get {
      let name = ConntrackSettings.canonical(name)
      if let field = ConntrackSettings.numbers().first(where: { $0.0 == name }) { return Int(self[keyPath: field.1]) }
      if let field = ConntrackSettings.bytes().first(where: { $0.0 == name }) { return Int(self[keyPath: field.1]) }
      if let field = ConntrackSettings.switches().first(where: { $0.0 == name }) { return self[keyPath: field.1] ? 1 : 0 }
      return nil
    }
    set {
      guard let newValue else { return }
      let name = ConntrackSettings.canonical(name)
      if let field = ConntrackSettings.numbers().first(where: { $0.0 == name }) {
        self[keyPath: field.1] = UInt32(clamping: newValue)
      } else if let field = ConntrackSettings.bytes().first(where: { $0.0 == name }) {
        self[keyPath: field.1] = UInt8(clamping: newValue)
      } else if let field = ConntrackSettings.switches().first(where: { $0.0 == name }) {
        self[keyPath: field.1] = newValue != 0
      }
    }
  }

  private static func canonical(_ name: String) -> String {
    let dotted = String(name.map { $0 == "/" ? "." : $0 })
    return dotted.hasPrefix("net.netfilter.") ? String(dotted.dropFirst("net.netfilter.".count)) : dotted
  }
}
