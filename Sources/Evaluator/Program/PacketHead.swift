import Wire
import XTables

/// The packet fields that rule headers test, read once for each table.
///
/// The corresponding kernel functions are `ip_packet_match` and `ip6_packet_match`.
struct PacketHead {
  var source: UInt32 = 0
  var destination: UInt32 = 0
  var wideSource: UInt128 = 0
  var wideDestination: UInt128 = 0
  var input: UInt128
  var output: UInt128
  var proto: UInt8
  /// True for every fragment but the first.
  var isLaterFragment: Bool
  /// True if the IPv6 header chain is malformed: a rule that tests the protocol then drops the packet.
  var isBroken: Bool
  var place: TransportPlace

  /// Nil if the network header is truncated.
  ///
  /// - Parameter usesNfTables: true for the protocol that nf_tables finds.
  @inline(__always)
  init?(_ context: borrowing PacketContext, usesNfTables: Bool = false) {
    input = context.input?.key ?? 0
    output = context.output?.key ?? 0
    isBroken = false
    let transport = context.packet.transport
    place = TransportPlace(transport)
    if context.family == .ipv4 {
      guard context.packet.bytes.holds(IPv4Header.minimumLength, at: 0),
        let fragment = context.packet.bytes.uint16(at: IPv4Header.Offset.fragment),
        let proto = context.packet.bytes.uint8(at: IPv4Header.Offset.proto),
        let source = context.packet.bytes.uint32(at: IPv4Header.Offset.source),
        let destination = context.packet.bytes.uint32(at: IPv4Header.Offset.destination)
      else { return nil }
      self.proto = proto
      self.source = source
      self.destination = destination
      isLaterFragment = fragment & 0x1FFF != 0
    } else {
      guard let source = context.packet.bytes.uint128(at: IPv6Header.Offset.source),
        let destination = context.packet.bytes.uint128(at: IPv6Header.Offset.destination),
        let transport
      else { return nil }
      wideSource = source
      wideDestination = destination
      proto = transport.proto.rawValue
      isLaterFragment = transport.fragmentOffset != 0
      isBroken = transport.isChainBroken
      // For nf_tables, an Authentication header is the transport header.
      if usesNfTables, context.packet.bytes.hasAuthenticationHeader { (proto, isBroken) = (IPProtocol.ah.rawValue, false) }
    }
  }
}
