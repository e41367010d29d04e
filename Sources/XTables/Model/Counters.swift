/// The number of packets and bytes that a rule or policy has counted.
///
/// The corresponding kernel structure is `xt_counters`.
public struct Counters: Sendable, Hashable {
  /// The number of packets.
  public var packets: UInt64
  /// The number of bytes: the IP packets with their headers, without the link layer.
  public var bytes: UInt64

  /// Creates counters; zero by default.
  public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
    self.packets = packets
    self.bytes = bytes
  }

  /// Reads `packets:bytes` at the beginning of a text, as `scanf` does; nil if the text does not begin so. The corresponding C
  /// function is `parse_counters`.
  public init?(scanning text: ArraySlice<UInt8>) {
    guard let packets = CNumber(text, base: .decimal), packets.rest.first == UInt8(ascii: ":"),
      let bytes = CNumber(packets.rest.dropFirst(), base: .decimal)
    else { return nil }
    self.init(packets: packets.wrapped, bytes: bytes.wrapped)
  }

  /// Counters that have counted nothing.
  public static let zero = Counters()
}
