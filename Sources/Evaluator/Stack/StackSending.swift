import Conntrack
public import Wire
import XTables

/// Sending through ordinary sockets: the kernel builds the headers.
extension Simulator {
  /// Opens a socket, binds it to the packet's source, and sends the payload: a datagram, the SYN of a connection, or an echo request.
  ///
  /// - Parameter name: if given, the socket stays open under this name.
  public func sendThroughSocket(_ packet: Packet, by sender: LocalSender, named name: String? = nil) -> PathReport {
    reported {
      guard let at = packet.transport, let destination = packet.destination?.ofSocket else {
        event.report.error = .invalid
        return
      }
      guard let source = boundSource(of: packet, to: destination, sender) else {
        // The socket is open though nothing was sent.
        if at.proto == .udp, let name, let own = packet.source, let port = packet.udp?.sourcePort {
          stack.datagrams[name] = StackDatagramSocket(order: stack.nextOrder(), local: SocketEvent.End(own, port), sender: sender)
        } else if at.proto == .tcp, let name, event.report.error != .addressNotAvailable {
          stack.broken.insert(name)
        }
        return
      }
      switch at.proto {
      case .udp: sendDatagram(packet, at, from: source, to: destination, sender, name)
      case .tcp: connect(packet, from: source, to: destination, sender, name)
      case .icmp, .icmpv6: sendEcho(packet, at, from: source, to: destination, sender)
      default: event.report.error = .protocolError
      }
    }
  }

  /// The source address of a socket. Sets the error if binding or routing fails.
  private func boundSource(of packet: Packet, to destination: IPAddress, _ sender: LocalSender) -> IPAddress? {
    let flow = flow(of: packet, to: destination, from: packet.source.flatMap { $0.bits == 0 ? nil : $0 }, by: sender)
    let route = host.outputRoute(flow)
    guard let route, route.output != nil else {
      event.report.error = route == nil ? nil : routeError(flow)
      let index = open(.own, packet, destination.family, mark: 0)
      event.report.packets[index].verdict =
        route == nil
        ? .unknown(host.needs(flow), at: nil) : .refused("there is no route")
      return nil
    }
    if let source = packet.source, source.bits != 0 {
      guard host.holds(source) || source.isLoopback || sender.facts.isTransparent else {
        event.report.error = .addressNotAvailable
        let index = open(.own, packet, destination.family, mark: 0)
        event.report.packets[index].verdict = .refused("\(source) is not an address of this host")
        return nil
      }
      return source
    }
    if route.preferredSource == nil, destination.family == .ipv6 {
      event.report.error = .addressNotAvailable
      let index = open(.own, packet, destination.family, mark: 0)
      event.report.packets[index].verdict = .refused("the host has no address to send from")
    }
    return route.preferredSource
  }

  /// The key by which a socket looks for its route. The corresponding kernel functions are `flowi4_init_output` and
  /// `ip6_datagram_flow_key_init`.
  func flow(to destination: IPAddress, from source: IPAddress? = nil, by facts: SocketFacts, device: String?) -> Flow {
    var flow = Flow(to: destination, from: source, mark: facts.mark, output: device.flatMap { host.interface(named: $0) })
    flow.user = facts.knownUser
    return flow
  }

  /// The key by which a socket looks for the route of a packet that it is about to send.
  private func flow(of packet: Packet, to destination: IPAddress, from source: IPAddress?, by sender: LocalSender) -> Flow {
    var flow = flow(to: destination, from: source, by: sender.facts, device: sender.device)
    flow.note(packet, transport: true)
    flow.tos = 0
    return flow
  }

