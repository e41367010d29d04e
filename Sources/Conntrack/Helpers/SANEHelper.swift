public import Netfilter
public import Wire

/// Expects the data connection of a network scanner. The reply to a start request names its port. Kernel: `nf_conntrack_sane`.
public struct SANEHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name = "sane"
  /// The family whose packets it reads.
  public let family: Family
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol = .tcp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16
  /// The limits of each class of expectations.
  public let policies = [ExpectationPolicy(name: "sane", maximum: 1, timeout: 300)]

  /// Creates the helper.
  public init(family: Family, port: UInt16 = 6566) {
    self.family = family
    self.port = port
  }

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
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
