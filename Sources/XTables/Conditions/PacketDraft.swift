public import Conntrack
public import Wire

/// A packet that is put together field by field, with what rides on it: a drawn packet, or the witness of an analysis.
///
/// ``Field/set(_:in:)`` writes into it. Protocol and family are to be right before fields of the transport header are set.
public struct PacketDraft: Sendable, Equatable {
  /// What stands in its bytes.
  public var fields: PacketFields
  /// The interface by which it comes; nil for a packet of this host.
  public var input: String?
  /// The interface by which it leaves; nil where none is asked for.
  public var output: String?
  /// The Ethernet source address, where one is asked for.
  public var hardwareSource: MACAddress?
  public var mark: UInt32 = 0
  /// User and group of the socket that sends it; they count for a packet of this host alone.
  public var uid: UInt32 = 0
  public var gid: UInt32 = 0

  public init(_ fields: PacketFields, input: String? = nil) {
    self.fields = fields
    self.input = input
  }

  public var family: Family { fields.source.family }

  /// The packet at a hook.
  ///
  /// - Parameters:
  ///   - hook: where it stands. An interface that a packet has not at this hook is left out.
  ///   - world: knows the interfaces; one it does not know gets no index.
  ///   - attachment: what it is to connection tracking.
  public func context(at hook: Hook, in world: World, attachment: Attachment = .none) throws(PacketFields.BuildError) -> PacketContext {
    var packet = try fields.packet()
    if let hardwareSource {
      packet.link = LinkHeader(
        source: hardwareSource, destination: MACAddress(rawValue: 0x0200_0000_0001), etherType: family == .ipv4 ? 0x0800 : 0x86dd)
    }
    func interface(_ name: String) -> Interface { world.host.interface(named: name) ?? Interface(index: 0, name: name) }
    var context = PacketContext(packet: packet, family: family, hook: hook, attachment: attachment, world: world)
    if hook != .output { context.input = input.map(interface) }
    if hook != .prerouting, hook != .input { context.output = output.map(interface) }
    if input == nil, hook == .output || hook == .postrouting { context.owner = SocketFacts(uid: uid, gid: gid) }
    context.mark = mark
    return context
  }

  /// Whether a TCP header is laid out by its fields.
  public var isTCP: Bool { isBuilt(.tcp) }

  /// Whether the builder of packets lays out a header of the protocol, and no bytes stand for it.
  func isBuilt(_ protocols: IPProtocol...) -> Bool { fields.transportBytes == nil && protocols.contains(fields.proto) }

  /// Bytes of the header that the builder of packets lays out; nil where it knows none of the protocol, or bytes stand for it.
  var builtHeaderLength: Int? {
    guard fields.transportBytes == nil else { return nil }
    return switch fields.proto {
    case .tcp: TCPHeader.minimumLength
    case .udp, .udplite, .icmp, .icmpv6: 8
    case .sctp: 16
    default: nil
    }
  }

  /// Writes bytes of the transport header as they stand in the packet; what is missing before them is zero.
  ///
  /// - Returns: false, with nothing written, where the protocol is an extension header of IPv6, behind which the transport header begins.
  public mutating func setTransport(_ bytes: [UInt8], at offset: Int) -> Bool {
    if family == .ipv6, fields.proto.isExtensionHeader { return false }
    setLastHeader(bytes, at: offset)
    return true
  }

  /// The same for whatever header the draft's protocol names, extension header or not.
  public mutating func setLastHeader(_ bytes: [UInt8], at offset: Int) {
    var transport = fields.transportBytes ?? []
    let missing = offset + bytes.count - transport.count
    if missing > 0 { transport += [UInt8](repeating: 0, count: missing) }
    transport.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    fields.transportBytes = transport
  }

  /// Makes the datagram so long by its payload; false where its headers alone are longer, or no datagram is so long.
  mutating func setLength(_ total: Int) -> Bool {
    var empty = fields
    empty.payload = []
    guard fields.transportBytes == nil, let headers = try? empty.packet().count, total >= headers, total <= 0xFFFF else { return false }
    fields.payload = [UInt8](repeating: UInt8(ascii: "x"), count: total - headers)
    return true
  }
}
