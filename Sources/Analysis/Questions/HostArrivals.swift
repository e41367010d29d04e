import Evaluator
import Wire
import XTables

/// The packets that a host's interfaces let in.
extension HostRoutes {
  /// The packets that are forwarded by the interfaces on which they arrive. IPv4 forwards none with an address of the host as its source.
  func forwarded(_ led: Bounds, in space: inout PacketSpace) -> Bounds {
    let own = family == .ipv4 ? sets(of: .sourceAddress, in: &space) { host.holds($0) || $0.bits == 0 }?[true] ?? .none : .none
    return accepted(led, in: &space) { _, settings, space in
      var refused = Bounds()
      if settings.forwards != true { refused.possible = .all }
      if settings.forwards == false { refused.certain = .all }
      if settings.acceptsLocal != true { refused.possible = space.union(refused.possible, own) }
      if settings.acceptsLocal == false { refused.certain = space.union(refused.certain, own) }
      return refused
    }
  }

  /// The packets that this host takes: a loopback address is no destination on other interfaces. IPv6 asks that before PREROUTING.
  func taken(_ led: Bounds, in space: inout PacketSpace) -> Bounds {
    guard family == .ipv4 else { return led }
    let loopback = space.set(of: .destinationAddress, .range(0x7f00_0000...0x7fff_ffff))
    return accepted(led, in: &space) { device, settings, _ in
      if device.isLoopback || settings.routesLocalnet == true { return Bounds() }
      return Bounds(certain: settings.routesLocalnet == false ? loopback : .none, possible: loopback)
    }
  }

  /// The packets that the interface on which they arrive does not refuse.
  private func accepted(
    _ led: Bounds, in space: inout PacketSpace, but refused: (Host.Device, ArrivalSettings, inout PacketSpace) -> Bounds
  ) -> Bounds {
    var result = Bounds()
    for device in host.devices {
      guard let settings = host.arrivalSettings(of: device.interface, family) else { continue }
      let here = interface(device.name, .inputInterface, &space)
      let refused = refused(device, settings, &space)
      let certain = space.difference(space.intersection(led.certain, here), refused.possible)
      let possible = space.difference(space.intersection(led.possible, here), refused.certain)
      result.certain = space.union(result.certain, certain)
      result.possible = space.union(result.possible, possible)
    }
    return result
  }

  /// What an address is as the source of a packet that arrives.
  private enum Source: Hashable {
    case own
    case loopback
    case unspecified
    case group
    case other
  }

  private func source(_ address: IPAddress) -> Source {
    if address.isLoopback { return .loopback }
    if address.bits == 0 { return .unspecified }
    if address.isMulticast || family == .ipv4 && address.bits == 0xffff_ffff { return .group }
    return host.holds(address) ? .own : .other
  }

  /// The packets that may arrive on an interface of the host. On the loopback interface these are what a process sent, which may name any
  /// source.
  private func arriving(in space: inout PacketSpace) -> PacketSet? {
    guard let sources = sets(of: .sourceAddress, in: &space, { source($0) }),
      let toMany = sets(of: .destinationAddress, in: &space, { isForMany($0) })
    else { return nil }
    let single = space.difference(.all, toMany[true] ?? .none)
    var result = PacketSet.none
    for device in host.devices {
      var packets = interface(device.name, .inputInterface, &space)
      if !device.isLoopback, let settings = host.arrivalSettings(of: device.interface, family) {
        packets = space.difference(packets, sources[.group] ?? .none)
        if settings.routesLocalnet == false {
          // IPv4 asks for that only behind the destination 255.255.255.255.
          let loopback = space.difference(sources[.loopback] ?? .none, space.set(of: .destinationAddress, .range(broadcast...broadcast)))
          packets = space.difference(packets, loopback)
        }
        // A host receives copies of what it sends to many hosts.
        if settings.acceptsLocal == false {
          let own = space.union(sources[.own] ?? .none, sources[.unspecified] ?? .none)
          packets = space.difference(packets, space.intersection(own, single))
        }
        if family == .ipv6 { packets = space.difference(packets, space.set(of: .destinationAddress, .range(1...1))) }
      }
      result = space.union(result, packets)
    }
    return result
  }

  /// 255.255.255.255; no address in IPv6.
  private var broadcast: UInt128 { family == .ipv4 ? 0xffff_ffff : 0 }

  /// Whether an address is that of many hosts, or of none.
  private func isForMany(_ address: IPAddress) -> Bool {
    if address.isMulticast || family == .ipv4 && (address.bits == 0 || address.bits == 0xffff_ffff) { return true }
    return host.route(to: address, from: nil, mark: 0, input: nil, output: nil)?.type == .broadcast
  }

  /// The packets that arrive on an interface of the host; with an origin, from there by the interface that leads back.
  func arriving(from origin: PacketOrigin?, in space: inout PacketSpace) -> PacketSet? {
    guard let origin else { return arriving(in: &space) }
    let usual = host.routes.filter { $0.family == family && $0.prefixLength == 0 && $0.type == .unicast }
    let ways = sets(of: .sourceAddress, in: &space) { address -> Way in
      switch origin {
      case .network: return way(to: address)
      case .outside:
        guard let answer = host.route(to: address, from: nil, mark: 0, input: nil, output: nil) else { return way(to: address) }
        guard answer.type == .unicast else { return .none }
        let isDefault = usual.contains { $0.gateway == answer.gateway && $0.output.map { $0.name } == answer.output.map { $0.name } }
        return isDefault ? way(to: address) : .none
      }
    }
    guard let ways else { return nil }
    var result = PacketSet.none
    for (way, packets) in ways {
      switch way {
      case .out(let name): result = space.union(result, space.intersection(packets, interface(name, .inputInterface, &space)))
      case .oneOf(let names):
        for name in names { result = space.union(result, space.intersection(packets, interface(name, .inputInterface, &space))) }
      case .unknown: result = space.union(result, space.difference(packets, interface("lo", .inputInterface, &space)))
      case .local, .none: break
      }
    }
    if case .network(let address, let length) = origin {
      let width = family == .ipv4 ? 32 : 128
      let free = length >= width ? 0 : length == 0 && width == 128 ? UInt128.max : (1 << UInt128(width - length)) - 1
      result = space.intersection(result, space.set(of: .sourceAddress, .range((address.bits & ~free)...(address.bits | free))))
    }
    return result
  }

  /// The packets for an address of the host, as ordinary ones have it.
  func forOwnAddresses(in space: inout PacketSpace) -> PacketSet {
    sets(of: .destinationAddress, in: &space) { host.holds($0) && !$0.isLoopback }?[true] ?? .none
  }

  /// The interfaces of the host with the packets that arrive on each.
  func arrivals(in space: inout PacketSpace) -> [(device: Host.Device, packets: PacketSet)] {
    host.devices.map { ($0, interface($0.name, .inputInterface, &space)) }
  }

  /// The packets that this host sends to itself: they come in by the loopback interface, and IPv4 takes their source from no one else.
  func fromItself(in space: inout PacketSpace) -> Bounds {
    let loopback = interface("lo", .inputInterface, &space)
    guard family == .ipv4 else { return Bounds(possible: loopback) }
    let own = sets(of: .sourceAddress, in: &space) { host.holds($0) }?[true] ?? .none
    return Bounds(certain: space.intersection(loopback, own), possible: loopback)
  }
}
