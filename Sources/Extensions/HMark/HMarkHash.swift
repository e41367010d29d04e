import Conntrack
import Wire
import XTables

/// The hash of target HMARK. The corresponding kernel functions are `hmark_tg_v4` and `hmark_tg_v6`.
extension HMarkTarget.Info {
  /// The hashed fields: addresses folded to 32 bits, protocol, and ports if there are any.
  private struct Parts {
    var source: UInt32 = 0
    var destination: UInt32 = 0
    var number = IPProtocol(rawValue: 0)
    var ports: UInt32?
  }

  /// The new mark; nil if the packet has nothing to hash.
  func mark(of context: PacketContext) -> UInt32? {
    let parts = flags.contains(.connection) ? connectionParts(context) : packetParts(context.packet)
    guard let parts else { return nil }
    let ends = [parts.source, parts.destination].sorted()
    var hash = JenkinsHash.words(ends[0], ends[1], parts.ports.map(ordered) ?? 0, initial: seed)
    hash ^= UInt32(UInt16(parts.number.rawValue) & protocolMask)
    return UInt32(truncatingIfNeeded: (UInt64(hash) * UInt64(modulus)) >> 32) &+ offset
  }

  /// The ports with the greater one in the high half, so both directions have the same hash.
  private func ordered(_ ports: UInt32) -> UInt32 {
    let masked = ports & portMask.index | portValue.index
    let (source, destination) = (masked >> 16, masked & 0xffff)
    return destination > source ? destination << 16 | source : masked
  }

  /// The masked address as one word. An IPv6 address is folded by exclusive or, in memory order.
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
    packet.family == .ipv4 ? ipv4Parts(packet.bytes) : ipv6Parts(packet.bytes)
  }

  /// The corresponding kernel function is `hmark_pkt_set_htuple_ipv4`. As there, quoted headers and fragments are not verified.
  private func ipv4Parts(_ bytes: [UInt8]) -> Parts? {
    var start = 0
    guard let own = IPv4Header(bytes) else { return nil }
    // An ICMP error gets the mark of the packet that it quotes.
    if own.proto == .icmp, let icmp = ICMPHeader(bytes, at: own.headerLength), ICMPHeader.isError(type: icmp.type) {
      start = own.headerLength + ICMPHeader.length
    }
    guard bytes.holds(IPv4Header.minimumLength, at: start), let first = bytes.uint8(at: start),
      let source = bytes.uint32(at: start + IPv4Header.Offset.source), let number = bytes.uint8(at: start + IPv4Header.Offset.proto),
      let destination = bytes.uint32(at: start + IPv4Header.Offset.destination),
      let fragment = bytes.uint16(at: start + IPv4Header.Offset.fragment)
    else { return nil }
    var parts = Parts(
      source: word(.v4(IPv4Address(rawValue: source)), sourceMask),
      destination: word(.v4(IPv4Address(rawValue: destination)), destinationMask), number: IPProtocol(rawValue: number))
    if fragment & 0x3FFF == 0, let place = PortPlace.offset(parts.number) {
      parts.ports = bytes.uint32(at: start + Int(first & 15) * 4 + place)
    }
    return parts
  }

  /// The corresponding kernel function is `hmark_pkt_set_htuple_ipv6`.
  private func ipv6Parts(_ bytes: [UInt8]) -> Parts? {
    // As the kernel: a packet whose extension headers cannot be parsed is hashed as if all fields were 0.
    guard var transport = IPv6Transport(bytes, at: 0) else { return Parts() }
    var start = 0
    if transport.number == .icmpv6, !transport.isFragment, let icmp = ICMPHeader(bytes, at: transport.offset),
      icmp.type != 0, ICMPHeader.isErrorV6(type: icmp.type)
    {
      start = transport.offset + ICMPHeader.length
      guard let quoted = IPv6Transport(bytes, at: start) else { return nil }
      transport = quoted
    }
    guard let header = IPv6Header(bytes, at: start) else { return nil }
    var parts = Parts(
      source: word(.v6(header.source), sourceMask), destination: word(.v6(header.destination), destinationMask), number: transport.number)
    if !transport.isFragment, let place = PortPlace.offset(transport.number) {
      parts.ports = bytes.uint32(at: transport.offset + place)
    }
    return parts
  }
}

/// The first header after the extension headers at `start`, or an authentication header before that.
///
/// The corresponding kernel function is `ipv6_find_hdr` with `IP6_FH_F_AUTH`; nil if that fails.
private struct IPv6Transport {
  var number: IPProtocol
  var offset: Int
  var isFragment = false

  init?(_ bytes: [UInt8], at start: Int) {
    guard let first = bytes.uint8(at: start), first >> 4 == 6, var walk = IPv6ExtensionHeaders(bytes, at: start) else { return nil }
    var last: IPv6ExtensionHeader?
    while walk.nextHeader != .ah, let header = walk.next() {
      last = header
      if header.proto == .fragment { isFragment = true }
    }
    guard !walk.isTruncated, walk.nextHeader != .ah || bytes.holds(2, at: walk.offset) else { return nil }
    (number, offset) = (walk.nextHeader, walk.offset)
    if walk.fragmentOffset != 0, let last {
      guard !last.nextHeader.isExtensionHeader || last.nextHeader == .none else { return nil }
      number = last.nextHeader
    }
  }
}
