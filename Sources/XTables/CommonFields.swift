public import Wire

/// The fields more than one extension reads. An extension that alone reads a field declares it in its own file.
extension Field {
  public static let mark = Field("meta.mark", bits: 32) { .of($0.mark) }

  public static let sourceAddress = Field("ip.src", bits: 128) { $0.packet.source.map { .value($0.bits) } ?? .absent }
  public static let destinationAddress = Field("ip.dst", bits: 128) {
    $0.packet.destination.map { .value($0.bits) } ?? .absent
  }
  /// TTL or hop limit.
  public static let hopLimit = Field("ip.ttl", bits: 8) { $0.packet.ttl.map { .of($0) } ?? .absent }
  /// TOS or traffic class.
  public static let typeOfService = Field("ip.tos", bits: 8) { $0.packet.tos.map { .of($0) } ?? .absent }
  /// Bytes of the datagram as its header counts them.
  public static let datagramLength = Field("ip.length", bits: 17) { context in
    if let header = context.packet.ipv4 { return .of(header.totalLength) }
    if let header = context.packet.ipv6 { return .of(IPv6Header.length + header.payloadLength) }
    return .absent
  }

  /// The first two bytes of the transport header, where both ports are there.
  public static let sourcePort = Field("transport.sport", bits: 16) { port(&$0, at: 0) }
  /// The next two.
  public static let destinationPort = Field("transport.dport", bits: 16) { port(&$0, at: 2) }

  private static func port(_ context: inout PacketContext, at place: Int) -> FieldValue {
    guard let transport = context.packet.transport, transport.fragmentOffset == 0 else { return .absent }
    guard context.packet.bytes.holds(4, at: transport.offset) else { return .malformed }
    return context.packet.bytes.uint16(at: transport.offset + place).map { .of($0) } ?? .malformed
  }

  public static let tcpHeader = header("tcp", length: 20) { transport in
    // A fragment that would overwrite the flags can only mean harm; the kernel drops it.
    transport.family == .ipv4 && transport.fragmentOffset == 8
  }
  public static let udpHeader = header("udp", length: 8)

  /// Whether the first bytes of a transport header are there, which a match asks before it reads any of them: absent in the
  /// second and further fragments, malformed where the header is cut short, so that the match drops the packet.
  ///
  /// The corresponding kernel function is `skb_header_pointer`.
  public static func header(
    _ name: String, length: Int, isHarmful: @escaping @Sendable (TransportLocator) -> Bool = { _ in false }
  ) -> Field {
    Field("\(name).header", bits: 1) { context in
      guard let transport = context.packet.transport else { return .absent }
      guard transport.fragmentOffset == 0 else { return isHarmful(transport) ? .malformed : .absent }
      return context.packet.bytes.holds(length, at: transport.offset) ? .value(1) : .malformed
    }
  }

  public static let tcpFlags = transportByte("tcp.flags", at: TCPHeader.Offset.flags)

  /// The type in the upper byte, the code in the lower one; the whole header of eight bytes must be there.
  public static let icmpTypeAndCode = Field("icmp.typecode", bits: 16) { context in
    guard let transport = context.packet.transport, transport.fragmentOffset == 0 else { return .absent }
    guard context.packet.bytes.holds(8, at: transport.offset) else { return .malformed }
    return context.packet.bytes.uint16(at: transport.offset).map { .of($0) } ?? .malformed
  }

  /// One byte of the transport header of a packet that is no later fragment.
  public static func transportByte(_ name: String, at place: Int) -> Field {
    Field(name, bits: 8) { context in
      guard let transport = context.packet.transport, transport.fragmentOffset == 0 else { return .absent }
      return context.packet.bytes.uint8(at: transport.offset + place).map { .of($0) } ?? .malformed
    }
  }

  /// Four bytes of the transport header of a packet that is no later fragment, behind `length` bytes that must be there.
  public static func transportWord(_ name: String, at place: Int) -> Field {
    Field(name, bits: 32) { context in
      guard let transport = context.packet.transport, transport.fragmentOffset == 0 else { return .absent }
      return context.packet.bytes.uint32(at: transport.offset + place).map { .of($0) } ?? .malformed
    }
  }
}

extension Condition {
  /// A field in a range of ports. The full range says nothing, and inverted it is never met.
  public static func ports(_ field: Field, _ range: PortRange, inverted: Bool) -> Condition {
    range == .all ? Condition.always.inverted(inverted) : .inRange(field, range.low, range.high).inverted(inverted)
  }
}
