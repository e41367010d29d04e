import Conntrack
public import Wire

/// The properties of packets that rules test most often. Each is read in place, without a closure and without reference counting.
public enum PacketWord: BitwiseCopyable, Sendable, Hashable {
  /// The packet mark.
  case mark
  /// The addresses of the network header.
  case source, destination
  /// TTL, TOS and length of the network header, or the fields of IPv6 that correspond to them.
  case hopLimit, typeOfService, datagramLength
  /// Whether at least this many bytes of the transport header are present.
  case header(UInt8)
  /// The same for TCP. The kernel drops a fragment that would overwrite the flags of the TCP header.
  case tcpHeader
  /// One byte of the transport header, two bytes of a header with a minimum size, or four bytes; absent in a later fragment.
  case byte(at: UInt8)
  /// Two bytes at an offset in a header with a minimum size.
  case half(at: UInt8, of: UInt8)
  /// Four bytes at an offset.
  case word(at: UInt8)
  /// `XT_CONNTRACK_STATE_*`.
  case connectionState
  /// The same without the bits of translation, which are stored in the connection.
  case connectionInfo
  /// 1 if the packet has a connection, otherwise 0.
  case connectionExists
  /// 0 in the original direction, 1 in the reply direction.
  case connectionDirection
  /// The `IPS_*` bits of the connection; absent if there is none.
  case connectionStatus
  /// The mark of the connection; absent if there is none.
  case connectionMark

  /// The result of reading; see ``FieldValue``.
  enum Value<Word: FixedWidthInteger & BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable {
    case value(Word)
    case absent
    case malformed

    @inline(__always)
    static func of(_ value: some FixedWidthInteger) -> Value { .value(Word(truncatingIfNeeded: value)) }
  }

  /// The places of the ports in the transport header.
  static let sourcePortOffset = 0, destinationPortOffset = 2

  /// Whether the value has more than 64 bits: an address.
  var isWide: Bool { self == .source || self == .destination }

  /// What a test of the word reads; see ``PacketReads``.
  ///
  /// - Parameter test: nil if only the presence of the word is tested.
  func reads(in test: ValueTest?) -> PacketReads {
    let asksPresence = if case .masked(_, let mask) = test { mask == 0 } else { test == nil }
    guard asksPresence else { return reads }
    // All such packets have the first bytes of the header.
    return switch self {
    case .half(_, let length): Int(length) <= TCPHeader.minimumLength ? [] : .more
    case .byte(let place): Int(place) < TCPHeader.minimumLength ? [] : .more
    default: reads
    }
  }

  /// What a test of the word's value reads.
  private var reads: PacketReads {
    switch self {
    case .mark, .source, .destination, .typeOfService, .tcpHeader, .connectionState, .connectionInfo, .connectionExists,
      .connectionDirection:
      []
    case .header(let length): length <= TCPHeader.minimumLength ? [] : .more
    case .half(let place, let length):
      if length > TCPHeader.minimumLength { .more } else if place == 0 { .sourcePort } else if place == 2 { [] } else { .more }
    case .byte(let place): Int(place) == TCPHeader.Offset.flags ? .tcpFlags : .more
    case .word, .hopLimit, .datagramLength, .connectionStatus, .connectionMark: .more
    }
  }

  /// The word that is sufficient for a test of this one: a faster one if it gives the same result.
  func sufficient(for test: ValueTest?) -> PacketWord {
    let translation = UInt128(ConntrackState.sourceNAT | ConntrackState.destinationNAT)
    guard self == .connectionState, case .masked(_, let mask) = test, mask & translation == 0 else { return self }
    return .connectionInfo
  }

  /// Reads any word.
  func read(_ context: borrowing PacketContext, _ place: TransportPlace) -> Value<UInt128> {
    switch self {
    case .source: return context.packet.source.map { .value($0.bits) } ?? .absent
    case .destination: return context.packet.destination.map { .value($0.bits) } ?? .absent
    default:
      switch readNarrow(context, place) {
      case .value(let value): return .of(value)
      case .absent: return .absent
      case .malformed: return .malformed
      }
    }
  }

  /// Reads a word that is not wide.
  @inline(__always)
  func readNarrow(_ context: borrowing PacketContext, _ place: TransportPlace) -> Value<UInt64> {
    switch self {
    case .mark: return .of(context.mark)
    case .source, .destination: return .absent
    case .hopLimit: return context.packet.ttl.map { .of($0) } ?? .absent
    case .typeOfService: return context.packet.tos.map { .of($0) } ?? .absent
    case .datagramLength: return length(context)
    case .header, .tcpHeader, .byte, .half, .word: return transport(context.packet.bytes, place)
    case .connectionState: return .of(ConntrackState.of(context))
    case .connectionInfo: return .of(ConntrackState.info(context.attachment))
    case .connectionExists: return .of(context.attachment.connection == nil && context.attachment.template == nil ? 0 : 1)
    case .connectionDirection:
      if context.attachment.template != nil { return .of(Direction.original.rawValue) }
      return context.attachment.info.map { .of($0.direction.rawValue) } ?? .absent
    case .connectionStatus:
      if context.attachment.template != nil { return .of(Template.status.rawValue) }
      return context.attachment.connection.flatMap { context.world.conntrack?.status(of: $0) }.map { .of($0.rawValue) } ?? .absent
    case .connectionMark:
      if let template = context.attachment.template { return .of(template.mark) }
      return context.attachment.connection.flatMap { context.world.conntrack?.mark(of: $0) }.map { .of($0) } ?? .absent
    }
  }

