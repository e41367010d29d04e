public import Conntrack
public import Netfilter
public import Wire

/// A packet that is built field by field, with its metadata: a drawn packet, or the witness of an analysis.
///
/// ``Field/set(_:in:)`` writes to it. Set family and protocol before the fields of the transport header.
public struct PacketDraft: Sendable, Equatable {
  /// The fields of the packet's bytes.
  public var fields: PacketFields
  /// The incoming interface; nil for a packet of this host.
  public var input: String?
  /// The outgoing interface; nil if not specified.
  public var output: String?
  /// The Ethernet source address; nil if not specified.
  public var hardwareSource: MACAddress?
  /// The packet mark.
  public var mark: UInt32 = 0
  /// The user of the sending socket; used only for a packet of this host.
  public var uid: UInt32 = 0
  /// The group of the sending socket; used only for a packet of this host.
  public var gid: UInt32 = 0

  /// Creates a draft from the fields of a packet.
  public init(_ fields: PacketFields, input: String? = nil) {
    self.fields = fields
    self.input = input
  }

  /// The family of the packet.
  public var family: Family { fields.source.family }

  /// The packet at a hook.
  ///
  /// - Parameters:
  ///   - hook: the hook. An interface that packets do not have at this hook is left out.
  ///   - world: the namespace with the interfaces. An interface that it does not have gets the index 0.
  ///   - attachment: the packet's connection.
  /// - Throws: an error if the fields do not make a packet.
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

  /// Whether the packet has a TCP header that is built from fields.
  public var isTCP: Bool { isBuilt(.tcp) }

  /// Whether the packet has a header of one of the protocols that is built from fields, not from bytes.
  func isBuilt(_ protocols: IPProtocol...) -> Bool { fields.transportBytes == nil && protocols.contains(fields.proto) }

  /// The size in bytes of a transport header that is built from fields; nil for other protocols, and for one given as bytes.
  var builtHeaderLength: Int? {
    guard fields.transportBytes == nil else { return nil }
    return switch fields.proto {
    case .tcp: TCPHeader.minimumLength
    case .udp, .udplite, .icmp, .icmpv6: 8
    case .sctp: 16
    default: nil
    }
  }

  /// Writes bytes of the transport header, in network order. Missing bytes before them are zero.
  ///
  /// - Returns: false, without changes, if the protocol is an IPv6 extension header, because the transport header begins behind it.
  public mutating func setTransport(_ bytes: [UInt8], at offset: Int) -> Bool {
    if family == .ipv6, fields.proto.isExtensionHeader { return false }
    setLastHeader(bytes, at: offset)
    return true
  }

  /// Writes bytes of the header that the draft's protocol names, even if it is an extension header.
  public mutating func setLastHeader(_ bytes: [UInt8], at offset: Int) {
    var transport = fields.transportBytes ?? []
    let missing = offset + bytes.count - transport.count
    if missing > 0 { transport += [UInt8](repeating: 0, count: missing) }
    transport.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    fields.transportBytes = transport
  }

  /// Sets the length of the datagram by its payload. Returns false if the headers alone are longer, or the length exceeds 65,535.
  mutating func setLength(_ total: Int) -> Bool {
    var empty = fields
    empty.payload = []
    guard fields.transportBytes == nil, let headers = try? empty.packet().count, total >= headers, total <= 0xFFFF else { return false }
    fields.payload = [UInt8](repeating: UInt8(ascii: "x"), count: total - headers)
    return true
  }
}