  private func sendDatagram(
    _ packet: Packet, _ at: TransportLocator, from source: IPAddress, to destination: IPAddress, _ sender: LocalSender, _ name: String?
  ) {
    var fields = PacketFields(source, destination, proto: .udp)
    let port = packet.udp?.sourcePort ?? 0
    fields.sourcePort = port == 0 ? ephemeralPort() : port
    fields.destinationPort = packet.udp?.destinationPort ?? 0
    fields.payload = Array(packet.bytes.slice(at: at.offset + UDPHeader.length))
    fields.identification = UInt32(freshIdentification())
    fields.dontFragment = true
    if let name {
      stack.datagrams[name] = StackDatagramSocket(
        order: stack.nextOrder(), local: SocketEvent.End(source, fields.sourcePort), sender: sender)
    }
    dispatch(fields, sender)
  }

  private func connect(
    _ packet: Packet, from source: IPAddress, to destination: IPAddress, _ sender: LocalSender, _ name: String?
  ) {
    let port = packet.tcp?.sourcePort ?? 0
    let pair = SocketPair(
      local: SocketEvent.End(source, port == 0 ? ephemeralPort() : port),
      remote: SocketEvent.End(destination, packet.tcp?.destinationPort ?? 0))
    let route = host.outputRoute(flow(of: packet, to: destination, from: source, by: sender))
    let segment = largestSegment(route, source.family)
    let scale: UInt8 = host.sysctls["net.ipv4.tcp_window_scaling"] != 0 ? Self.windowScale : 0
    let connection = StackConnection(
      name: name ?? "", order: stack.nextOrder(), state: .synSent, facts: sender.facts, device: sender.device,
      initialSequence: initialSequence(), window: initialWindow(segment), windowScale: scale, ownSegment: segment)
    var fields = fields(pair, connection, .syn)
    fields.sequence = connection.initialSequence
    fields.window = UInt16(clamping: connection.window)
    fields.tcpOptions = options(segment, sack: true, scale: scale)
    stack.connections[pair] = connection
    event.opening = pair
    dispatch(fields, sender)
    // A lost SYN is not reported at once.
    event.report.error = nil
    // A socket without a name is closed after the step, which ends its connection.
    if name == nil { stack.connections[pair] = nil }
  }

  private func sendEcho(
    _ packet: Packet, _ at: TransportLocator, from source: IPAddress, to destination: IPAddress, _ sender: LocalSender
  ) {
    var fields = PacketFields(source, destination, proto: at.proto)
    fields.identification = UInt32(freshIdentification())
    fields.dontFragment = true
    // A ping socket's port is the ICMP identifier.
    fields.icmpIdentifier = ephemeralPort()
    fields.icmpSequence = (packet.icmp ?? packet.icmpv6)?.sequence ?? 1
    fields.payload = Array(packet.bytes.slice(at: at.offset + ICMPHeader.length))
    dispatch(fields, sender)
    // `ping_v6_sendmsg` ignores the result.
    if at.proto == .icmpv6, event.report.error == .notPermitted { event.report.error = nil }
  }

  private func dispatch(_ fields: PacketFields, _ sender: LocalSender) {
    // Kernel: `udp_sendmsg`, `udpv6_sendmsg`.
    guard fields.proto != .udp || fields.destinationPort != 0 else {
      event.report.error = .invalid
      return
    }
    var fields = fields
    var flow = flow(to: fields.destination, from: fields.source, by: sender.facts, device: sender.device)
    (flow.proto, flow.sourcePort, flow.destinationPort) = (fields.proto, fields.sourcePort, fields.destinationPort)
    let route = host.outputRoute(flow)
    // Multicast from sockets has TTL 1 by default.
    fields.ttl = fields.destination.isMulticast ? 1 : world.hopLimit(fields.destination.family, through: route?.output)
    let headers = fields.source.family == .ipv4 ? IPv4Header.minimumLength : IPv6Header.length
    // A packet that does not fit is fragmented, which the flag would prevent.
    if headers + UDPHeader.length + fields.payload.count > route?.mtu ?? 1500 { fields.dontFragment = false }
    guard let packet = try? fields.packet() else {
      event.report.error = .messageTooLong
      return
    }
    var sender = sender
    sender.hasOwnHeader = false
    event.report.error = emit(packet, by: sender, origin: .own)
  }

