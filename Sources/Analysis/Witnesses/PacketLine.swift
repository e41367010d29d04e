import Wire
public import XTables

extension PacketDraft {
  /// The packet as a line that `ferrule run` reads: readable where the notation has words for all of it, otherwise its bytes.
  ///
  /// - Parameter facts: the user and the group of the sender are written if they are stated.
  public func line(stating facts: HostFacts) -> String? {
    var words: [String] = []
    if let input {
      words.append(input)
      if let hardwareSource { words.append("smac=\(hardwareSource)") }
    } else {
      words.append("local")
      if facts.contains(.user) { words.append("uid=\(uid)") }
      if facts.contains(.group) { words.append("gid=\(gid)") }
      if mark != 0 { words.append("mark=\(mark)") }
    }
    let isSequenceKept = fields.sequence == 0 && fields.acknowledgment == 0 && !fields.tcpFlags.contains(.ack)
    let isSimple =
      fields.extensions.isEmpty && fields.ipOptions.isEmpty && fields.dataOffset == nil && fields.quoted == nil
      && (fields.proto != .tcp || isSequenceKept || fields.transportBytes != nil) && fields.payload.allSatisfy { $0 == UInt8(ascii: "x") }
    guard isSimple else {
      guard let bytes = try? fields.packet().bytes else { return nil }
      return (words + ["hex", Hex.string(bytes)]).joined(separator: " ")
    }
    let hasPorts = fields.proto.hasPorts && fields.transportBytes == nil
    words.append(Self.name(fields.proto))
    words.append(Self.endpoint(fields.source, hasPorts ? fields.sourcePort : fields.proto.hasPorts ? 0 : nil))
    words.append(">")
    words.append(Self.endpoint(fields.destination, hasPorts ? fields.destinationPort : fields.proto.hasPorts ? 0 : nil))
    return (words + details).joined(separator: " ")
  }

  private var details: [String] {
    var words: [String] = []
    if let bytes = fields.transportBytes {
      words.append("l4=\(Hex.string(bytes))")
    } else if fields.proto == .tcp {
      words.append(fields.tcpFlags.rawValue == 0 ? "l4=" + Hex.string(bareTransport) : "\(fields.tcpFlags)")
      if !fields.tcpOptions.isEmpty, fields.tcpFlags.rawValue != 0 { words.append("opts=\(Hex.string(fields.tcpOptions))") }
    } else if fields.proto == .icmp || fields.proto == .icmpv6 {
      words.append("\(fields.icmpType ?? (fields.proto == .icmp ? 8 : 128))/\(fields.icmpCode)")
    }
    if fields.ttl != 64 { words.append("ttl=\(fields.ttl)") }
    if fields.tos != 0 { words.append("tos=\(fields.tos)") }
    if let fragment = fields.fragment { words.append("frag=\(fragment.offset)") }
    if !fields.payload.isEmpty { words.append("len=\(fields.payload.count)") }
    return words
  }

  /// The bytes of the transport header of a packet whose flags the notation has no word for.
  private var bareTransport: [UInt8] {
    var whole = fields
    whole.fragment = nil
    guard let packet = try? whole.packet(), let transport = packet.transport else { return [] }
    return Array(packet.bytes.dropFirst(transport.offset))
  }

  private static func name(_ proto: IPProtocol) -> String {
    switch proto {
    case .tcp: "tcp"
    case .udp: "udp"
    case .udplite: "udplite"
    case .sctp: "sctp"
    case .dccp: "dccp"
    case .icmp: "1"
    case .icmpv6: "58"
    default: "\(proto.rawValue)"
    }
  }

  private static func endpoint(_ address: IPAddress, _ port: UInt16?) -> String {
    guard let port else { return "\(address)" }
    return address.family == .ipv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
  }
}
