import Netfilter
import Wire
import XTables

/// IP input processing: from the wire to PREROUTING, and from PREROUTING to the next hook.
extension Simulator {
  /// Receives a packet. The corresponding kernel functions are `ip_rcv` and `ipv6_rcv`.
  ///
  /// - Parameter isReported: true if the packet gets a report even if nothing happens that needs one.
  func enter(_ journey: inout Journey, on port: Interface, isReported: Bool) {
    guard let link = host.link(port), link.isUp else { return refuse(&journey, without: port.name, isReported: isReported) }
    if link.isBridgePort {
      guard takeFrame(&journey, from: port, isReported: isReported) else { return }
    } else {
      classify(&journey.context.packet, link.hardwareAddress, link.hardwareAddress)
    }
    if isReported { _ = reportIndex(&journey) }
    if let reason = objection(to: &journey.context.packet, journey.context.input ?? port) { return note(.refused(reason), &journey) }
    if let fault = HopByHopOptions.fault(of: journey.context.packet) { return refuse(&journey, fault) }
    travel(&journey)
  }

  /// Refuses a packet because its interface is missing or down.
  func refuse(_ journey: inout Journey, without name: String, isReported: Bool) {
    if isReported { _ = reportIndex(&journey) }
    note(.refused("the host has no interface \(name), or the interface is down"), &journey)
  }

  /// Receives a frame at the port of a bridge: sets the packet type, and passes the frame to the bridge. Returns false if the bridge
  /// has forwarded the frame.
  private func takeFrame(_ journey: inout Journey, from interface: Interface, isReported: Bool) -> Bool {
    guard let port = host.device(interface) else { return true }
    if let need = port.masterNeed { return finishUndecided(&journey, UnknownReason("the path of the packet", needs: need), isReported) }
    let device = port.bridge.flatMap { host.device(named: $0) } ?? port
    classify(&journey.context.packet, port.hardwareAddress, device.hardwareAddress)
    guard device.name != port.name else { return true }
    journey.context.input = device.interface
    guard device.isBridge else { return true }
    // The ports of a bridge that is down are disabled. Kernel: `BR_STATE_DISABLED`.
    guard device.isUp else {
      refuse(&journey, without: device.name, isReported: isReported)
      return false
    }
    if lacksBridgeSysctl(device, journey.context.family) {
      let filter = Self.bridgeSysctl(journey.context.family)
      return finishUndecided(&journey, UnknownReason("the path of the packet", lackingSysctl: filter), isReported)
    }
    if let link = journey.context.packet.link {
      if !asksRules(device, journey.context.family) { learned.bridges.learn(link.source, port.name, of: device.name) }
      if journey.context.packet.type != .host {
        crossBridge(&journey, from: port, over: device, to: link.destination, isReported: isReported)
        return false
      }
    }
    if asksRules(device, journey.context.family) { ascendBridge(&journey, from: port, over: device) }
    return true
  }

  /// Ends a packet whose way from a port is unknown. Returns false.
  private func finishUndecided(_ journey: inout Journey, _ reason: UnknownReason, _ isReported: Bool) -> Bool {
    if isReported { _ = reportIndex(&journey) }
    finish(&journey, .unknown(reason, at: nil))
    return false
  }

  /// Sets the packet type from the link-layer destination. The corresponding kernel function is `eth_type_trans`.
  ///
  /// - Parameters:
  ///   - port: the address of the interface that received the frame.
  ///   - device: the address of its bridge, if it is a port of one.
  private func classify(_ packet: inout Packet, _ port: MACAddress, _ device: MACAddress) {
    guard let link = packet.link else { return }
    if link.destination == .broadcast {
      packet.type = .broadcast
    } else if link.destination.isMulticast {
      packet.type = .multicast
    } else if link.destination == device || link.destination == port {
      packet.type = .host
    } else {
      packet.type = .otherHost
    }
  }

