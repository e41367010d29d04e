import Conntrack
import Wire
import XTables

/// The hash by which HMARK marks. The corresponding kernel functions are `hmark_tg_v4` and `hmark_tg_v6`.
extension HMarkTarget.Info {
  /// What is hashed: addresses folded to a word, protocol, and ports where there are any.
  private struct Parts {
    var source: UInt32
    var destination: UInt32
    var number: IPProtocol
    var ports: UInt32?
  }

  /// The new mark, or nothing where the packet gives nothing to hash.
  func mark(of context: PacketContext) -> UInt32? {
    let parts = flags.contains(.connection) ? connectionParts(context) : packetParts(context.packet)
    guard let parts else { return nil }
    let ends = [parts.source, parts.destination].sorted()
    var hash = JenkinsHash.words(ends[0], ends[1], parts.ports.map(ordered) ?? 0, initial: seed)
    hash ^= UInt32(UInt16(parts.number.rawValue) & protocolMask)
    return UInt32(truncatingIfNeeded: (UInt64(hash) * UInt64(modulus)) >> 32) &+ offset
  }

  /// The larger port above, so that both directions agree.
  private func ordered(_ ports: UInt32) -> UInt32 {
    let masked = ports & portMask.index | portValue.index
    let (source, destination) = (masked >> 16, masked & 0xffff)
    return destination > source ? destination << 16 | source : masked
  }

  /// Under its mask; an IPv6 address is folded by exclusive or, and hashed as it stands in memory.
  private func word(_ address: IPAddress, _ mask: InetAddress) -> UInt32 {
    let masked = address.bits & mask.bits(address.family)
    guard address.family == .ipv6 else { return UInt32(truncatingIfNeeded: masked) }
    return (0..<4).reduce(UInt32(0)) { $0 ^ UInt32(truncatingIfNeeded: masked >> UInt128(32 * $1)) }
  }

  private func connectionParts(_ context: PacketContext) -> Parts? {
    guard let handle = context.attachment.connection, let connection = context.world.conntrack?[handle] else { return nil }
    let (original, reply) = (connection.original, connection.reply)
    let ports = UInt32(original.sourceID) << 16 | UInt32(reply.sourceID)
    return Parts(
      source: word(IPAddress(family: original.family, bits: original.sourceBits), sourceMask),
      destination: word(IPAddress(family: reply.family, bits: reply.sourceBits), destinationMask), number: original.proto,
      ports: original.proto == .icmp ? nil : ports)
  }

  private func packetParts(_ packet: Packet) -> Parts? {
    guard var transport = packet.transport else { return nil }
    var start = 0
    // An ICMP error is marked as the packet it is about.
    if transport.fragmentOffset == 0, transport.proto == (packet.family == .ipv4 ? .icmp : .icmpv6) {
      guard let header = ICMPHeader(packet.bytes, at: transport.offset) else { return nil }
      let isError =
        packet.family == .ipv4 ? ICMPHeader.isError(type: header.type) : ICMPHeader.isErrorV6(type: header.type)
      if isError {
        start = transport.offset + ICMPHeader.length
        guard let quoted = TransportLocator(packet.bytes, at: start), quoted.family == transport.family else { return nil }
        transport = quoted
      }
    }
    guard let (source, destination) = addresses(packet, at: start) else { return nil }
    var parts = Parts(
      source: word(source, sourceMask), destination: word(destination, destinationMask), number: transport.proto, ports: nil)
    let isFragment = transport.fragmentOffset != 0 || transport.moreFragments
    if !isFragment, let place = PortPlace.offset(transport.proto) {
      parts.ports = packet.bytes.uint32(at: transport.offset + place)
    }
    return parts
  }

  private func addresses(_ packet: Packet, at start: Int) -> (IPAddress, IPAddress)? {
    if packet.family == .ipv4 { return IPv4Header(packet.bytes, at: start).map { (.v4($0.source), .v4($0.destination)) } }
    return IPv6Header(packet.bytes, at: start).map { (.v6($0.source), .v6($0.destination)) }
  }
}
