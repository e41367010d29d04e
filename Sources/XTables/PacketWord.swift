import Conntrack
import Wire

/// The properties of packets that rules ask for most, each read in place: without a closure, and without a reference to be counted.
public enum PacketWord: BitwiseCopyable, Sendable, Hashable {
  case mark
  case source, destination
  case hopLimit, typeOfService, datagramLength
  /// Whether this many bytes of the transport header are there.
  case header(UInt8)
  /// The same for TCP, where a fragment that would overwrite the flags can only mean harm: the kernel drops it.
  case tcpHeader
  /// Of the transport header of a packet that is no later fragment: one byte, two of a header that must be so long, or four.
  case byte(at: UInt8)
  case half(at: UInt8, of: UInt8)
  case word(at: UInt8)
  /// `XT_CONNTRACK_STATE_*`.
  case connectionState
  case connectionExists
  /// 0 in the original direction, 1 in the reply direction.
  case connectionDirection
  case connectionStatus
  case connectionMark

  /// What reading gives; see ``FieldValue``.
  enum Value: BitwiseCopyable, Sendable {
    case value(UInt128)
    case absent
    case malformed

    @inline(__always)
    static func of(_ value: some FixedWidthInteger) -> Value { .value(UInt128(truncatingIfNeeded: value)) }
  }

  func read(_ context: borrowing PacketContext) -> Value {
    switch self {
    case .mark: return .of(context.mark)
    case .source: return context.packet.source.map { .value($0.bits) } ?? .absent
    case .destination: return context.packet.destination.map { .value($0.bits) } ?? .absent
    case .hopLimit: return context.packet.ttl.map { .of($0) } ?? .absent
    case .typeOfService: return context.packet.tos.map { .of($0) } ?? .absent
    case .datagramLength: return length(context)
    case .header, .tcpHeader, .byte, .half, .word: return transport(context)
    case .connectionState: return .of(ConntrackState.of(context))
    case .connectionExists: return .of(context.attachment.connection == nil ? 0 : 1)
    case .connectionDirection: return context.attachment.info.map { .of($0.direction.rawValue) } ?? .absent
    case .connectionStatus:
      return context.attachment.connection.flatMap { context.world.conntrack?.status(of: $0) }.map { .of($0.rawValue) } ?? .absent
    case .connectionMark:
      return context.attachment.connection.flatMap { context.world.conntrack?.mark(of: $0) }.map { .of($0) } ?? .absent
    }
  }

  private func length(_ context: borrowing PacketContext) -> Value {
    if let header = context.packet.ipv4 { return .of(header.totalLength) }
    if let header = context.packet.ipv6 { return .of(IPv6Header.length + header.payloadLength) }
    return .absent
  }

  @inline(__always)
  private func transport(_ context: borrowing PacketContext) -> Value {
    guard let transport = context.packet.transport else { return .absent }
    guard transport.fragmentOffset == 0 else {
      return self == .tcpHeader && transport.family == .ipv4 && transport.fragmentOffset == 8 ? .malformed : .absent
    }
    let offset = transport.offset
    switch self {
    case .header(let length): return context.packet.bytes.holds(Int(length), at: offset) ? .value(1) : .malformed
    case .tcpHeader: return context.packet.bytes.holds(TCPHeader.minimumLength, at: offset) ? .value(1) : .malformed
    case .byte(let place): return context.packet.bytes.uint8(at: offset &+ Int(place)).map { .of($0) } ?? .malformed
    case .half(let place, let length):
      guard context.packet.bytes.holds(Int(length), at: offset) else { return .malformed }
      return context.packet.bytes.uint16(at: offset &+ Int(place)).map { .of($0) } ?? .malformed
    case .word(let place): return context.packet.bytes.uint32(at: offset &+ Int(place)).map { .of($0) } ?? .malformed
    default: return .absent
    }
  }
}

/// The bits of `XT_CONNTRACK_STATE_*`.
public enum ConntrackState {
  public static let invalid: UInt16 = 1 << 0
  public static let established: UInt16 = 1 << 1
  public static let related: UInt16 = 1 << 2
  public static let new: UInt16 = 1 << 3
  public static let sourceNAT: UInt16 = 1 << 6
  public static let destinationNAT: UInt16 = 1 << 7
  public static let untracked: UInt16 = 1 << 8

  /// The state of a packet in its connection. The corresponding kernel code stands at the beginning of `conntrack_mt`.
  static func of(_ context: borrowing PacketContext) -> UInt16 {
    switch context.attachment {
    case .none, .template: return invalid
    case .untracked: return untracked
    case .connection(let handle, let info):
      var state =
        switch info {
        case .new: new
        case .established, .establishedReply: established
        case .related, .relatedReply: related
        }
      let status = context.world.conntrack?.status(of: handle) ?? []
      if status.contains(.sourceNAT) { state |= sourceNAT }
      if status.contains(.destinationNAT) { state |= destinationNAT }
      return state
    }
  }
}
