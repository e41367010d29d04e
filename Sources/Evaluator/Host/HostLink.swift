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
    let ipv4 = sysctls.interface(.ipv4, device.name)
    let ipv6 = sysctls.interface(.ipv6, device.name)
    forwardsIPv4 = ipv4["forwarding"] ?? 0 != 0
    forwardsIPv6 = ipv6["forwarding"] ?? 0 != 0
    allForwardIPv6 = ipv6.all["forwarding"] ?? 0 != 0
    reversePathFilter = ipv4.joined("rp_filter")
    acceptsLocal = ipv4.joined("accept_local") != 0
    routesLocalnet = ipv4.joined("route_localnet") != 0
    forwardsBroadcasts = ipv4.all["bc_forwarding"] ?? 0 != 0 && ipv4["bc_forwarding"] ?? 0 != 0
    sendsRedirects = ipv4.joined("send_redirects") != 0
    sharesMedium = ipv4.joined("shared_media") != 0
    speaksIPv6 = ipv6.all["disable_ipv6"] ?? 0 == 0 && ipv6["disable_ipv6"] ?? 0 == 0
    usesMarkForSource = ipv4.joined("src_valid_mark") != 0
    unknown = areComplete ? [] : UnknownSettings(ipv4, ipv6)
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

    init(_ ipv4: InterfaceSysctls, _ ipv6: InterfaceSysctls) {
      var settings: UnknownSettings = []
      if !ipv4.states("forwarding") { settings.insert(.forwardsIPv4) }
      if ipv6.all.assigned["forwarding"] == nil { settings.insert(.forwardsIPv6) }
      if ipv4.undecided("rp_filter") != nil { settings.insert(.reversePathFilter) }
      // Either of the two switches suffices.
      for (setting, key) in [(UnknownSettings.acceptsLocal, "accept_local"), (.routesLocalnet, "route_localnet")]
      where ipv4.joined(key) == 0 && ipv4.undecided(key) != nil { settings.insert(setting) }
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
