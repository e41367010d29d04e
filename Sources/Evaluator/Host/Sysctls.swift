public import Wire
public import XTables

/// The sysctls of the kernel's IP layer by dotted name, with the defaults of Linux 6.18.
///
/// The sysctls of connection tracking are in `ConntrackSettings`.
public struct Sysctls: Sendable {
  private var values: [String: Int] = [:]

  /// Creates the defaults.
  public init() {}

  /// The kernel's defaults; per-interface ones under `conf.default`.
  private static let defaults: [String: Int] = [
    "net.ipv4.ip_forward": 0, "net.ipv4.ip_default_ttl": 64, "net.ipv4.icmp_echo_ignore_all": 0,
    "net.ipv4.icmp_echo_ignore_broadcasts": 1, "net.ipv4.icmp_ratelimit": 1000, "net.ipv4.icmp_ratemask": 6168,
    "net.ipv4.icmp_msgs_per_sec": 1000, "net.ipv4.icmp_msgs_burst": 50, "net.ipv4.icmp_errors_use_inbound_ifaddr": 0,
    "net.ipv4.ip_early_demux": 1, "net.ipv4.tcp_early_demux": 1,
    "net.ipv4.ip_no_pmtu_disc": 0, "net.ipv4.ip_nonlocal_bind": 0, "net.ipv4.fwmark_reflect": 0,
    "net.ipv4.tcp_timestamps": 1, "net.ipv4.tcp_sack": 1, "net.ipv4.tcp_window_scaling": 1, "net.ipv4.tcp_syncookies": 1,
    "net.ipv4.conf.default.forwarding": 0, "net.ipv4.conf.default.rp_filter": 0, "net.ipv4.conf.default.accept_local": 0,
    "net.ipv4.conf.default.route_localnet": 0, "net.ipv4.conf.default.send_redirects": 1,
    "net.ipv4.conf.default.accept_source_route": 0, "net.ipv4.conf.default.src_valid_mark": 0,
    "net.ipv4.conf.all.forwarding": 0, "net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.all.accept_local": 0,
    "net.ipv4.conf.all.route_localnet": 0, "net.ipv4.conf.all.send_redirects": 1,
    "net.ipv4.conf.all.accept_source_route": 0, "net.ipv4.conf.all.src_valid_mark": 0,
    "net.ipv4.conf.all.bc_forwarding": 0, "net.ipv4.conf.default.bc_forwarding": 0, "net.ipv4.conf.all.shared_media": 1,
    "net.ipv4.conf.default.shared_media": 1, "net.ipv4.tcp_fwmark_accept": 0,
    "net.ipv4.conf.all.promote_secondaries": 0, "net.ipv4.conf.default.promote_secondaries": 0,
    "net.ipv6.conf.all.forwarding": 0, "net.ipv6.conf.default.forwarding": 0, "net.ipv6.conf.all.disable_ipv6": 0,
    "net.ipv6.conf.default.disable_ipv6": 0,
    "net.ipv6.conf.default.hop_limit": 64, "net.ipv6.icmp.ratelimit": 100, "net.ipv6.fwmark_reflect": 0,
    "net.bridge.bridge-nf-call-iptables": 1, "net.bridge.bridge-nf-call-ip6tables": 1,
  ]

  /// The names of all supported sysctls, sorted; per-interface ones with `default` as the interface.
  public static var knownNames: [String] { defaults.keys.sorted() }

  /// The sysctls that were set, with their values.
  public var assigned: [String: Int] { values }

  /// The value that was set, or the kernel's default; nil for an unknown name. Slashes are accepted instead of dots.
  public subscript(name: String) -> Int? {
    get {
      let name = Self.canonical(name)
      return values[name] ?? Self.defaults[name] ?? perInterface(name)
    }
    set {
      let name = Self.canonical(name)
      values[name] = newValue
      // Writing `all` changes every interface and `default`, as devinet_sysctl_forward does.
      for family in ["ipv4", "ipv6"] {
        let all = "net.\(family).conf.all.forwarding"
        guard name == all || family == "ipv4" && name == "net.ipv4.ip_forward" else { continue }
        let prefix = "net.\(family).conf."
        values = values.filter { !($0.key.hasPrefix(prefix) && $0.key.hasSuffix(".forwarding")) }
        values[all] = newValue
        values[prefix + "default.forwarding"] = newValue
        if family == "ipv4" { values["net.ipv4.ip_forward"] = newValue }
      }
    }
  }

