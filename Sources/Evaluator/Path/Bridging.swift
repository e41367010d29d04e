import Conntrack
import Netfilter
import Wire
import XTables

/// A bridge's forwarding table: the port behind each learned hardware address. Kernel: `net_bridge_fdb_entry`.
struct BridgeMemory {
  private var ports: [String: [MACAddress: String]] = [:]

  mutating func learn(_ address: MACAddress, _ port: String, of bridge: String) {
    guard !address.isMulticast else { return }
    ports[bridge, default: [:]][address] = port
  }

  func port(of address: MACAddress, on bridge: String) -> String? { ports[bridge]?[address] }
}

/// Frames that a bridge forwards between ports, through the hooks of IP (`br_netfilter`).
extension Simulator {
  /// The ports through which a bridge sends a frame: the port behind which the destination was learned, or all. The port added last comes
  /// first. The corresponding kernel functions are `br_forward` and `br_flood`.
  func ports(of bridge: Host.Device, towards target: MACAddress, notBy port: String? = nil) -> [Host.Device] {
    let known = target.isMulticast ? nil : learned.bridges.port(of: target, on: bridge.name)
    return host.devices.filter { $0.bridge == bridge.name && $0.isUp && $0.name != port && (known == nil || $0.name == known) }.reversed()
  }

  /// Forwards a frame over a bridge: through PREROUTING once, then through FORWARD and POSTROUTING for each output port. A broadcast or
  /// multicast frame is also delivered to this host.
  ///
  /// The corresponding kernel functions are `br_handle_frame_finish` and `br_nf_pre_routing`.
  func crossBridge(_ journey: inout Journey, from port: Host.Device, over bridge: Host.Device, to target: MACAddress, isReported: Bool) {
    let isForAll = journey.context.packet.type != .otherHost
    if !isForAll { journey.context.packet.type = .host }
    let outputs = ports(of: bridge, towards: target, notBy: port.name)
    if isReported { _ = reportIndex(&journey) }
    if let reason = objection(to: &journey.context.packet, bridge.interface) { return note(.refused(reason), &journey) }
    guard asksRules(bridge, journey.context.family) else {
      // A frame may be longer than the MTU by the tag of a virtual network. Kernel: `is_skb_forwardable`.
      let fitting = outputs.filter { journey.context.packet.count <= $0.mtu + 4 }
      for output in fitting { send([journey.context.packet], of: &journey, to: target, by: output) }
      let reason = outputs.isEmpty ? "no other port of \(bridge.name) leads to the destination" : "the packet is longer than the MTU"
      note(fitting.isEmpty ? .lost(reason) : .sent(output: bridge.name), &journey)
      if isForAll { travel(&journey) }
      return
    }
    journey.context.physicalInput = port.interface
    journey.crossing = BridgeCrossing(
      bridge: bridge.interface, outputs: outputs.map(\.interface), isForAll: isForAll, target: target,
      destination: journey.context.packet.destination)
    travel(&journey)
  }

  /// True if bridged packets pass the hooks of IP.
  func asksRules(_ bridge: Host.Device, _ family: Family) -> Bool {
    bridge.calledFamilies.contains(family) || host.sysctls[Self.bridgeSysctl(family)] != 0
  }

  /// True if it is not known whether bridged packets pass the rules.
  func lacksBridgeSysctl(_ bridge: Host.Device, _ family: Family) -> Bool {
    !bridge.calledFamilies.contains(family) && host.missing.contains(.sysctls) && !host.sysctls.states(Self.bridgeSysctl(family))
  }

  static func bridgeSysctl(_ family: Family) -> String { "net.bridge.bridge-nf-call-\(family == .ipv6 ? "ip6" : "ip")tables" }

  /// Prepares a packet for this host that arrived on a port: the bridge has it pass PREROUTING, and may still forward it if its destination is
  /// rewritten there. The corresponding kernel function is `br_nf_pre_routing`.
  func ascendBridge(_ journey: inout Journey, from port: Host.Device, over bridge: Host.Device) {
    journey.context.physicalInput = port.interface
    journey.crossing = BridgeCrossing(
      bridge: bridge.interface, outputs: [], isForAll: true, target: bridge.hardwareAddress, destination: journey.context.packet.destination
    )
  }

