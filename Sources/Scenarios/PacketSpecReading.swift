import Documents
public import Notation
import Wire

extension PacketSpec {
  /// The names of a scenario's members that describe a packet.
  public static let memberNames: Set<String> = [
    "hex", "src", "dst", "proto", "sport", "dport", "flags", "seq", "ack", "win", "opts", "type", "code", "id", "iseq", "inner",
    "mtu", "payload", "ttl", "tos", "ipid", "df", "frag", "ipopts", "l4", "badsum", "nosum", "doff",
  ]

  /// Reads the packet from an object that may have other members.
  init(_ reader: ScenarioReader) throws(ScenarioError) {
    if let hex = try PacketSpec.hex("hex", reader) {
      self.init(.bytes(hex))
      return
    }
    var fields = try PacketSpec.network(reader)
    try PacketSpec.readTransport(reader, into: &fields)
    self.init(.fields(fields))
    continuesSequence = reader.value("seq") == .string("auto")
    acknowledgesAll = reader.value("ack") == .string("auto")
  }

  private static func network(_ reader: ScenarioReader) throws(ScenarioError) -> PacketFields {
    let ends = (try address("src", reader), try address("dst", reader))
    guard ends.0.family == ends.1.family else { throw reader.error("dst", "must be of the same address family as src") }
    var fields = PacketFields(ends.0, ends.1, proto: try proto(reader))
    // For IPv6, "icmp" means ICMPv6; the number 1 still selects ICMP.
    if ends.0.family == .ipv6, reader.value("proto") == .string("icmp") { fields.proto = .icmpv6 }
    fields.ttl = try reader.integer("ttl") ?? 64
    fields.tos = try reader.integer("tos") ?? 0
    fields.identification = try reader.integer("ipid") ?? 1
    fields.dontFragment = try reader.bool("df") ?? false
    fields.ipOptions = try hex("ipopts", reader) ?? []
    if let piece = try reader.reader("frag") {
      try piece.allow(only: ["off", "len", "mf"])
      let offset: UInt16 = try piece.integer("off") ?? 0
      let length: UInt16? = try piece.integer("len")
      fields.fragment = PacketFields.Fragment(
        offset: Int(offset), length: length.map { Int($0) }, moreFragments: try piece.bool("mf") ?? false)
    }
    return fields
  }

  private static func readTransport(_ reader: ScenarioReader, into fields: inout PacketFields) throws(ScenarioError) {
    fields.transportBytes = try hex("l4", reader)
    fields.payload = try payload(reader)
    fields.sourcePort = try reader.integer("sport") ?? 0
    fields.destinationPort = try reader.integer("dport") ?? 0
    fields.hasBadChecksum = try reader.bool("badsum") ?? false
    fields.hasNoChecksum = try reader.bool("nosum") ?? false
    if let flags = reader.value("flags"), flags.text.map({ $0.utf8.first.map { (0x30...0x39).contains($0) } ?? false }) ?? true {
      fields.tcpFlags = TCPFlags(rawValue: try reader.integer("flags") ?? 0)
    } else if let letters = try reader.text("flags") {
      guard let flags = TCPFlags(letters) else { throw reader.error("flags", "expected letters of FSRPAUEC, found \(letters)") }
      fields.tcpFlags = flags
    }
    if reader.value("seq") != .string("auto") { fields.sequence = try reader.integer("seq") ?? 0 }
    if reader.value("ack") != .string("auto") { fields.acknowledgment = try reader.integer("ack") ?? 0 }
    fields.window = try reader.integer("win") ?? 65535
    fields.tcpOptions = try hex("opts", reader) ?? []
    if let words: UInt8 = try reader.integer("doff") {
      guard words < 16 else { throw reader.error("doff", "must be less than 16") }
      fields.dataOffset = words
    }
    fields.icmpType = try reader.integer("type")
    fields.icmpCode = try reader.integer("code") ?? 0
    fields.icmpIdentifier = try reader.integer("id") ?? 1
    fields.icmpSequence = try reader.integer("iseq") ?? 1
    fields.mtu = try reader.integer("mtu") ?? 0
    if let inner = try reader.reader("inner") {
      try inner.allow(only: memberNames)
      do {
        fields.quoted = try PacketSpec(inner).packet(after: TCPProgress()).bytes
      } catch let error as PacketFields.BuildError {
        throw reader.error("inner", "\(error)")
      } catch let error as ScenarioError {
        throw error
      } catch {
        throw reader.error("inner", "\(error)")
      }
    }
  }

  static func payload(_ reader: ScenarioReader) throws(ScenarioError) -> [UInt8] {
    switch reader.value("payload") {
    case nil: return []
    case .string(let text): return Array(text.utf8)
    case .some(let value):
      let form = try ScenarioReader(value, at: reader.path("payload"))
      try form.allow(only: ["hex", "len"])
      if let bytes = try hex("hex", form) { return bytes }
      let length: UInt16 = try form.integer("len") ?? 0
      return [UInt8](repeating: UInt8(ascii: "x"), count: Int(length))
    }
  }

  private static func hex(_ name: String, _ reader: ScenarioReader) throws(ScenarioError) -> [UInt8]? {
    guard let text = try reader.text(name) else { return nil }
    guard let bytes = Hex.bytes(text) else { throw reader.error(name, "expected pairs of hexadecimal digits") }
    return bytes
  }

  private static func address(_ name: String, _ reader: ScenarioReader) throws(ScenarioError) -> IPAddress {
    guard let text = try reader.text(name) else { throw reader.error(name, "is missing") }
    guard let address = IPAddress(text) else { throw reader.error(name, "`\(text)' is not an address") }
    return address
  }

  private static func proto(_ reader: ScenarioReader) throws(ScenarioError) -> IPProtocol {
    guard let value = reader.value("proto") else { return .udp }
    guard let name = value.text else { return IPProtocol(rawValue: try ScenarioReader.integer(value, at: reader.path("proto"))) }
    switch name {
    case "tcp": return .tcp
    case "udp": return .udp
    case "icmp": return .icmp
    case "icmp6", "icmpv6", "ipv6-icmp": return .icmpv6
    case "udplite": return .udplite
    case "sctp": return .sctp
    case "dccp": return .dccp
    case "gre": return .gre
    case "esp": return .esp
    case "ah": return .ah
    case "igmp": return .igmp
    case "ipip": return .ipip
    default:
      guard let number = UInt8(name) else { throw reader.error("proto", "unknown protocol \(name)") }
      return IPProtocol(rawValue: number)
    }
  }
}