  /// The ICMPv6 types that are rate-limited, one bit for each type from 0 to 127: `net.ipv6.icmp.ratemask`.
  private(set) var icmpv6RateMask: UInt128 = ~(1 << 2)

  /// True if the value was set, for an interface also by `default`.
  func states(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let fallback =
      parts.count >= 5 && parts[2] == "conf" && parts[3] != "all" ? "\(parts[0]).\(parts[1]).conf.default.\(parts[parts.count - 1])" : name
    return values[name] != nil || values[fallback] != nil
  }

  /// The sysctl that keeps the combined value of ``joined(_:_:_:)`` from being known; nil if it is known. `all` and the interface are
  /// combined, so both must be set.
  func undecided(_ family: String, _ interface: String, _ name: String) -> String? {
    ["all", interface].map { "net.\(family).conf.\($0).\(name)" }.first { !states($0) }
  }

  /// Sets a sysctl from the text that `sysctl` prints: a number, or for `net.ipv6.icmp.ratemask` a list of types.
  ///
  /// - Returns: false for any other text; nothing is then changed.
  public mutating func assign(_ name: String, _ text: String) -> Bool {
    if Self.canonical(name) == "net.ipv6.icmp.ratemask" {
      guard let mask = Self.bits(of: text) else { return false }
      icmpv6RateMask = mask
      return true
    }
    guard let value = Int(text) else { return false }
    self[name] = value
    return true
  }

  /// Parses a list such as `0-1,3-127`. Types from 128 are informational and never limited. Kernel: `proc_do_large_bitmap`.
  private static func bits(of list: String) -> UInt128? {
    var mask: UInt128 = 0
    for part in list.split(separator: ",") {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt8($0) }
      guard let first = ends[0], ends.count <= 2, let last = ends.count == 2 ? ends[1] : first, first <= last else { return nil }
      for type in first...last where type < 128 { mask |= 1 << UInt128(type) }
    }
    return mask
  }

  /// The value of a per-interface sysctl such as `net.ipv4.conf.eth0.rp_filter`: the interface's if set, else that of `default`.
  private func perInterface(_ name: String) -> Int? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 5, parts[2] == "conf", parts[0] == "net", let last = parts.last else { return nil }
    let fallback = "net.\(parts[1]).conf.default.\(last)"
    return values[fallback] ?? Self.defaults[fallback]
  }

  private static func canonical(_ name: String) -> String {
    // This is called for every packet, and most names are canonical already.
    name.utf8.contains(UInt8(ascii: "/")) ? String(name.map { $0 == "/" ? "." : $0 }) : name
  }

  /// The interface's value combined with `all`, as `IN_DEV_ORCONF` and `IN_DEV_MAXCONF` do.
  func joined(_ family: String, _ interface: String, _ name: String) -> Int {
    max(self["net.\(family).conf.all.\(name)"] ?? 0, self["net.\(family).conf.\(interface).\(name)"] ?? 0)
  }
}

extension Host {
  /// The rate limit for an ICMP error; nil if the type is not limited. Kernel: `icmpv4_xrlim_allow`, `icmpv6_xrlim_allow`.
  public func icmpRateLimit(type: UInt8, code: UInt8, to destination: IPAddress) -> ICMPRateLimit.Policy? {
    let isWide = destination.family == .ipv6
    if isWide {
      // Informational messages and those of path MTU discovery have no limit.
      guard type < 128, type != 2, sysctls.icmpv6RateMask >> UInt128(type) & 1 == 1 else { return nil }
    } else {
      guard type <= 18, (type, code) != (3, 4), (sysctls["net.ipv4.icmp_ratemask"] ?? 0) >> Int(type) & 1 == 1 else { return nil }
    }
    let milliseconds = sysctls[isWide ? "net.ipv6.icmp.ratelimit" : "net.ipv4.icmp_ratelimit"] ?? 0
    return ICMPRateLimit.Policy(
      interval: UInt64(clamping: milliseconds).multipliedReportingOverflow(by: 1_000_000).partialValue,
      messagesPerSecond: UInt64(clamping: sysctls["net.ipv4.icmp_msgs_per_sec"] ?? 0),
      burst: Int64(sysctls["net.ipv4.icmp_msgs_burst"] ?? 0),
      isLoopback: outputRoute(Flow(to: destination))?.output.map { isLoopback($0) } ?? false)
  }

  /// True if packets received on an interface are forwarded.
  func forwards(_ interface: String, _ family: Family) -> Bool {
    sysctls["net.\(family == .ipv4 ? "ipv4" : "ipv6").conf.\(interface).forwarding"] ?? 0 != 0
  }
}
