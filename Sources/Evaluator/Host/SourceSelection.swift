public import Wire
public import XTables

/// The choice of a source address for packets of this host.
extension Host {
  /// The addresses of an interface in the kernel's order; nil if they are unknown. Kernel: `in_device.ifa_list`, `inet6_dev.addr_list`.
  public func addresses(of interface: Interface, _ family: Family) -> [IPAddress]? {
    guard let device = device(interface) else { return !missing.contains(.addresses) ? [] : nil }
    let own = addresses(of: device).map(\.address).filter { $0.family == family }
    return own.isEmpty && missing.contains(.addresses) ? nil : own
  }

  /// The source address for packets through an interface. Kernel: `inet_select_addr`, `ipv6_dev_get_saddr`.
  public func sourceAddress(through interface: Interface, to near: IPAddress, onLink: Bool) -> SourceAddress {
    guard addresses(of: interface, near.family) != nil else { return .unknown }
    let found =
      near.family == .ipv4
      ? selectAddress(interface, near: near, onLink ? .link : .universe) : selectAddress(ipv6: interface, near: near)
    // Another interface may have an address that is not given.
    return found.map { .address($0) } ?? (missing.contains(.addresses) ? .unknown : .none)
  }

  /// Selects an IPv4 source address: of the interface, otherwise of any other, even one that is down.
  ///
  /// The corresponding kernel function is `inet_select_addr`.
  func selectAddress(_ interface: Interface, near: IPAddress?, _ scope: RouteScope) -> IPAddress? {
    func fits(_ entry: Address) -> Bool { entry.address.family == .ipv4 && entry.scope.rawValue <= scope.rawValue }
    var first: IPAddress?
    for entry in device(interface)?.addresses ?? [] where fits(entry) {
      guard let near else { return entry.address }
      if near.bits & entry.mask == entry.network { return entry.address }
      if first == nil { first = entry.address }
    }
    if let first { return first }
    for device in devices {
      for entry in device.addresses where fits(entry) && entry.scope != .link { return entry.address }
    }
    return nil
  }

  /// Selects an IPv6 source address by, in this order: the destination itself, scope, output interface, label, longest common prefix. Of
  /// equals the first one is taken. The corresponding kernel function is `ipv6_dev_get_saddr`.
  func selectAddress(ipv6 output: Interface, near destination: IPAddress) -> IPAddress? {
    guard case .v6(let target) = destination else { return nil }
    let isOnLink = target.isMulticast || target.scope <= 2
    let asked = isOnLink ? devices.filter { $0.interface == output } : devices.filter(\.isUp)
    var best: (rank: (Int, Int, Int, Int, Int), address: IPAddress)?
    for device in asked {
      for entry in addresses(of: device) {
        guard case .v6(let own) = entry.address else { continue }
        // The smallest scope that suffices, otherwise the largest. `::` has none (`__IPV6_ADDR_SCOPE_INVALID`).
        let fit = own.scope >= target.scope || target.rawValue == 0 ? -Int(own.scope) : Int(own.scope) - 128
        let rank = (
          own == target ? 1 : 0, fit, device.interface == output ? 1 : 0, own.selectionLabel == target.selectionLabel ? 1 : 0,
          min((own.rawValue ^ target.rawValue).leadingZeroBitCount, entry.prefixLength)
        )
        if best.map({ rank > $0.rank }) ?? true { best = (rank, entry.address) }
      }
    }
    return best?.address
  }
}

extension IPv6Address {
  /// The label of the address in the kernel's default table (RFC 6724, section 2.1). Kernel: `ip6addrlbl_init_table`.
  fileprivate var selectionLabel: Int {
    if isLoopback { return 0 }
    if rawValue >> 32 == 0 { return 3 }
    if isIPv4Mapped { return 4 }
    switch rawValue >> 112 {
    case 0x2002: return 2
    case 0x3FFE: return 12
    case 0x2001 where rawValue >> 96 == 0x2001_0000: return 6
    case 0x2001 where rawValue >> 100 == 0x200_1001: return 7
    case 0xFC00...0xFDFF: return 5
    case 0xFEC0...0xFEFF: return 11
    default: return 1
    }
  }
}