  /// The reason to drop the packet before PREROUTING, or nil. Trims bytes after the end of the packet.
  ///
  /// The corresponding kernel functions are `ip_rcv_core` and `ip6_rcv_core`.
  func objection(to packet: inout Packet, _ input: Interface) -> String? {
    if packet.type == .otherHost { return "the frame is for another host" }
    if let link = packet.link, link.etherType != (packet.family == .ipv6 ? 0x86DD : 0x0800) {
      return "the frame's EtherType is not that of IP"
    }
    if let header = packet.ipv4 {
      guard packet.isChecksumValid(of: header) else { return "the header checksum is wrong" }
      return packet.trim(to: header) ? nil : "the packet is shorter than its length field"
    }
    guard packet.ipv6 != nil, packet.transport != nil else { return "the network header is malformed" }
    if host.link(input)?.speaksIPv6 == false { return "IPv6 is disabled on the interface" }
    guard packet.trim() else { return "the packet is shorter than its length field" }
    guard let source = packet.source, let destination = packet.destination else { return nil }
    if !host.isLoopback(input), source.isLoopback || destination.isLoopback {
      return "the packet has a loopback address but arrived on another interface"
    }
    if source.isMulticast { return "the source is a multicast address" }
    let scope = destination.isMulticast ? destination.bits >> 112 & 0xF : nil
    if scope == 0 || scope == 1 && !host.isLoopback(input) {
      return "the scope of the multicast destination does not allow arrival on this interface"
    }
    return nil
  }

  /// Drops a packet because of its hop-by-hop options. For some faults an ICMP error is sent.
  private func refuse(_ journey: inout Journey, _ fault: HopByHopOptions.Fault) {
    note(.refused("the hop-by-hop options are invalid"), &journey)
    guard case .problem(let code, let offset) = fault else { return }
    answerError(&journey, type: 4, code: code, information: UInt32(offset))
  }

  /// Routes a packet that has passed PREROUTING and moves it to its next hook. Returns false if it ends here.
  ///
  /// The corresponding kernel functions are `ip_rcv_finish` and `ip6_rcv_finish`.
  func routeInput(_ journey: inout Journey) -> Bool {
    guard let input = journey.context.input, let destination = journey.context.packet.destination,
      let source = journey.context.packet.source
    else { return lose(&journey, "the network header is malformed") }
    if journey.ownCopy == .stray { return lose(&journey, "a looped multicast copy is not forwarded") }
    // A packet from the loopback interface keeps the route it was sent with.
    if let route = journey.route, route.type == .local { return approachLocal(&journey) }
    if !journey.context.packet.fragmentLengths.isEmpty, pullsHeader(journey) { journey.context.packet.fragmentLengths = [] }
    // If TPROXY has assigned a socket, no socket is looked up.
    // For a later packet it has assigned the connection's own socket. Kernel: `NF_TPROXY_LOOKUP_ESTABLISHED`.
    let isOpen = !stack.connections.isEmpty
    let isKnown = isOpen && pair(of: journey.context.packet).map { stack.connections[$0] != nil } ?? false
    if journey.context.receiver == nil ? delivery == .stack || isOpen || journey.context.owner != nil : isKnown {
      journey.context.owner = earlyOwner(of: journey.context.packet)
    }
    var flow = Flow(to: destination, from: source, mark: journey.context.mark, input: input)
    flow.note(journey.context, transport: host.questions.rulesAskTransport)
    var decision = journey.context.family == .ipv4 ? host.inputRoute(flow, journey.context.packet) : host.inputRouteIPv6(flow)
    if journey.context.family == .ipv4, journey.context.packet.bytes[0] & 15 > 5 {
      guard let then = readOptions(&journey, decision, flow) else { return false }
      decision = then
    }
    switch decision {
    case .local:
      journey.context.realms = host.realms(ofInput: flow, isForwarded: false)
      return approachLocal(&journey)
    case .forward(let found):
      journey.context.realms = host.realms(ofInput: flow, isForwarded: true)
      journey.route = found.forwarding
      return approachForward(&journey)
    case .lost(let reason): return lose(&journey, reason)
    case .unreachable(let type, let reason):
      answerUnreachable(&journey, type)
      return lose(&journey, reason)
    case .undecided(let sysctl):
      finish(&journey, .unknown(UnknownReason("the path of the packet", lackingSysctl: sysctl), at: nil))
      return false
    case .undecidedMembership:
      finish(&journey, .unknown(host.membershipDoubt("the path of the packet", input, of: destination), at: nil))
      return false
    case .unknown:
      finish(&journey, .unknown(host.needs(flow), at: nil))
      return false
    }
  }

  func lose(_ journey: inout Journey, _ reason: String) -> Bool {
    finish(&journey, .lost(reason))
    return false
  }

  /// Delivers locally; IPv4 fragments are reassembled before INPUT. The corresponding kernel function is `ip_local_deliver`.
  private func approachLocal(_ journey: inout Journey) -> Bool {
    if journey.context.family == .ipv4, journey.context.packet.ipv4?.isFragment == true {
      guard gather(&journey, at: .input) == .accept else {
        finish(&journey, .absorbed(at: nil))
        return false
      }
    }
    approach(.input, &journey, input: journey.context.input, output: nil)
    return true
  }

