/// Ports that NAT has chosen by chance, each as the range that it was chosen from; nil for a port that was not.
///
/// The corresponding kernel function is `nf_nat_l4proto_unique_tuple`, where it calls `get_random_u16`.
public struct DrawnPorts: Sendable, Hashable {
  /// The range of the source port.
  public var source: ClosedRange<UInt16>?
  /// The range of the destination port.
  public var destination: ClosedRange<UInt16>?

  /// No port is drawn.
  public init() {}

  /// True if no port was chosen by chance.
  public var isEmpty: Bool { source == nil && destination == nil }
}
