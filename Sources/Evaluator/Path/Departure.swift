import Conntrack
import Diagnostics
import Netfilter
import Wire
public import XTables

/// The process that sends a packet, and its socket options.
public struct LocalSender: Sendable {
  /// What matches can read from the socket.
  public var facts: SocketFacts
  /// `SO_BINDTODEVICE`.
  public var device: String?
  /// `SO_PRIORITY`: the initial value of `skb->priority`.
  public var priority: UInt32
  /// `SO_BROADCAST`.
  public var mayBroadcast: Bool
  /// True for a raw socket that supplies the network header (`IP_HDRINCL`): the kernel fills in its identification, and refuses what is longer
  /// than the MTU. False for packets that the kernel made, which stay as they are.
  public var hasOwnHeader = true

  /// Creates a sender; by default, a socket without options.
  public init(facts: SocketFacts = SocketFacts(), device: String? = nil, priority: UInt32 = 0, mayBroadcast: Bool = false) {
    self.facts = facts
    self.mayBroadcast = mayBroadcast
    self.device = device
    self.priority = priority
  }
}

/// IP output processing: packets of this host, and packets that have passed the last hook.
extension Simulator {
  /// Sends a packet as a raw socket with `IP_HDRINCL` does. Returns the error that the process gets.
  ///
  /// The corresponding kernel functions are `raw_sendmsg` and `rawv6_sendmsg`.
  func emit(_ packet: Packet, by sender: LocalSender, origin: PacketReport.Origin) -> SendError? {
    var packet = packet
    packet.type = .outgoing
    packet.link = nil
    let family = packet.family ?? .ipv4
    let index = open(origin, packet, family, mark: sender.facts.mark)
    guard let destination = packet.destination, packet.transport != nil else {
      event.report.packets[index].verdict = .refused("the network header is malformed")
      return .invalid
    }
    if let name = sender.device, host.interface(named: name) == nil {
      event.report.packets[index].verdict = .refused("the host has no interface \(name)")
      return .noSuchDevice
    }
    var flow = flow(to: destination.ofSocket, by: sender.facts, device: sender.device)
    if !sender.hasOwnHeader {
      flow.source = packet.source
      flow.note(packet, transport: true)
    }
    guard let route = host.outputRoute(flow) else {
      event.report.packets[index].verdict = .unknown(host.needs(flow), at: nil)
      return nil
    }
    guard let output = route.output else {
      event.report.packets[index].verdict = .refused("there is no route")
      return routeError(flow)
    }
    if family == .ipv6, route.preferredSource == nil {
      event.report.packets[index].verdict = .refused("the host has no address to send from")
      return .addressNotAvailable
    }
    if route.type == .broadcast, !sender.mayBroadcast {
      event.report.packets[index].verdict = .refused("the socket may not send to broadcast addresses (SO_BROADCAST)")
      return .accessDenied
    }
    if packet.count > route.mtu, sender.hasOwnHeader {
      event.report.packets[index].verdict = .refused("the packet is longer than the MTU of \(route.mtu) bytes")
      return .messageTooLong
    }
    if sender.hasOwnHeader { complete(&packet, route) }
    var context = PacketContext(packet: packet, family: family, hook: .output, output: output, world: world)
    context.mark = sender.facts.mark
    context.priority = sender.priority
    context.owner = sender.facts
    if !sender.hasOwnHeader { context.checksum = checksumOfSocket(packet) }
    context.realms = host.realms(ofOutput: flow)
    var journey = Journey(context: context, report: index, isRecorded: recordsTrace)
    journey.route = route
    journey.socket = SendingSocket(device: flow.output, user: flow.user)
    journey.isInProcess = true
    travel(&journey)
    if isDroppedInCall(journey, index) { return journey.sendError ?? .notPermitted }
    return journey.isRefusedByReassembly ? .notPermitted : nil
  }