  /// Answers with an ICMP error for the route's type. The corresponding kernel functions are `ip_error` and `ip6_pkt_drop`.
  func answerUnreachable(_ journey: inout Journey, _ type: AddressType) {
    let code: UInt8
    if journey.context.family == .ipv4 {
      switch type {
      case .unreachable: code = 1
      case .prohibit: code = 13
      default: code = 0
      }
      if let source = journey.context.packet.source, !learned.refusals.tells(source, now: world.now) { return }
    } else {
      code = type == .prohibit ? 1 : 0
    }
    answerError(&journey, type: journey.context.family == .ipv4 ? 3 : 1, code: code)
  }

  /// Sends an ICMP error about a packet that cannot be forwarded.
  func answerError(_ journey: inout Journey, type: UInt8, code: UInt8, information: UInt32 = 0) {
    journey.context.answerICMPError(type: type, code: code, information: information)
    settleEffects(&journey)
  }

  /// True if a packet from this source may leave by another interface than its input. The corresponding kernel function is `ip6_forward`.
  private func hasForwardableSource(_ journey: inout Journey) -> Bool {
    guard case .v6(let source)? = journey.context.packet.source, journey.route?.output != journey.context.input else { return true }
    if source.rawValue == 0 { return lose(&journey, "the source is not the address of a host") }
    guard source.isLinkLocal else { return true }
    answerError(&journey, type: 1, code: 2)
    return lose(&journey, "a link-local source is not forwarded")
  }

  /// The checks between routing and FORWARD: hop limit and size.
  ///
  /// The corresponding kernel functions are `ip_forward` and `ip6_forward`.
  private func approachForward(_ journey: inout Journey) -> Bool {
    let mtu = journey.route?.mtu ?? 0
    guard journey.context.packet.type == .host else { return lose(&journey, "broadcast and multicast frames are not forwarded") }
    guard let ttl = journey.context.packet.ttl, ttl > 1 else {
      answerError(&journey, type: journey.context.family == .ipv4 ? 11 : 3, code: 0)
      return lose(&journey, "the TTL or hop limit has expired")
    }
    if journey.context.family == .ipv6, !hasForwardableSource(&journey) { return false }
    if journey.options?.isStrict == true, journey.route?.gateway != nil {
      answerError(&journey, type: 3, code: 5)
      return lose(&journey, "the next hop of the strict source route is not directly connected")
    }
    if journey.context.family == .ipv4 {
      if journey.context.packet.exceeds(mtu), journey.context.packet.ipv4?.dontFragment == true {
        answerError(&journey, type: 3, code: 4, information: UInt32(clamping: mtu))
        return lose(&journey, "the packet is longer than the MTU of \(mtu) bytes, and DF forbids fragmentation")
      }
    } else {
      let mtu = max(mtu, 1280)
      let largest = Int(journey.context.packet.fragmentMaximumSize)
      if largest > 0 ? largest > mtu : journey.context.packet.exceeds(mtu) {
        answerError(&journey, type: 2, code: 0, information: UInt32(clamping: mtu))
        return lose(&journey, "the packet is longer than the MTU of \(mtu) bytes")
      }
    }
    journey.context.packet.setTTL(ttl - 1)
    if journey.context.input == journey.route?.output { redirect(&journey) }
    if journey.context.family == .ipv4 { journey.context.priority = SocketPriority.of(tos: journey.context.packet.tos ?? 0) }
    approach(.forward, &journey, input: journey.context.input, output: journey.route?.output)
    return true
  }

  /// Moves a packet from FORWARD to POSTROUTING. The corresponding kernel function is `ip_forward_finish`.
  func departForwarded(_ journey: inout Journey) {
    if let options = journey.options { conclude(options, &journey) }
    // `skb->dev` is still the input interface. A bridge names none (`br_nf_post_routing`).
    let input = journey.crossing == nil ? journey.context.input : nil
    approach(.postrouting, &journey, input: input, output: journey.crossing?.bridge ?? journey.route?.output)
  }
}

/// The priority that a forwarded packet gets from its TOS. Kernel: `ip_tos2prio`.
enum SocketPriority {
  static func of(tos: UInt8) -> UInt32 {
    // Best effort, filler, bulk, interactive bulk, interactive. The lowest bit makes no difference.
    let table: InlineArray<16, UInt32> = [0, 1, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4]
    return table[Int(tos >> 1 & 15)]
  }
}