  /// A random port within `ip_local_port_range`.
  private func ephemeralPort() -> UInt16 { UInt16(32768 + world.random.next() % 28232) }

  /// Sends data from an open socket and reports the packets.
  ///
  /// - Parameter name: the name under which the socket was opened or accepted.
  public func write(_ payload: [UInt8], to name: String) -> PathReport {
    reported {
      if let open = stack.datagrams[name] {
        answer(payload, from: open.local.address, open.local.port, open.sender, name)
      } else if let socket = host.sockets.first(where: { $0.name == name && $0.proto == .udp }) {
        answer(payload, from: socket.address, socket.port, LocalSender(facts: socket.facts, device: socket.device), name)
      } else if let (pair, connection) = connection(named: name) {
        sendStream(payload, pair, connection)
      } else {
        event.report.error = stack.broken.contains(name) ? .brokenPipe : .noSuchSocket
      }
    }
  }

  /// Sends data over a connection.
  private func sendStream(_ payload: [UInt8], _ pair: SocketPair, _ found: StackConnection) {
    // Nothing is sent before the connection is established.
    guard found.state != .synSent, found.state != .synCrossed else {
      event.report.error = .wouldBlock
      return
    }
    guard !payload.isEmpty else { return }
    var connection = found
    connection.unsent.bytes += payload
    pushUnsent(pair, &connection, origin: .own)
    stack.connections[pair] = connection
  }

  /// Sends a datagram to the peer that the socket last received from.
  private func answer(
    _ payload: [UInt8], from source: IPAddress?, _ port: UInt16, _ sender: LocalSender, _ name: String
  ) {
    guard let peer = stack.peers[name] else {
      event.report.error = .destinationRequired
      return
    }
    let flow = flow(to: peer.address, by: sender.facts, device: sender.device)
    guard let own = source.flatMap({ $0.bits == 0 ? nil : $0 }) ?? host.outputRoute(flow)?.preferredSource else {
      event.report.error = .networkUnreachable
      return
    }
    var fields = PacketFields(own, peer.address, proto: .udp)
    (fields.sourcePort, fields.destinationPort) = (port, peer.port)
    fields.payload = payload
    fields.identification = UInt32(freshIdentification())
    fields.dontFragment = true
    dispatch(fields, sender)
  }

  /// Closes a socket: with a FIN, or if `abortively` is true with a reset.
  ///
  /// - Parameter name: the name under which the socket was opened or accepted.
  public func close(_ name: String, abortively: Bool = false) -> PathReport {
    reported {
      if stack.datagrams.removeValue(forKey: name) != nil || stack.broken.remove(name) != nil { return }
      guard let (pair, found) = connection(named: name) else {
        let count = host.sockets.count
        host.sockets.removeAll { $0.name == name }
        if host.sockets.count == count { event.report.error = .noSuchSocket }
        // The kernel drops its requests with a listener. Kernel: `inet_csk_reqsk_queue_drop_and_put`.
        stack.connections = stack.connections.filter { $0.value.state != .synReceived || $0.value.listener != name }
        return
      }
      // A connection that is not established ends silently.
      guard found.state != .synSent else {
        stack.connections[pair] = nil
        return
      }
      var connection = found
      if abortively {
        sendSegment(pair, &connection, [.rst, .ack], origin: .own)
      } else {
        connection.unsent.hasFin = true
        pushUnsent(pair, &connection, origin: .own)
      }
      connection.state = connection.state == .closeWait ? .lastAck : .finWait
      // After close, the socket belongs to no process.
      connection.facts.hasFile = false
      stack.connections[pair] = abortively ? nil : connection
    }
  }

  /// The connection with this name that a process has open; if there are several, the newest.
  private func connection(named name: String) -> (SocketPair, StackConnection)? {
    stack.connections.filter { $0.value.name == name && $0.value.isOpen }.max { $0.value.order < $1.value.order }
      .map { ($0.key, $0.value) }
  }
}
