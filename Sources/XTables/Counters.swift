/// How many packets and bytes a rule or a policy has seen.
///
/// The corresponding kernel structure is `xt_counters`.
public struct Counters: Sendable, Hashable {
  public var packets: UInt64
  public var bytes: UInt64

  public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
    self.packets = packets
    self.bytes = bytes
  }

  /// `packets:bytes` at the front of a text; the corresponding C function is `parse_counters`, which reads them with `scanf`.
  public init?(scanning text: ArraySlice<UInt8>) {
    guard let packets = CNumber(text, base: .decimal), packets.rest.first == UInt8(ascii: ":"),
      let bytes = CNumber(packets.rest.dropFirst(), base: .decimal)
    else { return nil }
    self.init(packets: packets.wrapped, bytes: bytes.wrapped)
  }

  public static let zero = Counters()
}
