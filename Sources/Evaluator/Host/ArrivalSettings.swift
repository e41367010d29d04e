public import Wire
public import XTables

/// What the host's sysctls say of packets that arrive on an interface; nil for what is not known.
public struct ArrivalSettings: Sendable {
  /// Whether packets for other hosts are forwarded.
  public let forwards: Bool?
  /// Whether a packet may have one of the host's own addresses as its source. IPv6 does not check that.
  public let acceptsLocal: Bool?
  /// Whether a packet may have an address of 127.0.0.0/8.
  public let routesLocalnet: Bool?
  /// Whether packets for the broadcast address of a network are forwarded there.
  public let forwardsBroadcasts: Bool
}

extension Host {
  /// The interfaces among which the kernel chooses one for packets to a destination, whose route has several next hops; empty for others.
  public func nextHops(to destination: IPAddress) -> [Interface] {
    guard case .found(let found) = lookup(Flow(to: destination)) else { return [] }
    return found.route.hops.map(\.output)
  }

  /// The settings of an interface; nil if the host has no such interface.
  public func arrivalSettings(of interface: Interface, _ family: Family) -> ArrivalSettings? {
    guard let link = link(interface) else { return nil }
    let isWide = family == .ipv6
    func known(_ value: Bool, _ setting: HostLink.UnknownSettings) -> Bool? { link.unknown.contains(setting) ? nil : value }
    return ArrivalSettings(
      forwards: isWide ? known(link.allForwardIPv6, .forwardsIPv6) : known(link.forwardsIPv4, .forwardsIPv4),
      acceptsLocal: isWide ? true : known(link.acceptsLocal, .acceptsLocal),
      routesLocalnet: isWide ? false : known(link.routesLocalnet, .routesLocalnet),
      forwardsBroadcasts: !isWide && link.forwardsBroadcasts)
  }
}
