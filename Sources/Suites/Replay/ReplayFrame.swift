public import Wire

/// A captured frame with an IP packet, and where and when it arrived.
public struct ReplayFrame: Sendable {
  /// The packet. Its checksum may be one that was left to the network card.
  public var packet: Packet
  /// The interface at which it was captured.
  public var interface: String
  /// Nanoseconds since the previous frame.
  public var passed: UInt64
  /// The number of the frame in its file, from 1.
  public var number: Int
  /// True if the capture says that the host sent the frame: by its direction, or by the address of the interface.
  public var isOutgoing: Bool

  /// Creates a frame; parameters as the properties of the same names.
  public init(
    packet: Packet = Packet(bytes: []), interface: String = "", passed: UInt64 = 0, number: Int = 0, isOutgoing: Bool = false
  ) {
    (self.packet, self.interface, self.passed, self.number) = (packet, interface, passed, number)
    self.isOutgoing = isOutgoing
  }
}

/// Frames in the order in which they arrived.
public protocol ReplayFrames {
  /// Reads the next frame into one whose memory is used again.
  ///
  /// - Returns: false at the end.
  mutating func next(_ frame: inout ReplayFrame) throws -> Bool
}
