import Conntrack
import NAT
import Netfilter
import Wire
import XTables

/// The hook operations of connection tracking, NAT and reassembly.
extension Simulator {
  /// Tracks a packet. The corresponding kernel functions are `ipv4_conntrack_in` and `ipv4_conntrack_local`.
  @inline(never)
  func track(_ journey: inout Journey, _ inputs: OperationInputs) -> OperationOutcome {
    guard let table = inputs.rules.conntrack else { return .verdict(.accept) }
    let verdict =
      journey.earlyVerdict
      ?? table.incoming(
        packet: journey.context.packet, attachment: &journey.context.attachment, hook: journey.context.hook,
        packetMark: journey.context.mark, now: inputs.now)
    journey.earlyVerdict = nil
    if journey.context.attachment.isInvalid { noteComputedSum(&journey.context, table) }
    noteDrawnPorts(&journey.context, table)
    if journey.isRecorded { noteTracking(&journey, table) }
    if journey.notesHits { journey.hits.isInvalid = journey.context.attachment.isInvalid }
    return verdict == .drop ? .dropped("connection tracking drops the packet") : .verdict(verdict)
  }

  /// Notes that tracking has computed a checksum, which stays with the packet. For protocols whose checksum may cover a part, it does not.
  private func noteComputedSum(_ context: inout PacketContext, _ table: ConntrackTable) {
    guard table.lastInvalid == .badChecksum, let proto = context.packet.transport?.proto else { return }
    context.hasComputedSum = [.tcp, .udp, .icmp, .icmpv6].contains(proto)
  }

  /// Relays segments between the client and the server of a SYN proxy. The corresponding kernel functions are `ipv4_synproxy_hook` and
  /// `ipv6_synproxy_hook`.
  func synproxy(_ journey: inout Journey, _ rules: LoadedRules) -> OperationOutcome {
    guard let table = rules.conntrack, case .connection(let handle, let info) = journey.context.attachment,
      table.details(of: handle)?.synproxy != nil, journey.context.input.map({ host.isLoopback($0) }) != true,
      journey.context.packet.transport?.proto == .tcp
    else { return .verdict(.accept) }
    let name = journey.context.family == .ipv4 ? "net.ipv4.ip_default_ttl" : "net.ipv6.conf.all.hop_limit"
    guard let proxy = Synproxy(journey.context.packet, ttl: UInt8(clamping: host.sysctls[name] ?? 64)) else {
      return .dropped("the TCP header is truncated")
    }
    return .verdict(
      proxy.relay(&journey.context.packet, handle, info.direction, in: table, now: world.instant) { send($0.packet, $0.attachment) })
  }

  /// Why a packet is dropped whose connection another one has taken the place of.
  static let isNotAdded = "the connection cannot be added to the connection table"

  /// Runs helpers, adjusts sequence numbers and confirms the connection, as the last operation. The corresponding kernel function is `nf_confirm`.
  func confirm(_ journey: inout Journey, _ rules: LoadedRules) -> OperationOutcome {
    guard let table = rules.conntrack else { return .verdict(.accept) }
    if table.isSettled(journey.context.attachment) {
      // At INPUT, what the socket answers may end the connection.
      journey.hasNothingToRelease = journey.context.hook == .postrouting
      return .verdict(.accept)
    }
    let isLoopback = journey.context.output.map { host.isLoopback($0) } ?? false
    let verdict = table.help(
      packet: &journey.context.packet, attachment: journey.context.attachment, isLoopback: isLoopback,
      broadcastMask: broadcastMask(journey), now: world.instant)
    guard verdict == .accept else { return .dropped("a conntrack helper drops the packet") }
    if let missing = table.takeUndecided() { return .unknown(UnknownReason("the connection that the helper expects", needs: missing)) }
    let confirmed = table.confirm(attachment: &journey.context.attachment, now: world.instant)
    return confirmed == .drop ? .dropped(Self.isNotAdded) : .verdict(confirmed)
  }

