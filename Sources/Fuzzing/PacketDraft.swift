import Lab
import Wire
import XTables

/// A packet being drawn: fields that are set as rules ask for them, and then written as a step of a scenario.
struct PacketDraft {
  var interface: String?
  var source: IPAddress
  var destination: IPAddress
  var proto: IPProtocol
  var sourcePort: UInt16 = 1000
  var destinationPort: UInt16 = 80
  var flags: TCPFlags = .syn
  var icmpType: UInt8?
  var icmpCode: UInt8 = 0
  var identifier: UInt16 = 1
  var ttl: UInt8 = 64
  var tos: UInt8 = 0
  var dontFragment = false
  var payload: [UInt8] = []
  var tcpOptions: [UInt8] = []
  var ipOptions: [UInt8] = []
  var hardwareSource: String?
  var mark: UInt32 = 0
  var uid: UInt32 = 0
  var gid: UInt32 = 0
  /// Where set, all behind the network header.
  var transport: [UInt8]?
  var extensions: [PacketFields.Extension] = []
  var fragment: (offset: Int, length: Int?, more: Bool)?
  /// Members of the step that stand as they are: `badsum`, `seq`.
  var extras: [JSONObject.Member] = []

  var isIPv4: Bool { source.family == .ipv4 }
  var isLocal: Bool { interface == nil }

  /// Gives the packet a field's value. Fields that are no packet's own are left alone.
  mutating func set(_ field: String, _ value: UInt128) {
    switch field {
    case Field.sourceAddress.name: source = IPAddress(family: source.family, bits: value)
    case Field.destinationAddress.name: destination = IPAddress(family: source.family, bits: value)
    case Field.sourcePort.name: sourcePort = UInt16(truncatingIfNeeded: value)
    case Field.destinationPort.name: destinationPort = UInt16(truncatingIfNeeded: value)
    case Field.tcpFlags.name: flags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: value))
    case Field.hopLimit.name: ttl = UInt8(truncatingIfNeeded: value)
    case Field.typeOfService.name: tos = UInt8(truncatingIfNeeded: value)
    case Field.mark.name: mark = UInt32(truncatingIfNeeded: value)
    case Field.datagramLength.name: setLength(Int(truncatingIfNeeded: value))
    case Field.icmpTypeAndCode.name:
      icmpType = UInt8(truncatingIfNeeded: value >> 8)
      icmpCode = UInt8(truncatingIfNeeded: value)
    // The highest number is nobody's.
    case "owner.uid": if value < UInt32.max { uid = UInt32(value) }
    case "owner.gid": if value < UInt32.max { gid = UInt32(value) }
    case "link.src": hardwareSource = Self.hardwareAddress(value)
    case "tcp.mss": tcpOptions = [2, 4, UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    case "esp.spi": transport = Self.words(UInt32(truncatingIfNeeded: value), 1)
    case "ah.spi": transport = [17, 4, 0, 0] + Self.words(UInt32(truncatingIfNeeded: value), 1) + [UInt8](repeating: 7, count: 20)
    case "ipcomp.cpi": transport = [17, 0] + Self.words(UInt32(truncatingIfNeeded: value) << 16).prefix(2) + [1, 2, 3, 4]
    default:
      if field.hasPrefix("tcp.option."), let kind = UInt8(field.dropFirst(11)) {
        tcpOptions = value == 0 ? [] : kind < 2 ? [kind] : [kind, 4, 5, 0xB4]
      }
    }
  }

  private static func words(_ words: UInt32...) -> [UInt8] {
    var bytes: [UInt8] = []
    for word in words { bytes.appendUInt32(word) }
    return bytes
  }

  static func hardwareAddress(_ value: UInt128) -> String {
    (0..<6).map { Hex.string([UInt8(truncatingIfNeeded: value >> UInt128(40 - 8 * $0))]) }.joined(separator: ":")
  }

  private mutating func setLength(_ total: Int) {
    let network = isIPv4 ? 20 : 40
    let header = proto == .tcp ? 20 : 8
    payload = [UInt8](repeating: UInt8(ascii: "x"), count: min(max(0, total - network - header), 1800))
  }

  /// The packet as a step; nil where no such packet can be written.
  var step: JSONValue? {
    var step: JSONObject = [:]
    if let interface {
      step["in"] = .string(interface)
      if let hardwareSource { step["smac"] = .string(hardwareSource) }
    } else {
      var sender: JSONObject = [:]
      if uid != 0 { sender["uid"] = JSONValue(uid) }
      if gid != 0 { sender["gid"] = JSONValue(gid) }
      if mark != 0 { sender["mark"] = JSONValue(mark) }
      step["local"] = .object(sender)
    }
    guard extensions.isEmpty else {
      guard let bytes = try? fields.packet().bytes else { return nil }
      step["hex"] = .string(Hex.string(bytes))
      return .object(step)
    }
    step["src"] = .string("\(source)")
    step["dst"] = .string("\(destination)")
    addTransport(&step)
    if ttl != 64 { step["ttl"] = JSONValue(ttl) }
    if tos != 0 { step["tos"] = JSONValue(tos) }
    if dontFragment, isIPv4 { step["df"] = true }
    if !ipOptions.isEmpty, isIPv4 { step["ipopts"] = .string(Hex.string(ipOptions)) }
    if let fragment {
      var piece: JSONObject = ["off": .integer(fragment.offset)]
      if let length = fragment.length { piece["len"] = .integer(length) }
      if fragment.more { piece["mf"] = true }
      step["frag"] = .object(piece)
    }
    step.members += extras
    return .object(step)
  }

  private func addTransport(_ step: inout JSONObject) {
    let names: [IPProtocol: JSONValue] = [.tcp: "tcp", .udp: "udp", .icmp: "icmp", .icmpv6: "icmpv6", .udplite: "udplite", .sctp: "sctp"]
    step["proto"] = names[proto] ?? JSONValue(proto.rawValue)
    if let transport {
      step["l4"] = .string(Hex.string(transport))
      return
    }
    switch proto {
    case .icmp, .icmpv6:
      if let icmpType { step["type"] = JSONValue(icmpType) }
      if icmpCode != 0 { step["code"] = JSONValue(icmpCode) }
      step["id"] = JSONValue(identifier)
    default:
      step["sport"] = JSONValue(sourcePort)
      step["dport"] = JSONValue(destinationPort)
      if proto == .sctp, let icmpType { step["type"] = JSONValue(icmpType) }
      if proto == .tcp {
        step["flags"] = .string("\(flags)")
        if !tcpOptions.isEmpty { step["opts"] = .string(Hex.string(tcpOptions)) }
      }
    }
    guard !payload.isEmpty else { return }
    let isFiller = payload.allSatisfy { $0 == UInt8(ascii: "x") }
    step["payload"] = isFiller ? ["len": .integer(payload.count)] : ["hex": .string(Hex.string(payload))]
  }

  private var fields: PacketFields {
    var fields = PacketFields(source, destination, proto: proto)
    (fields.ttl, fields.tos, fields.extensions, fields.payload) = (ttl, tos, extensions, payload)
    (fields.sourcePort, fields.destinationPort, fields.tcpFlags, fields.tcpOptions) = (sourcePort, destinationPort, flags, tcpOptions)
    (fields.icmpType, fields.icmpCode, fields.icmpIdentifier, fields.transportBytes) = (icmpType, icmpCode, identifier, transport)
    if let fragment { fields.fragment = PacketFields.Fragment(offset: fragment.offset, length: fragment.length, moreFragments: fragment.more) }
    return fields
  }
}
