import Wire
import XTables

/// What packets ask of an interface, resolved once: as long as neither the interfaces nor the switches change.
struct HostLink {
  /// The interface's name, as ``Interface/key`` has it.
  let key: UInt128
  let isUp: Bool
  let isLoopback: Bool
  let isBridge: Bool
  let isBridgePort: Bool
  let mtu: Int
  let hardwareAddress: MACAddress
  /// `forwarding`, for IPv6 that of this interface and that of all.
  let forwardsIPv4: Bool
  let forwardsIPv6: Bool
  let allForwardIPv6: Bool
  /// The switches of `net.ipv4.conf`, joined with those for all.
  let reversePathFilter: Int
  let acceptsLocal: Bool
  let routesLocalnet: Bool
  let usesMarkForSource: Bool

  init(_ device: Host.Device, _ sysctls: Sysctls) {
    key = device.interface.key
    isUp = device.isUp
    isLoopback = device.isLoopback
    isBridge = device.isBridge
    isBridgePort = device.bridge != nil
    mtu = device.mtu
    hardwareAddress = device.hardwareAddress
    let name = device.name
    forwardsIPv4 = sysctls["net.ipv4.conf.\(name).forwarding"] ?? 0 != 0
    forwardsIPv6 = sysctls["net.ipv6.conf.\(name).forwarding"] ?? 0 != 0
    allForwardIPv6 = sysctls["net.ipv6.conf.all.forwarding"] ?? 0 != 0
    reversePathFilter = sysctls.joined("ipv4", name, "rp_filter")
    acceptsLocal = sysctls.joined("ipv4", name, "accept_local") != 0
    routesLocalnet = sysctls.joined("ipv4", name, "route_localnet") != 0
    usesMarkForSource = sysctls.joined("ipv4", name, "src_valid_mark") != 0
  }

  /// Where frames for a neighbour go. Nobody asks for neighbours here: the interface's own address stands for those of its link.
  func hardwareAddress(of hop: IPAddress) -> MACAddress {
    switch hop {
    case .v4(let address) where address.isMulticast:
      MACAddress(rawValue: 0x0100_5E00_0000 | UInt64(address.rawValue & 0x7F_FFFF))
    case .v6(let address) where address.rawValue >> 120 == 0xFF:
      MACAddress(rawValue: 0x3333_0000_0000 | UInt64(truncatingIfNeeded: address.rawValue & 0xFFFF_FFFF))
    default: hardwareAddress
    }
  }
}
