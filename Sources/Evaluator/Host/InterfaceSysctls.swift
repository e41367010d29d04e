import Wire

/// The sysctls of one interface and family, for example those under `net.ipv4.conf.eth0`, with the defaults of Linux 6.18.
///
/// A value that was not set for the interface is that of `default`.
struct InterfaceSysctls {
  /// The values of one interface by the last part of their names.
  struct Settings {
    let assigned: [String: Int]
    let builtin: [String: Int]

    subscript(key: String) -> Int? { assigned[key] ?? builtin[key] }
  }

  let family: Family
  let name: String
  let own: Settings
  let fallback: Settings
  let all: Settings

  /// The value in force; nil for an unknown name.
  subscript(key: String) -> Int? { own[key] ?? fallback[key] }

  /// The value combined with that of `all`, as `IN_DEV_ORCONF` and `IN_DEV_MAXCONF` do.
  func joined(_ key: String) -> Int { max(all[key] ?? fallback[key] ?? 0, self[key] ?? 0) }

  /// True if the value was set, also by `default`; a value of `all` only by itself.
  func states(_ key: String) -> Bool { own.assigned[key] != nil || name != "all" && fallback.assigned[key] != nil }

  /// The sysctl that keeps the combined value from being known; nil if it is known. `all` and the interface are combined, so both must be
  /// set.
  func undecided(_ key: String) -> String? {
    if all.assigned[key] == nil { return Sysctls.Scope(family: family, interface: "all").prefix + key }
    return states(key) ? nil : Sysctls.Scope(family: family, interface: name).prefix + key
  }
}

extension Sysctls {
  /// What the sysctls of one interface have in common: `net.FAMILY.conf.INTERFACE`.
  struct Scope: Hashable {
    let family: Family
    let interface: String

    /// The start of the names.
    var prefix: String { (family == .ipv4 ? Self.ipv4Prefix : Self.ipv6Prefix) + interface + "." }

    private static let ipv4Prefix = "net.ipv4.conf."
    private static let ipv6Prefix = "net.ipv6.conf."

    /// The scope and the last part of the name of a per-interface sysctl such as `net.ipv4.conf.eth0.rp_filter`; nil for any other name.
    static func parts(of name: String) -> (Scope, key: String)? {
      let isWide = name.hasPrefix(ipv6Prefix)
      guard isWide || name.hasPrefix(ipv4Prefix) else { return nil }
      let rest = name.utf8.dropFirst(ipv4Prefix.utf8.count)
      // An interface's name may contain a dot.
      guard let dot = rest.lastIndex(of: UInt8(ascii: ".")) else { return nil }
      return (
        Scope(family: isWide ? .ipv6 : .ipv4, interface: String(name[rest.startIndex..<dot])), String(name[rest.index(after: dot)...])
      )
    }
  }
}
