public import Wire

/// Expects the data connection of a network scanner, whose port the answer to a start request names. Kernel: `nf_conntrack_sane`.
public struct SANEHelper: ConntrackHelper {
  public let name = "sane"
  public let family: AddressFamily
  public let proto: IPProtocol = .tcp
  public let port: UInt16
  public let policies = [ExpectationPolicy(name: "sane", maximum: 1, timeout: 300)]

  public init(family: AddressFamily, port: UInt16 = 6566) {
    self.family = family
    self.port = port
  }

  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    guard call.isEstablished, let connection = call.state, let text = PayloadText(tcp: packet, at: offset) else { return .accept }
    let start = text.start
    if call.direction == .original {
      // A request is a code and a handle; 7 is SANE_NET_START.
      guard text.count == 8, let code = packet.bytes.uint32(at: start) else { return .accept }
      call.remember(.sane(isStartRequested: code == 7))
      return .accept
    }
    guard case .sane(true) = call.memory else { return .accept }
    call.remember(.sane(isStartRequested: false))
    guard text.count >= 8, packet.bytes.uint32(at: start) == 0, packet.bytes.uint16(at: start + 4) == 0,
      let port = packet.bytes.uint16(at: start + 6)
    else { return .accept }
    let original = connection.original
    let expectation = Expectation(
      master: call.connection, proto: .tcp, source: original.source, sourceID: nil, destination: original.destination,
      destinationID: port, maker: call.helper)
    return (try? call.table.expect(expectation, now: call.now)) == nil ? .drop : .accept
  }
}