  /// Moves a bridged packet from PREROUTING to FORWARD once for each port, and to INPUT. All copies share the packet's connection.
  ///
  /// The corresponding kernel functions are `br_nf_pre_routing_finish`, `br_flood` and `br_pass_frame_up`.
  func approachBridged(_ journey: inout Journey) {
    guard let crossing = journey.crossing else { return }
    // The bridge learns from frames that PREROUTING lets pass. Kernel: `br_handle_frame_finish`.
    if let source = journey.context.packet.link?.source, let port = journey.context.physicalInput {
      learned.bridges.learn(source, host.name(of: port), of: host.name(of: crossing.bridge))
    }
    guard journey.context.packet.destination == crossing.destination else { return followRewriting(&journey, crossing) }
    guard let last = crossing.outputs.last else {
      if crossing.isForAll { return deliverBridged(&journey) }
      _ = lose(&journey, "no other port of \(crossing.bridge.name) leads to the destination")
      return
    }
    var verdict = journey.verdict
    for (number, output) in crossing.outputs.enumerated() {
      var copy = journey
      if number > 0 { copy.report = open(.host, copy.context.packet, copy.context.family, mark: copy.context.mark) }
      // Only the first copy keeps the bridge port as its input.
      if number > 0 { copy.lingeringInput = crossing.bridge }
      copy.borrowsConnection = crossing.isForAll || output != last
      copy.crossing?.output = output
      copy.context.physicalOutput = output
      approach(.forward, &copy, input: crossing.bridge, output: crossing.bridge)
      travel(&copy)
      if number == 0 { verdict = copy.verdict }
    }
    if crossing.isForAll {
      journey.report = open(.host, journey.context.packet, journey.context.family, mark: journey.context.mark)
      journey.lingeringInput = crossing.bridge
      deliverBridged(&journey)
    }
    // The verdict of the packet is that of its first copy.
    journey.verdict = verdict
  }

  /// Routes a bridged packet whose destination was rewritten at PREROUTING. If the route leads over the same bridge, the bridge forwards the
  /// frame to the next hop, with the TTL unchanged; otherwise this host receives it.
  ///
  /// The corresponding kernel functions are `br_nf_pre_routing_finish`, `br_nf_pre_routing_finish_ipv6` and
  /// `br_nf_pre_routing_finish_bridge`.
  private func followRewriting(_ journey: inout Journey, _ crossing: BridgeCrossing) {
    guard let destination = journey.context.packet.destination, let source = journey.context.packet.source else { return }
    var flow = Flow(to: destination, from: source, mark: journey.context.mark, input: crossing.bridge)
    flow.note(journey.context, transport: host.questions.rulesAskTransport)
    let decision =
      journey.context.family == .ipv4 ? host.inputRoute(flow, journey.context.packet) : host.inputRouteIPv6(flow, isBridged: true)
    if journey.context.family == .ipv6, case .unreachable(_, let reason) = decision {
      _ = lose(&journey, reason)
      return
    }
    guard case .forward(let found) = decision, let route = found.forwarding, route.output == crossing.bridge,
      let link = host.link(crossing.bridge), let bridge = host.device(crossing.bridge)
    else {
      journey.context.packet.type = .host
      return deliverBridged(&journey)
    }
    let hop = route.gateway ?? destination
    guard let target = host.hardwareAddress(of: hop, on: crossing.bridge, link) else {
      _ = waitForNeighbour(&journey, hop, crossing.bridge)
      return
    }
    let outputs = ports(of: bridge, towards: target, notBy: journey.context.physicalInput.map { host.name(of: $0) })
    journey.crossing = BridgeCrossing(
      bridge: crossing.bridge, outputs: outputs.map(\.interface), isForAll: false, target: target, destination: destination)
    approachBridged(&journey)
  }

  /// Delivers the host's own copy without a second pass through PREROUTING. The connection of a frame to many hosts is confirmed before,
  /// without event and helper.
  ///
  /// The corresponding kernel functions are `br_nf_local_in` and `ip_sabotage_in`.
  private func deliverBridged(_ journey: inout Journey) {
    journey.crossing = nil
    if journey.context.packet.type != .host, let table = world.conntrack,
      table.enlist(attachment: &journey.context.attachment, now: world.instant) != .accept
    {
      _ = lose(&journey, "the connection cannot be added to the connection table")
      return
    }
    if routeInput(&journey) { travel(&journey) }
  }