  /// True if a rule has dropped a packet while its sender waits for the result: not after the loopback interface or a queue.
  private func isDroppedInCall(_ journey: borrowing Journey, _ index: Int) -> Bool {
    guard case .dropped(let hook, _, _) = event.report.packets[index].verdict, journey.rounds == 0, !journey.isQueued else { return false }
    return hook == .output || hook == .postrouting
  }

  /// How much of the checksum the kernel computes for a socket. TCP leaves it to the device always, UDP only to one that can compute it.
  ///
  /// The corresponding kernel functions are `__tcp_transmit_skb` and `__ip_append_data`.
  private func checksumOfSocket(_ packet: Packet) -> ChecksumState {
    switch packet.transport?.proto {
    case .tcp: .started
    case .udp: .either
    default: .complete
    }
  }

  /// The error that a process gets if there is no route.
  func routeError(_ flow: Flow) -> SendError {
    let type: AddressType
    switch host.lookup(flow) {
    case .found(let found) where found.route.output.map { host.isMartian(source: flow.source, on: $0) } == true: return .invalid
    case .error(let found): type = found
    case .barred(let action): type = action.addressType
    default: return .networkUnreachable
    }
    return switch type {
    case .unreachable: .hostUnreachable
    case .prohibit: .accessDenied
    case .blackhole: .invalid
    default: .networkUnreachable
    }
  }

  /// Fills in the fields of a raw IPv4 header that the kernel sets. The corresponding kernel function is `raw_send_hdrinc`.
  private func complete(_ packet: inout Packet, _ route: RouteAnswer) {
    guard packet.family == .ipv4, let header = packet.ipv4 else { return }
    if header.source == .any, let source = route.preferredSource { packet.setNetworkAddress(source, of: .source) }
    if header.identification == 0 {
      packet.bytes.setUInt16(UInt16(truncatingIfNeeded: world.random.next()) | 1, at: IPv4Header.Offset.identification)
    }
    packet.bytes.setUInt16(UInt16(clamping: packet.count), at: IPv4Header.Offset.totalLength)
    packet.updateHeaderChecksum()
  }

  /// Sends an answer made by a target, before the answered packet goes on.
  func reply(_ packet: Packet, _ attachment: Attachment, from journey: Journey) {
    guard event.depth < 8, let destination = packet.destination, let family = packet.family else { return }
    // The kernel's ICMP socket has no owner; a reset by REJECT has no socket at all.
    let isError = packet.icmp != nil || packet.icmpv6 != nil
    // The socket is locked while it sends. Kernel: `icmp_xmit_lock`.
    if isError, event.isICMPSocketBusy { return }
    let owner = isError ? SocketFacts.kernel : nil
    var pending = PendingPacket(packet: packet, owner: owner, mark: host.reflects(journey.context.mark, family))
    // Over IPv6 it is sent in the name of the refused packet's socket. Kernel: `nf_send_reset6`.
    if !isError, family == .ipv6, journey.context.hook == .output { pending.socket = journey.socket }
    // Kernel: `nf_reject_ip_tcphdr_put`, `nf_reject_ip6_tcphdr_put`.
    if !isError, family == .ipv4 { pending.checksum = .started }
    if !isError, let port = notedPort(journey.context), let link = journey.context.packet.link {
      return sendReset(pending, to: destination, family, by: port, link.source)
    }
    // A link-local destination is on the link that the packet came from.
    if isError, case .v6(let address) = destination, address.isLinkLocal { pending.device = journey.context.input?.name }
    answer(pending, to: destination, family, attachment: attachment)
  }

  /// Sends a segment made by a SYN proxy. The corresponding kernel function is `synproxy_send_tcp`.
  func send(_ packet: Packet, _ attachment: Attachment) {
    guard event.depth < 8, let destination = packet.destination, let family = packet.family else { return }
    answer(PendingPacket(packet: packet, keepsHopLimit: true, checksum: .started), to: destination, family, attachment: attachment)
  }

