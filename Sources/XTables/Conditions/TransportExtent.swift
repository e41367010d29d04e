/// The bytes of a transport header that must be present for a field to be read.
public struct TransportExtent: Sendable, Hashable {
  /// The number of bytes. With fewer the field is malformed; in a later fragment it is absent.
  public let length: Int
  /// Whether it is the field of the TCP header, which is also malformed in an IPv4 fragment at byte 8.
  public let isTCPHeader: Bool
}

extension Field {
  /// The part of the transport header that decides whether the field is absent or malformed; nil for other fields.
  public var transportExtent: TransportExtent? {
    if case .word(let word) = source { word.transportExtent } else { nil }
  }
}

extension PacketWord {
  /// The part of the transport header that must be present; nil for words of other headers, and for metadata.
  var transportExtent: TransportExtent? {
    switch self {
    case .header(let length): TransportExtent(length: Int(length), isTCPHeader: false)
    case .tcpHeader: TransportExtent(length: 20, isTCPHeader: true)
    case .byte(let place): TransportExtent(length: Int(place) + 1, isTCPHeader: false)
    case .half(let place, let length): TransportExtent(length: max(Int(length), Int(place) + 2), isTCPHeader: false)
    case .word(let place): TransportExtent(length: Int(place) + 4, isTCPHeader: false)
    case .mark, .source, .destination, .hopLimit, .typeOfService, .datagramLength, .connectionState, .connectionInfo, .connectionExists,
      .connectionDirection, .connectionStatus, .connectionMark:
      nil
    }
  }
}
