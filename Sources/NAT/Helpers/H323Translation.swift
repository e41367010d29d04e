public import Conntrack
public import Wire

/// The NAT companion of the H.323 helpers. Addresses have a fixed length of six bytes, so the payload's length does not change.
extension HelperTranslation {
  /// The corresponding kernel functions are `set_h225_addr` and `set_h245_addr`.
  public func h323(_ exchange: inout H323Exchange, set endpoint: H323Endpoint, to address: IPAddress, _ port: UInt16) -> Bool {
    guard let bits = address.v4?.rawValue, exchange.packet.bytes.setUInt32(bits, at: endpoint.place),
      exchange.packet.bytes.setUInt16(port, at: endpoint.place + 4)
    else { return false }
    if exchange.packet.transport?.proto == .udp, UDPHeader(exchange.packet.bytes, at: exchange.offset)?.checksum == 0 { return true }
    exchange.packet.updateTransportChecksum()
    return true
  }

  /// The corresponding kernel function is `set_sig_addr`.
  public func h323(_ exchange: inout H323Exchange, signal endpoints: [H323Endpoint?]) -> Bool {
    guard let (own, other) = exchange.tuples else { return true }
    let announced = exchange.state.signalPorts[exchange.direction]
    let seen = exchange.state.signalPorts[exchange.direction.opposite]
    for endpoint in endpoints {
      guard let endpoint, endpoint.port == announced else { continue }
      if endpoint.address == own.source {
        return h323(&exchange, set: firstIfLoopback(endpoints) ?? endpoint, to: other.destination, seen)
      }
      if endpoint.address == own.destination { return h323(&exchange, set: endpoint, to: other.source, seen) }
    }
    return true
  }

  /// The first endpoint if its address is a loopback address: GnomeMeeting lists that one first, and a gatekeeper uses the first.
  private func firstIfLoopback(_ endpoints: [H323Endpoint?]) -> H323Endpoint? {
    guard endpoints.count > 1, let first = endpoints[0], let bits = first.address.v4?.rawValue, bits >> 24 == 127 else { return nil }
    return first
  }

  /// The corresponding kernel function is `set_ras_addr`.
  public func h323(_ exchange: inout H323Exchange, ras endpoints: [H323Endpoint?]) -> Bool {
    guard let (own, other) = exchange.tuples else { return true }
    for case let endpoint? in endpoints where endpoint.address == own.source && endpoint.port == own.sourceID {
      return h323(&exchange, set: endpoint, to: other.destination, other.destinationID)
    }
    return true
  }

  /// The corresponding kernel function is `nat_rtp_rtcp`.
  public func h323(
    _ exchange: inout H323Exchange, _ media: Expectation, _ control: Expectation, _ endpoint: H323Endpoint
  ) -> Bool {
    guard let other = exchange.tuples?.other else { return true }
    let direction = exchange.direction
    let wanted = media.tuple.destinationID
    // The entry of a stream announced before, or the first free entry.
    guard let index = exchange.state.mediaPorts.firstIndex(where: { $0[direction] == wanted || $0[direction] == 0 }) else { return true }
    var media = following(media, direction)
    var control = following(control, direction)
    var port = wanted
    while port != 0 {
      media.tuple.destinationID = port
      control.tuple.destinationID = port &+ 1
      var handle: ExpectationHandle?
      do throws(ExpectationError) {
        handle = try exchange.call.table.expect(media, now: exchange.call.now)
        try exchange.call.table.expect(control, now: exchange.call.now)
        break
      } catch {
        if let handle { exchange.call.table.unexpect(handle, now: exchange.call.now) }
        guard error == .clash else { return true }
        port &+= 2
      }
    }
    guard port != 0 else { return true }
    guard h323(&exchange, set: endpoint, to: other.destination, endpoint.port & 1 == 1 ? port + 1 : port) else { return false }
    exchange.state.mediaPorts[index][direction] = wanted
    exchange.state.mediaPorts[index][direction.opposite] = port
    return true
  }

  private func following(_ expectation: Expectation, _ direction: Direction) -> Expectation {
    var expectation = expectation
    expectation.savedID = expectation.tuple.destinationID
    expectation.direction = direction.opposite
    expectation.function = .natFollowMaster
    return expectation
  }

  /// The corresponding kernel functions are `nat_t120`, `nat_h245` and `nat_callforwarding`.
  public func h323(
    _ exchange: inout H323Exchange, _ expectation: Expectation, _ endpoint: H323Endpoint, _ kind: H323Channel
  ) -> Bool {
    guard let other = exchange.tuples?.other else { return true }
    let direction = exchange.direction
    var expectation = following(expectation, direction)
    switch kind {
    case .data: break
    case .control:
      if exchange.state.signalPorts[direction] == endpoint.port {
        expectation.tuple.destinationID = exchange.state.signalPorts[direction.opposite]
      }
    case .forwardedCall:
      expectation.savedAddress = expectation.tuple.destinationBits
      expectation.tuple.destinationBits = other.destinationBits
      expectation.function = .natCallForwarding
    }
    // If no port is free, the message passes unchanged.
    guard let (port, handle) = findPort(expectation, exchange.call) else { return true }
    guard h323(&exchange, set: endpoint, to: other.destination, port) else {
      exchange.call.table.unexpect(handle, now: exchange.call.now)
      return false
    }
    if kind == .control {
      exchange.state.signalPorts[direction] = endpoint.port
      exchange.state.signalPorts[direction.opposite] = port
    }
    return true
  }

  /// The corresponding kernel function is `nat_q931`.
  public func h323(
    _ exchange: inout H323Exchange, _ expectation: Expectation, registered endpoints: [H323Endpoint?], _ index: Int
  ) -> Bool {
    guard let other = exchange.tuples?.other, let endpoint = endpoints[index] else { return true }
    let direction = exchange.direction
    var expectation = following(expectation, direction)
    expectation.function = .natQ931
    if exchange.state.signalPorts[direction] == endpoint.port {
      expectation.tuple.destinationID = exchange.state.signalPorts[direction.opposite]
    }
    guard let (port, handle) = findPort(expectation, exchange.call) else { return true }
    var isSet = h323(&exchange, set: endpoint, to: other.destination, port)
    if isSet {
      exchange.state.signalPorts[direction] = endpoint.port
      exchange.state.signalPorts[direction.opposite] = port
      if index > 0, let first = firstIfLoopback(endpoints) { isSet = h323(&exchange, set: first, to: other.destination, port) }
    }
    if !isSet { exchange.call.table.unexpect(handle, now: exchange.call.now) }
    return isSet
  }

  /// Translates a forwarded call. The corresponding kernel function is `ip_nat_callforwarding_expect`.
  func forwardedCallExpected(_ connection: ConnectionHandle, _ expectation: Expectation, in table: ConntrackTable, now: Instant) {
    guard let new = table[connection] else { return }
    let source = new.tuple(expectation.direction.opposite).source
    table.setUpNAT(connection, NATRange(address: source), .source, random: &random, now: now)
    let target = IPAddress(family: new.original.family, bits: expectation.savedAddress)
    table.setUpNAT(connection, NATRange(address: target, port: expectation.savedID), .destination, random: &random, now: now)
  }
}