  /// Sends a packet made by the kernel through OUTPUT. Returns false if it could not be sent, and its sender knows it.
  @discardableResult
  func answer(_ pending: PendingPacket, to destination: IPAddress, _ family: Family, attachment: Attachment = .none) -> Bool {
    let wasBusy = event.isICMPSocketBusy
    event.isICMPSocketBusy = wasBusy || pending.packet.icmp != nil || pending.packet.icmpv6 != nil
    event.depth += 1
    defer {
      event.depth -= 1
      event.isICMPSocketBusy = wasBusy
    }
    var packet = pending.packet
    packet.type = .outgoing
    packet.link = nil
    let bound = pending.device.flatMap { host.interface(named: $0) }
    var flow = Flow(to: destination, from: packet.source, mark: pending.mark, output: bound)
    if let owner = pending.owner { flow.user = owner.knownUser }
    flow.note(packet, transport: host.questions.rulesAskTransport)
    let found = host.outputRoute(flow)
    if !pending.keepsHopLimit { packet.setTTL(world.hopLimit(family, through: found?.output)) }
    let index = open(pending.origin, packet, family, mark: pending.mark)
    guard let route = found else {
      event.report.packets[index].verdict = .unknown(host.needs(flow), at: nil)
      return true
    }
    guard let output = route.output else {
      event.report.packets[index].verdict = .lost("there is no route")
      return false
    }
    var context = PacketContext(packet: packet, family: family, hook: .output, output: output, attachment: attachment, world: world)
    context.owner = pending.owner
    context.mark = pending.mark
    context.checksum = pending.checksum
    context.realms = host.realms(ofOutput: flow)
    var journey = Journey(context: context, report: index, isRecorded: recordsTrace)
    journey.route = route
    journey.socket = pending.socket
    journey.hidesOwner = pending.hidesOwner
    journey.borrowsConnection = attachment.connection != nil
    travel(&journey)
    return !isDroppedInCall(journey, index)
  }

  /// Sends an untracked copy made by TEE to a gateway. The corresponding kernel functions are `nf_dup_ipv4` and `nf_dup_ipv6`.
  func duplicate(_ packet: Packet, _ gateway: IPAddress, _ output: Interface?, of journey: Journey) {
    guard !event.isDuplicating else { return }
    event.isDuplicating = true
    defer { event.isDuplicating = false }
    var packet = packet
    // Changed options leave the checksum outdated; `ip_local_out` recomputes it.
    packet.updateHeaderChecksum()
    let index = open(.host, packet, journey.context.family, mark: journey.context.mark)
    let flow = Flow(to: gateway, output: output)
    guard let route = host.outputRoute(flow), let device = route.output else {
      event.report.packets[index].verdict = .lost("there is no route to \(gateway)")
      return
    }
    var context = PacketContext(
      packet: packet, family: journey.context.family, hook: .output, output: device, attachment: .untracked, world: world)
    context.mark = journey.context.mark
    context.checksum = journey.context.checksum
    context.realms = host.realms(ofOutput: flow)
    context.arrival = journey.context.arrival ?? journey.context.input
    // A packet loses its sum before FORWARD. Kernel: `skb_forward_csum`.
    let isReceived = journey.context.hook == .prerouting || journey.context.hook == .input
    context.hasComputedSum = journey.context.hasComputedSum && isReceived
    // Kernel: `SKB_EXT_BRIDGE_NF`, which copies inherit.
    context.physicalInput = notedPort(journey.context)
    context.physicalOutput = journey.context.physicalOutput
    var copy = Journey(context: context, report: index, isRecorded: recordsTrace)
    copy.route = route
    copy.isCopy = true
    copy.nextHop = gateway
    // A copy for this host is received and copied again.
    copy.rounds = journey.rounds
    copy.lingeringInput = device
    let waiting = event.postponed.count
    travel(&copy)
    // A packet may meet the target without limit, so reports of copies are dropped. Postponed packets still refer to their reports.
    if index >= Limits.packetsOfReport, event.postponed.count == waiting { forgetReports(from: index) }
  }

