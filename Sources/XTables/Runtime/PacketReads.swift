/// What rules have read of a packet besides what all packets of one direction of a settled, untranslated TCP or UDP connection have in common:
/// addresses, ports, protocol, interfaces, TOS, the absence of a mark, and the state of the connection. Each such packet has the first twenty
/// bytes of its transport header, and is no fragment.
public struct PacketReads: OptionSet, BitwiseCopyable, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// Creates a set from bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The byte of the TCP flags.
  public static let tcpFlags = PacketReads(rawValue: 1)
  /// The source port, which all packets of a direction have in common, but not the first packets of several connections.
  public static let sourcePort = PacketReads(rawValue: 4)
  /// Anything else: other fields, computed ones, state, chance.
  public static let more = PacketReads(rawValue: 2)
}
