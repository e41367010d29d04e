public import Conntrack
public import Netfilter
import Wire

extension SIPExchange {
  /// Replaces a part of the message and parses the message again. False if the packet would become too long. The corresponding kernel
  /// function is `mangle_packet` of `nf_nat_sip`.
  mutating func replace(_ range: Range<Int>, with text: String) -> Bool {
    let replacement = Array(text.utf8)
    if message.isTCP {
      guard let header = TCPHeader(packet.bytes, at: offset),
        packet.replaceTCPPayload(at: offset, placeInPayload(range, payload: offset + header.dataOffset), with: replacement) != nil
      else { return false }
    } else {
      guard packet.replaceUDPPayload(at: offset, placeInPayload(range, payload: offset + UDPHeader.length), with: replacement) else {
        return false
      }
    }
    reread(grownBy: replacement.count - range.count)
    return true
  }

  /// The tuples of the packet's own direction and of the other one.
  fileprivate var tuples: (own: Tuple, other: Tuple)? {
    call.state.map { ($0.tuple(call.direction), $0.tuple(call.direction.opposite)) }
  }
}

/// The NAT companion of the SIP helper. Translates the addresses of the connection's ends in a message's headers.
extension HelperTranslation {
  static func text(_ address: IPAddress, bracketed: Bool) -> String {
    address.family == .ipv6 && bracketed ? "[\(address)]" : "\(address)"
  }

  private static func text(_ address: IPAddress, _ port: UInt16) -> String { text(address, bracketed: true) + ":\(port)" }

  /// The corresponding kernel function is `nf_nat_sip`.
  public func sip(_ exchange: inout SIPExchange) -> NetfilterVerdict {
    let isRequest = !exchange.message.begins(with: "SIP/2.0")
    if isRequest, let target = exchange.message.requestEndpoint(), !map(&exchange, target) { return .drop }
    guard translateVia(&exchange, isRequest), translateContacts(&exchange) else { return .drop }
    for header in [SIPMessage.Header.from, .to] {
      if let endpoint = exchange.message.endpoint(header), !map(&exchange, endpoint) { return .drop }
    }
    if exchange.call.direction == .reply, let port = exchange.state.forcedPort {
      guard !exchange.message.isTCP, exchange.packet.bytes.setUInt16(port, at: exchange.offset + UDPHeader.Offset.destinationPort),
        exchange.packet.replaceUDPPayload(at: exchange.offset, 0..<0, with: [])
      else { return .drop }
    }
    return .accept
  }

  /// Replaces an address of the connection by its translation. The corresponding kernel function is `map_addr`.
  private func map(_ exchange: inout SIPExchange, _ endpoint: SIPMessage.Endpoint) -> Bool {
    guard let (own, other) = exchange.tuples else { return false }
    let address: IPAddress
    let port: UInt16
    if endpoint.address == own.source, endpoint.port == own.sourceID {
      (address, port) = (other.destination, other.destinationID)
    } else if endpoint.address == own.destination, endpoint.port == own.destinationID {
      (address, port) = (other.source, exchange.state.forcedPort ?? other.sourceID)
    } else {
      return true
    }
    if address == endpoint.address, port == endpoint.port { return true }
    return exchange.replace(endpoint.range, with: Self.text(address, port))
  }