  private func forgetReports(from index: Int) {
    event.report.packets.removeSubrange(index...)
    while let last = event.report.departures.last, last.report >= index { event.report.departures.removeLast() }
    event.report.omittedCopies += 1
  }

  /// Routes a packet of this host again after its addresses, mark or TOS have changed. Returns what ends the packet; nil if it goes on.
  ///
  /// The corresponding kernel functions are `ip_route_me_harder` and `ip6_route_me_harder`.
  ///
  /// - Parameter failure: the reason for which it is dropped if there is no route.
  func reroute(_ journey: inout Journey, otherwise failure: String) -> OperationOutcome? {
    guard let destination = journey.context.packet.destination else { return .dropped(failure) }
    var flow = Flow(to: destination, from: journey.context.packet.source, mark: journey.context.mark, output: journey.socket.device)
    flow.note(journey.context, transport: host.questions.rulesAskTransport)
    if case .v6(let address) = destination {
      flow.user = journey.socket.user
      // What has a meaning on one link only stays there.
      if flow.output == nil, address.isMulticast || address.isLinkLocal { flow.output = journey.route?.output }
    } else if let source = flow.source, let type = host.addressType(source, on: nil), type != .local, type != .unicast {
      flow.source = nil
    }
    guard let route = host.outputRoute(flow) else { return .unknown(host.needs(flow)) }
    guard route.output != nil else {
      journey.sendError = routeError(flow)
      return .dropped(failure)
    }
    journey.route = route
    journey.nextHop = nil
    journey.context.reroutedOutput = route.output
    journey.context.realms = host.realms(ofOutput: flow)
    return nil
  }

  /// Moves a packet from OUTPUT to POSTROUTING, with its current route's interface. The corresponding kernel function is `dst_output`.
  func departLocal(_ journey: inout Journey) -> Bool {
    guard let route = journey.route, let output = route.output else { return lose(&journey, "there is no route") }
    // Kernel: `ip6_pkt_discard_out`.
    if route.type == .unreachable {
      answerUnreachable(&journey, .unspecified)
      return lose(&journey, Host.loopRefusal)
    }
    if hearsFirst(&journey, on: output) {
      journey.ownCopy = .before
      journey.sender = journey.context.owner
      journey.context.owner = nil
    }
    approach(.postrouting, &journey, input: journey.lingeringInput, output: output)
    return true
  }

  private static let staysHere = "the scope of the multicast destination is this host"

  /// Passes a packet to its interface. Returns true if the loopback interface returns it to PREROUTING.
  ///
  /// The corresponding kernel functions are `ip_finish_output` and `ip6_finish_output`.
  func transmit(_ journey: inout Journey) -> Bool {
    guard let output = journey.context.output, let link = host.link(output) else {
      return lose(&journey, "the outgoing interface does not exist")
    }
    if link.isLoopback { return loop(&journey, output) }
    switch journey.ownCopy {
    case .before: return hearFirst(&journey, output)
    case .heard:
      hear(journey, output)
      if journey.context.packet.staysOnItsInterface { return lose(&journey, Self.staysHere) }
      finish(&journey, .sent(output: host.name(of: output)))
      return false
    case .none, .stray: break
    }
    guard let destination = journey.context.packet.destination else { return lose(&journey, "the network header is malformed") }
    // The corresponding kernel function is `ip6_finish_output2`.
    if journey.context.packet.staysOnItsInterface {
      hearIfMember(journey, output)
      return lose(&journey, Self.staysHere)
    }
    let hop = journey.nextHop ?? journey.route?.gateway ?? destination
    guard let address = host.hardwareAddress(of: hop, on: output, link) else { return waitForNeighbour(&journey, hop, output) }
    let mtu = journey.route?.mtu ?? link.mtu
    // In the other states, the packet has its checksum.
    if journey.context.checksum == .startedElsewhere { journey.context.completeChecksum() }
    if journey.report == Journey.unreported, !link.isBridge, journey.context.packet.leavesWhole(mtu: mtu) {
      journey.frameDestination = address
      if journey.notesHits { journey.hits.leftFirst = event.report.departures.isEmpty }
    } else {
      guard depart(&journey, output, to: address, mtu: mtu) else { return false }
    }
    // Asked before the call, which copies the journey.
    if journey.context.family == .ipv6 { hearIfMember(journey, output) }
    finish(&journey, .sent(output: host.name(of: output)))
    return false
  }

