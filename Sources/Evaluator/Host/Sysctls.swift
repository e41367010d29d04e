public import Wire
public import XTables

/// The sysctls of the kernel's IP layer by dotted name, with the defaults of Linux 6.18.
///
/// The sysctls of connection tracking are in `ConntrackSettings`.
public struct Sysctls: Sendable {
  /// The values that were set, but for those of interfaces.
  private var values: [String: Int] = [:]
  /// The values that were set for interfaces, by the last part of the name.
  private var interfaces: [Scope: [String: Int]] = [:]

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
    "net.ipv4.conf.all.ignore_routes_with_linkdown": 0, "net.ipv4.conf.default.ignore_routes_with_linkdown": 0,
    "net.ipv6.conf.all.ignore_routes_with_linkdown": 0, "net.ipv6.conf.default.ignore_routes_with_linkdown": 0,
    "net.ipv6.conf.default.hop_limit": 64, "net.ipv6.icmp.ratelimit": 100, "net.ipv6.fwmark_reflect": 0,
    "net.bridge.bridge-nf-call-iptables": 1, "net.bridge.bridge-nf-call-ip6tables": 1,
  ]

  /// The names of all supported sysctls, sorted; per-interface ones with `default` as the interface.
  public static var knownNames: [String] { defaults.keys.sorted() }

  /// The per-interface defaults again, by interface.
  private static let interfaceDefaults: [Scope: [String: Int]] = {
    var settings: [Scope: [String: Int]] = [:]
    for (name, value) in defaults {
      guard let (scope, key) = Scope.parts(of: name) else { continue }
      settings[scope, default: [:]][key] = value
    }
    return settings
  }()

  /// The sysctls that were set, with their values.
  public var assigned: [String: Int] {
    var assigned = values
    for (scope, settings) in interfaces {
      for (key, value) in settings { assigned[scope.prefix + key] = value }
    }
    return assigned
  }

  /// The value that was set, or the kernel's default; nil for an unknown name. Slashes are accepted instead of dots.
  public subscript(name: String) -> Int? {
    get {
      let name = Self.canonical(name)
      if let (scope, key) = Scope.parts(of: name) { return interface(scope.family, scope.interface)[key] }
      return values[name] ?? Self.defaults[name]
    }
    set {
      let name = Self.canonical(name)
      let parts = Scope.parts(of: name)
      if let (scope, key) = parts, scope.interface == "all", Self.isForEveryInterface(key, scope.family) {
        setEverywhere(key, scope.family, newValue)
      } else if name == "net.ipv4.ip_forward" {
        setEverywhere("forwarding", .ipv4, newValue)
      } else if let (scope, key) = parts {
        interfaces[scope, default: [:]][key] = newValue
      } else {
        values[name] = newValue
      }
    }
  }

  /// True if writing `all` changes every interface and `default`.
  ///
  /// The corresponding kernel functions are `inet_forward_change`, `addrconf_forward_change` and `addrconf_linkdown_change`.
  private static func isForEveryInterface(_ key: String, _ family: Family) -> Bool {
    key == "forwarding" || family == .ipv6 && key == "ignore_routes_with_linkdown"
  }

  /// True if writing this sysctl changes those of the interfaces too, which are therefore to be written after it.
  public static func changesInterfaces(_ name: String) -> Bool {
    if name == "net.ipv4.ip_forward" { return true }
    return Scope.parts(of: name).map { $0.interface == "all" && isForEveryInterface($1, $0.family) } ?? false
  }

  private mutating func setEverywhere(_ key: String, _ family: Family, _ value: Int?) {
    for scope in interfaces.keys where scope.family == family { interfaces[scope]?[key] = nil }
    for name in ["all", "default"] { interfaces[Scope(family: family, interface: name), default: [:]][key] = value }
    if family == .ipv4, key == "forwarding" { values["net.ipv4.ip_forward"] = value }
  }

  /// The sysctls of one interface; `all` and `default` are interfaces too.
  func interface(_ family: Family, _ name: String) -> InterfaceSysctls {
    func settings(_ interface: String) -> InterfaceSysctls.Settings {
      let scope = Scope(family: family, interface: interface)
      return InterfaceSysctls.Settings(assigned: interfaces[scope] ?? [:], builtin: Self.interfaceDefaults[scope] ?? [:])
    }
    return InterfaceSysctls(family: family, name: name, own: settings(name), fallback: settings("default"), all: settings("all"))
  }

  /// The ICMPv6 types that are rate-limited, one bit for each type from 0 to 127: `net.ipv6.icmp.ratemask`.
  private(set) var icmpv6RateMask: UInt128 = ~(1 << 2)

  /// True if the value was set, for an interface also by `default`.
  func states(_ name: String) -> Bool {
    if let (scope, key) = Scope.parts(of: name) { return interface(scope.family, scope.interface).states(key) }
    return values[name] != nil
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

  private static func canonical(_ name: String) -> String {
    // This is called for every packet, and most names are canonical already.
    name.utf8.contains(UInt8(ascii: "/")) ? String(name.map { $0 == "/" ? "." : $0 }) : name
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
    sysctls.interface(family, interface)["forwarding"] ?? 0 != 0
  }
}