  private func length(_ context: borrowing PacketContext) -> Value<UInt64> {
    if let header = context.packet.ipv4 { return .of(header.totalLength) }
    if let header = context.packet.ipv6 { return .of(IPv6Header.length + header.payloadLength) }
    return .absent
  }

  @inline(__always)
  private func transport(_ bytes: borrowing [UInt8], _ place: TransportPlace) -> Value<UInt64> {
    guard place.kind == .readable else { return self == .tcpHeader && place.kind == .overwriting ? .malformed : .absent }
    let offset = Int(place.offset)
    switch self {
    case .header(let length): return bytes.holds(Int(length), at: offset) ? .value(1) : .malformed
    case .tcpHeader: return bytes.holds(TCPHeader.minimumLength, at: offset) ? .value(1) : .malformed
    case .byte(let place): return bytes.uint8(at: offset &+ Int(place)).map { .of($0) } ?? .malformed
    case .half(let place, let length):
      guard bytes.holds(Int(length), at: offset) else { return .malformed }
      return bytes.uint16(at: offset &+ Int(place)).map { .of($0) } ?? .malformed
    case .word(let place): return bytes.uint32(at: offset &+ Int(place)).map { .of($0) } ?? .malformed
    default: return .absent
    }
  }
}

/// The place of a packet's transport header, determined once for all tests that read it.
public struct TransportPlace: BitwiseCopyable, Sendable {
  enum Kind: UInt8, BitwiseCopyable, Sendable {
    case readable
    /// The packet is a later fragment, or its network header cannot be read.
    case absent
    /// A later IPv4 fragment that would overwrite the second eight bytes of the transport header.
    case overwriting
  }

  let kind: Kind
  let offset: Int32

  /// The place of a located header; absent if nil.
  public init(_ locator: TransportLocator?) {
    offset = Int32(clamping: locator?.offset ?? 0)
    kind =
      switch (locator?.fragmentOffset, locator?.family) {
      case (nil, _): .absent
      case (0, _): .readable
      case (8, .ipv4): .overwriting
      default: .absent
      }
  }
}

extension TransportPlace {
  /// Whether no test of the first `length` bytes of the transport header drops the packet: the bytes are present, or the packet is a later
  /// fragment, which has no such header.
  public func isSound(in bytes: borrowing [UInt8], length: Int) -> Bool {
    switch kind {
    case .readable: bytes.holds(length, at: Int(offset))
    case .absent: true
    case .overwriting: false
    }
  }

  /// Two bytes at an offset in the transport header; 0 if they are not present.
  public func half(at place: Int, in bytes: borrowing [UInt8]) -> UInt16 {
    kind == .readable ? bytes.uint16(at: Int(offset) &+ place) ?? 0 : 0
  }
}

/// The bits of `XT_CONNTRACK_STATE_*`.
public enum ConntrackState {
  /// `INVALID`: the packet belongs to no connection.
  public static let invalid: UInt16 = 1 << 0
  /// `ESTABLISHED`.
  public static let established: UInt16 = 1 << 1
  /// `RELATED`.
  public static let related: UInt16 = 1 << 2
  /// `NEW`.
  public static let new: UInt16 = 1 << 3
  /// `SNAT`: the source of the connection is translated.
  public static let sourceNAT: UInt16 = 1 << 6
  /// `DNAT`: the destination of the connection is translated.
  public static let destinationNAT: UInt16 = 1 << 7
  /// `UNTRACKED`.
  public static let untracked: UInt16 = 1 << 8

  /// The state of a packet in its connection. The corresponding kernel code is at the beginning of `conntrack_mt`.
  static func of(_ context: borrowing PacketContext) -> UInt16 {
    var state = info(context.attachment)
    guard let handle = context.attachment.connection, let status = context.world.conntrack?.status(of: handle) else { return state }
    if status.contains(.sourceNAT) { state |= sourceNAT }
    if status.contains(.destinationNAT) { state |= destinationNAT }
    return state
  }

  /// The state without the bits of translation.
  @inline(__always)
  static func info(_ attachment: Attachment) -> UInt16 {
    switch attachment {
    case .none, .answerToUntracked: invalid
    case .untracked: untracked
    // A template counts as a new connection. The corresponding kernel function is `xt_ct_target`.
    case .template, .connection(_, .new): new
    case .connection(_, .established), .connection(_, .establishedReply): established
    case .connection(_, .related), .connection(_, .relatedReply): related
    }
  }
}