  /// Reports the frames that leave: fragments if the packet is too large, and one frame for each port of a bridge. Returns false if it cannot
  /// leave.
  private func depart(_ journey: inout Journey, _ output: Interface, to address: MACAddress, mtu: Int) -> Bool {
    // An error about a copy does not come from the interface that the copy leaves by.
    if journey.isCopy { journey.context.input = nil }
    // IPv6 fragments only packets that arrived as fragments. Kernel: `ip6_fragment` without `ignore_df`.
    if journey.isCopy, journey.context.family == .ipv6, journey.context.packet.exceeds(mtu),
      journey.context.packet.fragmentMaximumSize == 0
    {
      answerError(&journey, type: 2, code: 0, information: UInt32(clamping: mtu))
      return lose(&journey, "the packet is longer than the MTU of \(mtu) bytes")
    }
    let isCut = journey.context.packet.exceeds(mtu) || journey.context.packet.fragmentMaximumSize != 0
    let identification = UInt32(truncatingIfNeeded: isCut ? world.random.next() : 1)
    guard let pieces = journey.context.packet.fragments(mtu: mtu, identification: identification) else {
      answerError(&journey, type: 3, code: 4, information: UInt32(clamping: mtu))
      return lose(&journey, "the packet is longer than the MTU, and DF forbids fragmentation")
    }
    if journey.context.physicalOutput != nil, let bridge = host.device(output), bridge.isBridge {
      return crossAgain(&journey, pieces, over: bridge, to: address)
    }
    let index = reportIndex(&journey)
    let ports = ports(of: output, towards: address)
    guard !ports.isEmpty else { return lose(&journey, "the bridge \(host.name(of: output)) has no port to send it through") }
    for port in ports {
      for piece in pieces {
        event.report.departures.append(Departure(interface: port, destination: address, packet: piece, report: index))
      }
    }
    return true
  }

  /// How often a packet and its copies may pass the loopback interface. A hop limit lets them pass as often as it can count.
  private static let mostRounds = 256

  /// Loops a packet back. It keeps its connection and mark, but not its socket. The corresponding kernel function is `loopback_xmit`.
  private func loop(_ journey: inout Journey, _ output: Interface) -> Bool {
    journey.rounds += 1
    guard journey.rounds <= Self.mostRounds else {
      let reason = UnknownReason("the verdict", needs: "a limit: the packet passes the loopback interface without end")
      finish(&journey, .unknown(reason, at: nil))
      return false
    }
    // The corresponding kernel function is `ip6_rcv_core`.
    if case .v6(let source)? = journey.context.packet.source, source.isMulticast {
      return lose(&journey, "the source is not the address of a host")
    }
    journey.context.owner = nil
    journey.context.packet.type = .host
    // The header of the frame that brought the original of a copy. A bridge's copies keep it.
    if journey.context.physicalInput == nil { journey.context.packet.link = nil }
    journey.lingeringInput = nil
    journey.isInProcess = false
    approach(.prerouting, &journey, input: output, output: nil)
    if journey.context.physicalOutput != nil, !passOverPrerouting(&journey) { return false }
    guard isWithinAnother else { return true }
    // The packet is received after the sender has finished. Kernel: `netif_rx`.
    event.postponed.append(.looped(journey))
    return false
  }

  /// The interfaces through which a frame leaves: the ports of a bridge, otherwise the interface itself.
  private func ports(of output: Interface, towards address: MACAddress) -> [String] {
    guard host.link(output)?.isBridge == true, let bridge = host.device(output) else { return [host.name(of: output)] }
    return ports(of: bridge, towards: address).map(\.name)
  }
}
