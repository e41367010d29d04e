import Wire

/// Fields of the transport header that more than one extension reads.
extension Field {
  /// The source port: the first two bytes of a transport header of at least four bytes.
  public static let sourcePort = Field("transport.sport", bits: 16, .half(at: 0, of: 4), port(\.sourcePort, at: 0))
  /// The destination port: the third and fourth byte.
  public static let destinationPort = Field("transport.dport", bits: 16, .half(at: 2, of: 4), port(\.destinationPort, at: 2))

  private static func port(_ path: any WritableKeyPath<PacketFields, UInt16> & Sendable, at offset: Int) -> FieldTraits {
    FieldTraits(.packet, ofTransport) { value, draft in
      guard draft.fields.proto.hasPorts else { return false }
      let port = UInt16(truncatingIfNeeded: value)
      draft.fields[keyPath: path] = port
      // The header of DCCP is given as bytes.
      if draft.fields.transportBytes != nil || draft.fields.proto == .dccp {
        _ = draft.setTransport([UInt8(port >> 8), UInt8(truncatingIfNeeded: port)], at: offset)
        _ = draft.setTransport([], at: max(4, draft.fields.transportBytes?.count ?? 0))
      }
      return true
    }
  }

  /// Absent in later fragments, malformed if the header is truncated.
  private static let ofTransport: FieldOutcomes = [.value, .absent, .malformed]

  /// Whether the TCP header of 20 bytes is present.
  public static let tcpHeader = Field("tcp.header", bits: 1, .tcpHeader, presence(of: TCPHeader.minimumLength))
  /// Whether the UDP header of 8 bytes is present.
  public static let udpHeader = header("udp", length: 8)

  /// Whether the first bytes of a transport header are present, which a match tests before it reads any of them. Absent in later
  /// fragments; malformed if the header is truncated, so that the match drops the packet.
  ///
  /// The corresponding kernel function is `skb_header_pointer`.
  public static func header(_ name: String, length: UInt8) -> Field {
    Field("\(name).header", bits: 1, .header(length), presence(of: Int(length)))
  }

  private static func presence(of length: Int) -> FieldTraits {
    FieldTraits(.packet, ofTransport, values: .range(1...1)) { value, draft in
      guard value == 1 else { return false }
      if let built = draft.builtHeaderLength { return length <= built }
      return draft.setTransport([], at: max(length, draft.fields.transportBytes?.count ?? 0))
    }
  }

  /// The eight flags of TCP, six of which `--tcp-flags` can name.
  public static let tcpFlags = Field(
    "tcp.flags", bits: 8, .byte(at: UInt8(TCPHeader.Offset.flags)),
    FieldTraits(
      .packet, ofTransport,
      form: .flags([0x01: "FIN", 0x02: "SYN", 0x04: "RST", 0x08: "PSH", 0x10: "ACK", 0x20: "URG", 0x40: "ECE", 0x80: "CWR"])
    ) { value, draft in
      guard draft.isBuilt(.tcp) else { return false }
      draft.fields.tcpFlags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: value))
      return true
    })

  /// The ICMP type in the upper byte, the code in the lower byte. The whole header of eight bytes must be present.
  public static let icmpTypeAndCode = Field(
    "icmp.typecode", bits: 16, .half(at: 0, of: 8),
    FieldTraits(.packet, ofTransport) { value, draft in
      guard draft.isBuilt(.icmp, .icmpv6) else { return false }
      draft.fields.icmpType = UInt8(truncatingIfNeeded: value >> 8)
      draft.fields.icmpCode = UInt8(truncatingIfNeeded: value)
      return true
    })

  /// One byte of the transport header; absent in later fragments.
  public static func transportByte(_ name: String, at place: UInt8) -> Field {
    Field(name, bits: 8, .byte(at: place), bytes(1, at: Int(place)))
  }

  /// Four bytes of the transport header; absent in later fragments.
  public static func transportWord(_ name: String, at place: UInt8) -> Field {
    Field(name, bits: 32, .word(at: place), bytes(4, at: Int(place)))
  }

  /// The traits of bytes in a header that is given as bytes, because the packet builder does not know it.
  private static func bytes(_ count: Int, at place: Int) -> FieldTraits {
    FieldTraits(.packet, ofTransport) { value, draft in
      guard draft.builtHeaderLength == nil else { return false }
      return draft.setTransport((0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> UInt128(8 * $0)) }, at: place)
    }
  }
}
