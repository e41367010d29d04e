public import Wire

/// Expects the answer to a TFTP request, which comes from another port (RFC 1350). Kernel: `nf_conntrack_tftp`.
public struct TFTPHelper: ConntrackHelper {
  public let name = "tftp"
  public let family: AddressFamily
  public let proto: IPProtocol = .udp
  public let port: UInt16
  public let policies = [ExpectationPolicy(name: "tftp", maximum: 1, timeout: 300)]

  public init(family: AddressFamily, port: UInt16 = 69) {
    self.family = family
    self.port = port
  }

  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    guard let connection = call.state, let opcode = packet.bytes.uint16(at: offset + UDPHeader.length), opcode == 1 || opcode == 2
    else { return .accept }
    let reply = connection.reply
    let expectation = Expectation(
      master: call.connection, proto: .udp, source: reply.source, sourceID: nil, destination: reply.destination,
      destinationID: reply.destinationID, maker: call.helper)
    return call.expect(expectation) { $0.tftp(call, expectation) }
  }
}