  /// Translates the topmost Via and its parameters (RFC 3261 §18.2.1, RFC 3581) if its address belongs to this connection.
  private func translateVia(_ exchange: inout SIPExchange, _ isRequest: Bool) -> Bool {
    guard let (own, other) = exchange.tuples, let via = exchange.message.endpoint(exchange.message.isTCP ? .viaTCP : .viaUDP) else {
      return true
    }
    let sender = isRequest ? (own.source, own.sourceID) : (own.destination, own.destinationID)
    guard via.address == sender.0, via.port == sender.1 else { return true }
    let before = exchange.count
    guard map(&exchange, via) else { return false }
    let end = via.range.upperBound + exchange.count - before
    if let (address, range) = exchange.message.addressParameter("maddr=", from: end, bracketed: true), address == own.source,
      address != other.destination
    {
      guard exchange.replace(range, with: Self.text(other.destination, bracketed: true)) else { return false }
    }
    if let (address, range) = exchange.message.addressParameter("received=", from: end, bracketed: false), address == own.destination,
      address != other.source
    {
      guard exchange.replace(range, with: Self.text(other.source, bracketed: false)) else { return false }
    }
    if let (port, range) = exchange.message.parameter("rport=", from: end).value, (1024...65535).contains(port),
      port == UInt32(own.destinationID), port != UInt32(other.sourceID)
    {
      guard exchange.replace(range, with: "\(other.sourceID)") else { return false }
    }
    return true
  }

  private func translateContacts(_ exchange: inout SIPExchange) -> Bool {
    var place = 0
    var inHeader = false
    while let contact = exchange.message.endpoint(.contact, from: place, inHeader: &inHeader).value {
      let before = exchange.count
      guard map(&exchange, contact) else { return false }
      place = contact.range.upperBound + exchange.count - before
    }
    return true
  }

  /// The corresponding kernel function is `nf_nat_sip_expect`.
  public func sipExpects(_ exchange: inout SIPExchange, _ expectation: Expectation, _ place: Range<Int>) -> NetfilterVerdict {
    guard let (own, other) = exchange.tuples else { return .drop }
    var expectation = expectation.translated(exchange, own, other)
    let address = expectation.tuple.destination
    if expectation.savedID == exchange.state.forcedPort ?? own.sourceID { expectation.tuple.destinationID = other.destinationID }
    guard expectation.tuple.destinationID != 0, let (port, handle) = findPort(expectation, exchange.call) else { return .drop }
    if address.bits == expectation.savedAddress, port == expectation.savedID { return .accept }
    guard exchange.replace(place, with: Self.text(address, port)) else {
      exchange.call.table.unexpect(handle, now: exchange.call.now)
      return .drop
    }
    return .accept
  }

  /// Translates an expected call or stream: its destination to the announced address, its source to the sender's translated address.
  /// The corresponding kernel function is `nf_nat_sip_expected`.
  func sipExpected(
    _ connection: ConnectionHandle, _ expectation: Expectation, _ master: Connection, in table: ConntrackTable, now: Instant
  ) {
    guard let original = table[connection]?.original else { return }
    var range = NATRange(address: IPAddress(family: original.family, bits: expectation.savedAddress), port: expectation.savedID)
    table.setUpNAT(connection, range, .destination, random: &random, now: now)
    let pair =
      expectation.policyClass == 0
      ? nil
      : table.expectations(of: expectation.master).reversed().lazy
        .compactMap { table.expectation($0) }
        .first {
          $0.tuple.family == original.family && $0.tuple.proto == original.proto && $0.savedAddress == original.sourceBits
            && $0.savedID == original.sourceID
        }
    if let pair {
      range = NATRange(address: pair.tuple.destination, port: pair.tuple.destinationID)
    } else if original.source == master.tuple(expectation.direction).source {
      range = NATRange(address: master.tuple(expectation.direction.opposite).destination)
    } else {
      return
    }
    table.setUpNAT(connection, range, .source, random: &random, now: now)
  }
}

extension Expectation {
  /// The expectation as seen from the other side: its destination is the address to which replies to this packet go. The announced address
  /// and port are kept in `savedAddress` and `savedID`.
  func translated(_ exchange: SIPExchange, _ own: Tuple, _ other: Tuple) -> Expectation {
    var expectation = self
    expectation.savedAddress = tuple.destinationBits
    expectation.savedID = tuple.destinationID
    // If the source is not translated, the destination stays as announced.
    if own.source != other.destination { expectation.tuple.destinationBits = other.destinationBits }
    expectation.direction = exchange.call.direction.opposite
    expectation.function = .natSIP
    return expectation
  }
}