  /// Notes which ports of a packet NAT has chosen by chance.
  ///
  /// - Parameter manip: the end that was translated; nil before any translation.
  private func noteDrawnPorts(_ context: inout PacketContext, _ table: ConntrackTable, after manip: Manip? = nil) {
    guard case .connection(let handle, let info) = context.attachment, info != .related, info != .relatedReply else { return }
    let drawn = table.drawnPorts(of: handle)
    guard !drawn.isEmpty, context.lacks(.chance) else { return }
    switch (info.direction, manip) {
    case (.original, nil): break
    case (.original, .source?): context.drawnPorts.source = drawn.source
    case (.original, .destination?): context.drawnPorts.destination = drawn.destination
    case (.reply, nil): (context.drawnPorts.source, context.drawnPorts.destination) = (drawn.destination, drawn.source)
    case (.reply, .source?): context.drawnPorts.source = nil
    case (.reply, .destination?): context.drawnPorts.destination = nil
    }
  }

  /// Says which ports of a packet are only one choice of many.
  private func noteChance(_ context: inout PacketContext, since known: DrawnPorts) {
    let drawn = context.drawnPorts
    for (end, range, before) in [("source", drawn.source, known.source), ("destination", drawn.destination, known.destination)] {
      guard let range, before == nil else { continue }
      context.note { _ in
        .note("the kernel chooses the \(end) port by chance, from \(range.lowerBound) to \(range.upperBound): the one here is an example")
      }
    }
  }

  /// The network mask for a broadcast sent by a local process: that of the first address with this broadcast address.
  private func broadcastMask(_ journey: Journey) -> IPv4Address? {
    guard journey.route?.type == .broadcast, journey.context.owner != nil,
      let device = journey.context.output.flatMap({ host.device($0) }), let destination = journey.context.packet.destination,
      let address = device.addresses.first(where: { $0.broadcast == destination })
    else { return nil }
    return IPv4Address.mask(prefixLength: address.prefixLength)
  }

  /// Runs the nat table and translates the packet. The corresponding kernel functions are `nf_nat_ipv4_pre_routing`,
  /// `nf_nat_ipv4_local_in`, `nf_nat_ipv4_local_fn` and `nf_nat_ipv4_out`.
  func translate(_ journey: inout Journey, by rules: LoadedTable, _ all: LoadedRules) -> OperationOutcome {
    guard let table = all.conntrack else {
      if journey.isRecorded { noteUnasked(rules, &journey, isTracking: false) }
      return .verdict(.accept)
    }
    let (attachment, hook) = (journey.context.attachment, journey.context.hook)
    let destination = journey.context.packet.destination
    let output = journey.context.output?.index
    var unusual: OperationOutcome?
    var isAsked = false
    // Move the packet out and back, to avoid a copy.
    var packet = Packet(bytes: [])
    swap(&packet, &journey.context.packet)
    // Rules that run meanwhile draw from the same generator.
    var random = WorldRandom(world: world)
    let verdict = table.translate(
      packet: &packet, attachment: attachment, hook: hook, output: output, random: &random, now: world.instant
    ) { packet in
      swap(&packet, &journey.context.packet)
      defer { swap(&packet, &journey.context.packet) }
      isAsked = true
      let outcome = runTable(rules, &journey)
      if case .verdict(let verdict) = outcome { return verdict }
      unusual = outcome
      return .drop
    }
    swap(&packet, &journey.context.packet)
    let known = journey.context.drawnPorts
    noteDrawnPorts(&journey.context, table, after: Manip(hook))
    if journey.isRecorded { noteChance(&journey.context, since: known) }
    if let unusual { return unusual }
    if !isAsked, journey.isRecorded { noteUnasked(rules, &journey, isTracking: true) }
    if verdict == .accept, journey.context.packet.destination != destination {
      if hook == .prerouting { journey.route = nil }
      if hook == .output, let end = reroute(&journey, otherwise: "there is no route to the translated destination") { return end }
    }
    return .verdict(verdict)
  }
}

/// The world's random numbers as a `RandomNumberGenerator`.
private struct WorldRandom: RandomNumberGenerator {
  let world: World
  mutating func next() -> UInt64 { world.random.next() }
}
