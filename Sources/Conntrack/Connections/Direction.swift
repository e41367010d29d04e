/// The two directions of a connection: that of its first packet, and the other. Kernel: `ip_conntrack_dir`.
public enum Direction: UInt8, Sendable, Hashable, CaseIterable {
  case original = 0
  case reply = 1

  /// The other direction.
  @inlinable public var opposite: Direction { self == .original ? .reply : .original }
}

/// The relation of a packet to its connection. Kernel: `ip_conntrack_info`.
public enum ConnectionInfo: UInt8, Sendable, Hashable, CaseIterable {
  case established = 0
  case related = 1
  case new = 2
  case establishedReply = 3
  case relatedReply = 4

  /// The direction the packet travels in. The corresponding kernel macro is `CTINFO2DIR`.
  @inlinable public var direction: Direction { rawValue >= 3 ? .reply : .original }
}