  /// The bridge port that a packet arrived on, if a bridge has noted it. Kernel: `nf_bridge_info_get`.
  func notedPort(_ context: borrowing PacketContext) -> Interface? {
    guard let port = context.physicalInput, let master = host.device(port)?.bridge, host.device(named: master)?.isBridge == true
    else { return nil }
    return port
  }

  /// Moves a copy of a packet that a bridge forwards from the loopback interface past PREROUTING, which the packet has passed. Returns false if
  /// it ends here.
  ///
  /// The corresponding kernel function is `ip_sabotage_in`.
  func passOverPrerouting(_ journey: inout Journey) -> Bool {
    journey.context.physicalOutput = nil
    return routeInput(&journey)
  }

  /// Passes a copy of a bridged packet through POSTROUTING again for each port by which the bridge sends it: the copy carries what the bridge
  /// noted of the packet. Returns false if none of them leaves.
  ///
  /// The corresponding kernel function is `br_nf_post_routing`.
  func crossAgain(_ journey: inout Journey, _ pieces: [Packet], over bridge: Host.Device, to target: MACAddress) -> Bool {
    let leftBefore = event.report.departures.count
    for piece in pieces {
      for port in ports(of: bridge, towards: target) {
        var copy = journey
        copy.context.packet = piece
        copy.report = open(.host, piece, copy.context.family, mark: copy.context.mark)
        copy.lingeringInput = nil
        copy.crossing = BridgeCrossing(
          bridge: bridge.interface, outputs: [], isForAll: false, target: target, destination: piece.destination, output: port.interface)
        approach(.postrouting, &copy, input: nil, output: bridge.interface)
        travel(&copy)
      }
    }
    return event.report.departures.count > leftBefore || lose(&journey, "no port of \(bridge.name) sends it")
  }

  /// Sends a reset for a packet that arrived by a bridge port back through this port, to the hardware address that the packet came from. It
  /// passes no hook.
  ///
  /// The corresponding kernel functions are `nf_send_reset` and `nf_send_reset6`.
  func sendReset(_ pending: PendingPacket, to destination: IPAddress, _ family: Family, by port: Interface, _ target: MACAddress) {
    let flow = Flow(to: destination, from: pending.packet.source, mark: pending.mark)
    let found = host.outputRoute(flow)
    var packet = pending.packet
    packet.setTTL(world.hopLimit(family, through: found?.output))
    let index = open(pending.origin, packet, family, mark: pending.mark)
    guard let route = found else {
      event.report.packets[index].verdict = .unknown(host.needs(flow), at: nil)
      return
    }
    guard route.output != nil else {
      event.report.packets[index].verdict = .lost("there is no route")
      return
    }
    event.report.packets[index].verdict = .sent(output: host.name(of: port))
    event.report.departures.append(
      Departure(interface: host.name(of: port), destination: target, packet: packet, report: index))
  }

  /// Sends a bridged packet: a reassembled one, and over IPv4 one that is longer than the port's MTU, in fragments. The corresponding kernel
  /// functions are `br_nf_dev_queue_xmit` and `br_dev_queue_push_xmit`.
  func transmitBridged(_ journey: inout Journey) {
    guard let crossing = journey.crossing else { return }
    if let port = crossing.output.flatMap({ host.device($0) }) {
      let packet = journey.context.packet
      guard let pieces = packet.family == .ipv4 ? packet.fragments(mtu: port.mtu) : [packet] else {
        _ = lose(&journey, "the packet is longer than the MTU of \(port.mtu) bytes, and DF forbids fragmentation")
        return
      }
      send(pieces, of: &journey, to: crossing.target, by: port)
    }
    finish(&journey, .sent(output: crossing.bridge.name))
  }

  private func send(_ pieces: [Packet], of journey: inout Journey, to target: MACAddress, by port: Host.Device) {
    let index = reportIndex(&journey)
    for piece in pieces {
      event.report.departures.append(Departure(interface: port.name, destination: target, packet: piece, report: index))
    }
  }
}

/// The state of a packet that crosses a bridge.
struct BridgeCrossing {
  let bridge: Interface
  /// The output ports.
  let outputs: [Interface]
  /// True if this host gets a copy too.
  let isForAll: Bool
  /// The frame's destination address; forwarding does not change it.
  let target: MACAddress
  /// The packet's destination at arrival.
  let destination: IPAddress?
  /// The output port of this copy.
  var output: Interface?
}
