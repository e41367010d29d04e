import Wire
import XTables

/// The settings of an interface that packets need, computed once and valid until an interface or a sysctl changes.
struct HostLink {
  /// The interface's name in the form of ``Interface/key``.
  let key: UInt128
  let isUp: Bool
  let isLoopback: Bool
  let isBridge: Bool
  let isBridgePort: Bool
  let hasNoARP: Bool
  let mtu: Int
  let hardwareAddress: MACAddress
  /// `forwarding`; for IPv6 both this interface's and `all`.
  let forwardsIPv4: Bool
  let forwardsIPv6: Bool
  let allForwardIPv6: Bool
  /// The switches of `net.ipv4.conf`, each combined with `all`.
  let reversePathFilter: Int
  let acceptsLocal: Bool
  let routesLocalnet: Bool
  let usesMarkForSource: Bool
  let forwardsBroadcasts: Bool
  let sendsRedirects: Bool
  /// True if hosts of other networks are on the same link. Kernel: `shared_media`.
  let sharesMedium: Bool
  let speaksIPv6: Bool
  /// The settings above that are not known.
  let unknown: UnknownSettings

  init(_ device: Host.Device, _ sysctls: Sysctls, areComplete: Bool) {
    key = device.interface.key
    isUp = device.isUp
    isLoopback = device.isLoopback
    isBridge = device.isBridge
    isBridgePort = device.bridge != nil
    hasNoARP = device.hasNoARP
    mtu = device.mtu
    hardwareAddress = device.hardwareAddress
    let name = device.name
    forwardsIPv4 = sysctls["net.ipv4.conf.\(name).forwarding"] ?? 0 != 0
    forwardsIPv6 = sysctls["net.ipv6.conf.\(name).forwarding"] ?? 0 != 0
    allForwardIPv6 = sysctls["net.ipv6.conf.all.forwarding"] ?? 0 != 0
    reversePathFilter = sysctls.joined("ipv4", name, "rp_filter")
    acceptsLocal = sysctls.joined("ipv4", name, "accept_local") != 0
    routesLocalnet = sysctls.joined("ipv4", name, "route_localnet") != 0
    forwardsBroadcasts = sysctls["net.ipv4.conf.all.bc_forwarding"] ?? 0 != 0 && sysctls["net.ipv4.conf.\(name).bc_forwarding"] ?? 0 != 0
    sendsRedirects = sysctls.joined("ipv4", name, "send_redirects") != 0
    sharesMedium = sysctls.joined("ipv4", name, "shared_media") != 0
    speaksIPv6 = sysctls["net.ipv6.conf.all.disable_ipv6"] ?? 0 == 0 && sysctls["net.ipv6.conf.\(name).disable_ipv6"] ?? 0 == 0
    usesMarkForSource = sysctls.joined("ipv4", name, "src_valid_mark") != 0
    unknown = areComplete ? [] : UnknownSettings(name, sysctls)
  }

  /// Settings of an interface whose sysctls were not given.
  struct UnknownSettings: OptionSet, BitwiseCopyable {
    let rawValue: UInt8
    static let forwardsIPv4 = UnknownSettings(rawValue: 1)
    static let forwardsIPv6 = UnknownSettings(rawValue: 2)
    static let reversePathFilter = UnknownSettings(rawValue: 4)
    static let acceptsLocal = UnknownSettings(rawValue: 8)
    static let routesLocalnet = UnknownSettings(rawValue: 16)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ name: String, _ sysctls: Sysctls) {
      var settings: UnknownSettings = []
      if !sysctls.states("net.ipv4.conf.\(name).forwarding") { settings.insert(.forwardsIPv4) }
      if !sysctls.states("net.ipv6.conf.all.forwarding") { settings.insert(.forwardsIPv6) }
      if sysctls.undecided("ipv4", name, "rp_filter") != nil { settings.insert(.reversePathFilter) }
      // Either of the two switches suffices.
      for (setting, key) in [(UnknownSettings.acceptsLocal, "accept_local"), (.routesLocalnet, "route_localnet")]
      where sysctls.joined("ipv4", name, key) == 0 && sysctls.undecided("ipv4", name, key) != nil { settings.insert(setting) }
      self = settings
    }
  }

  /// The hardware address for a group address; nil for a unicast address.
  func hardwareAddress(ofGroup hop: IPAddress) -> MACAddress? {
    switch hop {
    case .v4(let address) where address.isMulticast:
      MACAddress(rawValue: 0x0100_5E00_0000 | UInt64(address.rawValue & 0x7F_FFFF))
    case .v6(let address) where address.rawValue >> 120 == 0xFF:
      MACAddress(rawValue: 0x3333_0000_0000 | UInt64(truncatingIfNeeded: address.rawValue & 0xFFFF_FFFF))
    default: nil
    }
  }
}
