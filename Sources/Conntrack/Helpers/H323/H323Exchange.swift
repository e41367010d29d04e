public import Wire

/// An address in a message and its position in the packet.
public struct H323Endpoint {
  /// The address in the message.
  public var address: IPAddress
  /// The port in the message.
  public var port: UInt16
  /// The position of the address, in bytes from the start of the packet.
  public var place: Int
}

/// A packet of an H.323 connection while the helper and its NAT companion process it.
public struct H323Exchange {
  package var packet: Packet
  /// Where the transport header starts.
  package let offset: Int
  package let call: HelperCall
  package var state = H323State()

  init(_ packet: Packet, at offset: Int, _ call: HelperCall) {
    self.packet = packet
    self.offset = offset
    self.call = call
    if case .h323(let known) = call.memory { state = known }
  }

  package var direction: Direction { call.direction }
  /// The tuples of the packet's own direction and of the other one.
  package var tuples: (own: Tuple, other: Tuple)? { call.state.map { ($0.tuple(direction), $0.tuple(direction.opposite)) } }

  /// The NAT companion, if there is one and the connection is translated. The kernel's supports IPv4 only.
  var companion: (any HelperNAT)? {
    guard let nat = call.table.helperNAT, let connection = call.state, connection.original.family == .ipv4,
      !connection.status.isDisjoint(with: .natMask)
    else { return nil }
    return nat
  }

  // MARK: Addresses

  /// A `TransportAddress` of the connection's family. The corresponding kernel function is `get_h225_addr`.
  func transport(_ value: PERValue?) -> H323Endpoint? {
    endpoint(value?.alternative("ipAddress")?["ip"]?.place, value?.alternative("ip6Address")?["ip"]?.place)
  }

  /// H.245's `TransportAddress` of one receiver. The corresponding kernel function is `get_h245_addr`.
  func unicast(_ value: PERValue?) -> H323Endpoint? {
    let unicast = value?.alternative("unicastAddress")
    return endpoint(unicast?.alternative("iPAddress")?["network"]?.place, unicast?.alternative("iP6Address")?["network"]?.place)
  }

  private func endpoint(_ ipv4: Int?, _ ipv6: Int?) -> H323Endpoint? {
    switch call.state?.original.family {
    case .ipv4?:
      guard let ipv4, let bits = packet.bytes.uint32(at: ipv4), let port = packet.bytes.uint16(at: ipv4 + 4) else { return nil }
      return H323Endpoint(address: .v4(IPv4Address(rawValue: bits)), port: port, place: ipv4)
    case .ipv6?:
      guard let ipv6, let bits = packet.bytes.uint128(at: ipv6), let port = packet.bytes.uint16(at: ipv6 + 16) else { return nil }
      return H323Endpoint(address: .v6(IPv6Address(rawValue: bits)), port: port, place: ipv6)
    case nil: return nil
    }
  }

  /// The endpoint if its address is the sender's and its port is not 0; else nil.
  func own(_ endpoint: H323Endpoint?) -> H323Endpoint? {
    guard let endpoint, endpoint.port != 0, endpoint.address == tuples?.own.source else { return nil }
    return endpoint
  }

  // MARK: Expectations

  /// An expectation of a connection from the other end to the sender's port.
  func expectation(_ proto: IPProtocol, port: UInt16, from anybody: Bool = false, to address: IPAddress? = nil, helper: String? = nil)
    -> Expectation?
  {
    guard let other = tuples?.other else { return nil }
    var expectation = Expectation(
      master: call.connection, proto: proto, source: anybody ? nil : other.source, sourceID: nil,
      destination: address ?? other.destination, destinationID: port, maker: call.helper)
    expectation.helper = helper.flatMap { name in
      let proto: IPProtocol = name == Q931Helper.kernelName ? .tcp : .udp
      return call.table.helper(named: name, other.family, proto)
    }
    return expectation
  }

  func expect(_ expectation: Expectation) -> Bool { (try? call.table.expect(expectation, now: call.now)) != nil }

  /// The NAT companion if the sender's address differs on the other side, so messages must be rewritten.
  private var rewriter: (any HelperNAT)? { tuples.map { $0.own.source != $0.other.destination } == true ? companion : nil }

  /// Expects a channel at the announced address or, under NAT, at its translated address.
  mutating func expectChannel(_ expectation: Expectation?, _ endpoint: H323Endpoint, _ kind: H323Channel) -> Bool {
    guard let expectation else { return true }
    if let nat = rewriter { return nat.h323(&self, expectation, endpoint, kind) }
    return expect(expectation)
  }

  /// Expects a stream and its control channel. The corresponding kernel function is `expect_rtp_rtcp`.
  mutating func expectMedia(_ value: PERValue?) -> Bool {
    guard let endpoint = own(unicast(value)), let media = expectation(.udp, port: endpoint.port & ~1),
      let control = expectation(.udp, port: endpoint.port | 1)
    else { return true }
    if let nat = rewriter { return nat.h323(&self, media, control, endpoint) }
    guard let handle = try? call.table.expect(media, now: call.now) else { return false }
    if expect(control) { return true }
    call.table.unexpect(handle, now: call.now)
    return false
  }

  /// The corresponding kernel function is `expect_t120`.
  mutating func expectData(_ value: PERValue?) -> Bool {
    guard let endpoint = own(unicast(value)), var expectation = expectation(.tcp, port: endpoint.port) else { return true }
    expectation.flags = .permanent
    return expectChannel(expectation, endpoint, .data)
  }

  /// The corresponding kernel function is `expect_h245`.
  mutating func expectControl(_ value: PERValue?) -> Bool {
    guard let endpoint = own(transport(value)) else { return true }
    return expectChannel(expectation(.tcp, port: endpoint.port, helper: H245Helper.kernelName), endpoint, .control)
  }

  /// The corresponding kernel function is `expect_callforwarding`.
  mutating func expectForwardedCall(_ value: PERValue?) -> Bool {
    guard let endpoint = transport(value), endpoint.port != 0, let other = tuples?.other else { return true }
    guard let isSameSide = call.table.sharesRoute?(endpoint.address, other.source) else {
      call.table.noteUndecided("the routes that tell whether a forwarded call goes back to its own side")
      return true
    }
    // A call between hosts on the same side does not pass this host.
    if isSameSide { return true }
    return expectChannel(
      expectation(.tcp, port: endpoint.port, to: endpoint.address, helper: Q931Helper.kernelName), endpoint, .forwardedCall)
  }
}

/// The purpose of an announced channel.
public enum H323Channel: Sendable {
  /// T.120 data.
  case data
  /// H.245.
  case control
  /// The second leg of a forwarded call.
  case forwardedCall
}
