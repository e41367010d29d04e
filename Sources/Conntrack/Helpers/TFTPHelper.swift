public import Netfilter
public import Wire

/// Expects the reply to a TFTP request; it comes from another port (RFC 1350). Kernel: `nf_conntrack_tftp`.
public struct TFTPHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name = "tftp"
  /// The family whose packets it reads.
  public let family: Family
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol = .udp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16
  /// The limits of each class of expectations.
  public let policies = [ExpectationPolicy(name: "tftp", maximum: 1, timeout: 300)]

  /// Creates the helper.
  public init(family: Family, port: UInt16 = 69) {
    self.family = family
    self.port = port
  }

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
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
