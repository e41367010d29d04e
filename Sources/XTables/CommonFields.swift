import Wire

/// The fields more than one extension reads. An extension that alone reads a field declares it in its own file.
extension Field {
  public static let mark = Field("meta.mark", bits: 32, .mark)

  public static let sourceAddress = Field("ip.src", bits: 128, .source)
  public static let destinationAddress = Field("ip.dst", bits: 128, .destination)
  /// TTL or hop limit.
  public static let hopLimit = Field("ip.ttl", bits: 8, .hopLimit)
  /// TOS or traffic class.
  public static let typeOfService = Field("ip.tos", bits: 8, .typeOfService)
  /// Bytes of the datagram as its header counts them.
  public static let datagramLength = Field("ip.length", bits: 17, .datagramLength)

  /// The first two bytes of the transport header, where both ports are there.
  public static let sourcePort = Field("transport.sport", bits: 16, .half(at: 0, of: 4))
  /// The next two.
  public static let destinationPort = Field("transport.dport", bits: 16, .half(at: 2, of: 4))

  public static let tcpHeader = Field("tcp.header", bits: 1, .tcpHeader)
  public static let udpHeader = header("udp", length: 8)

  /// Whether the first bytes of a transport header are there, which a match asks before it reads any of them: absent in the
  /// second and further fragments, malformed where the header is cut short, so that the match drops the packet.
  ///
  /// The corresponding kernel function is `skb_header_pointer`.
  public static func header(_ name: String, length: UInt8) -> Field { Field("\(name).header", bits: 1, .header(length)) }

  public static let tcpFlags = transportByte("tcp.flags", at: UInt8(TCPHeader.Offset.flags))

  /// The type in the upper byte, the code in the lower one; the whole header of eight bytes must be there.
  public static let icmpTypeAndCode = Field("icmp.typecode", bits: 16, .half(at: 0, of: 8))

  /// One byte of the transport header of a packet that is no later fragment.
  public static func transportByte(_ name: String, at place: UInt8) -> Field { Field(name, bits: 8, .byte(at: place)) }

  /// Four bytes of the transport header of a packet that is no later fragment.
  public static func transportWord(_ name: String, at place: UInt8) -> Field { Field(name, bits: 32, .word(at: place)) }
}

extension Condition {
  /// A field in a range of ports. The full range says nothing, and inverted it is never met.
  public static func ports(_ field: Field, _ range: PortRange, inverted: Bool) -> Condition {
    range == .all ? Condition.always.inverted(inverted) : .inRange(field, range.low, range.high).inverted(inverted)
  }
}
