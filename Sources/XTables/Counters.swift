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

  public static let zero = Counters()
}
