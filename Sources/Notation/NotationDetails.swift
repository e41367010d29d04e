package import Wire

/// Parses the words after a packet's destination.
package enum NotationDetails {
  /// Applies `name=value`.
  package static func set(
    _ name: String, _ value: String, _ word: NotationWord, _ fields: inout PacketFields, _ spec: inout PacketSpec
  ) throws(NotationError) {
    switch name {
    case "ttl", "hl": fields.ttl = try NotationReader.integer(value, word)
    case "tos", "tclass": fields.tos = try NotationReader.integer(value, word)
    case "dscp":
      let dscp: UInt8 = try NotationReader.integer(value, word)
      guard dscp < 64 else { throw NotationError("a DSCP must be less than 64", at: word.range) }
      fields.tos = fields.tos & 3 | dscp << 2
    case "ipid": fields.identification = try NotationReader.integer(value, word)
    case "seq":
      fields.sequence = try NotationReader.integer(value, word)
      spec.continuesSequence = false
    case "ack":
      fields.acknowledgment = try NotationReader.integer(value, word)
      spec.acknowledgesAll = false
    case "win": fields.window = try NotationReader.integer(value, word)
    case "id": fields.icmpIdentifier = try NotationReader.integer(value, word)
    case "iseq": fields.icmpSequence = try NotationReader.integer(value, word)
    case "mtu": fields.mtu = try NotationReader.integer(value, word)
    case "payload": fields.payload = try text(value, word)
    case "data": fields.payload = try bytes(value, word)
    case "len":
      let length: UInt16 = try NotationReader.integer(value, word)
      fields.payload = [UInt8](repeating: UInt8(ascii: "x"), count: Int(length))
    case "opts": fields.tcpOptions = try bytes(value, word)
    case "l4": fields.transportBytes = try bytes(value, word)
    case "frag": fields.fragment = try fragment(value, word)
    default:
      throw DetailPlace.packet.refuse(name, word)
    }
  }

  /// The bytes of a text with the escapes `\r`, `\n`, `\t`, `\0`, `\\`, `\"` and `\xNN`.
  private static func text(_ text: String, _ word: NotationWord) throws(NotationError) -> [UInt8] {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "r"): result.append(13)
      case UInt8(ascii: "n"): result.append(10)
      case UInt8(ascii: "t"): result.append(9)
      case UInt8(ascii: "0"): result.append(0)
      case UInt8(ascii: "\\"): result.append(UInt8(ascii: "\\"))
      case UInt8(ascii: "\""): result.append(UInt8(ascii: "\""))
      case UInt8(ascii: "x"):
        guard let byte = Hex.bytes(String(decoding: rest.prefix(2), as: UTF8.self)), byte.count == 1 else { throw escapeError(word) }
        result += byte
        rest = rest.dropFirst(2)
      default: throw escapeError(word)
      }
    }
    return result
  }

  private static func escapeError(_ word: NotationWord) -> NotationError {
    NotationError(
      "the payload has an unknown escape", at: word.range, hint: "the escapes are \\r, \\n, \\t, \\0, \\\\, \\\" and \\xNN, such as \\x1b")
  }

  private static func bytes(_ text: String, _ word: NotationWord) throws(NotationError) -> [UInt8] {
    guard let bytes = Hex.bytes(text) else {
      throw NotationError("`\(text)' is not a sequence of bytes in hexadecimal", at: word.range)
    }
    return bytes
  }

  /// Parses `OFFSET` or `OFFSET+LENGTH`; an appended `,more` sets the more-fragments flag.
  private static func fragment(_ value: String, _ word: NotationWord) throws(NotationError) -> PacketFields.Fragment {
    let parts = value.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 1 || parts[1] == "more" else {
      throw NotationError(
        "`\(value)' is not a fragment", at: word.range,
        hint: "write frag=OFFSET+LENGTH in bytes, with ,more if more fragments follow: frag=0+16,more")
    }
    let span = parts[0].split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    let offset: UInt16 = try NotationReader.integer(String(span[0]), word)
    let length: UInt16? = span.count == 2 ? try NotationReader.integer(String(span[1]), word) : nil
    return PacketFields.Fragment(offset: Int(offset), length: length.map { Int($0) }, moreFragments: parts.count == 2)
  }

  /// Applies a word without a value: TCP flags, an ICMP type, `DF`, `badsum`, `nosum`.
  package static func set(_ word: NotationWord, _ fields: inout PacketFields) throws(NotationError) {
    switch word.text {
    case "DF", "df": fields.dontFragment = true
    case "badsum": fields.hasBadChecksum = true
    case "nosum": fields.hasNoChecksum = true
    default:
      if fields.proto == .tcp, let flags = TCPFlags(word.text) {
        fields.tcpFlags = flags
      } else if fields.proto == .icmp || fields.proto == .icmpv6, let (type, code) = icmpType(word.text, fields.proto) {
        fields.icmpType = type
        fields.icmpCode = code
      } else {
        throw NotationError("`\(word.text)' is not a detail of \(fields.proto) packets", at: word.range, hint: hint(fields.proto))
      }
    }
  }

  private static func hint(_ proto: IPProtocol) -> String {
    switch proto {
    case .tcp: "write TCP flags as letters of FSRPAUEC, such as S or PA"
    case .icmp, .icmpv6:
      "write an ICMP type as TYPE/CODE, TYPE, or one of " + (proto == .icmp ? icmpTypes : icmpv6Types).map(\.name).joined(separator: ", ")
    default: "details are DF, badsum, nosum, or name=value"
    }
  }

  private static func icmpType(_ text: String, _ proto: IPProtocol) -> (UInt8, UInt8)? {
    if let known = (proto == .icmp ? icmpTypes : icmpv6Types).first(where: { $0.name == text }) { return (known.type, known.code) }
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let type = UInt8(parts[0]) else { return nil }
    guard parts.count == 2 else { return (type, 0) }
    return UInt8(parts[1]).map { (type, $0) }
  }

  private static let icmpTypes: [(name: String, type: UInt8, code: UInt8)] = [
    ("echo-request", 8, 0), ("echo-reply", 0, 0), ("net-unreachable", 3, 0), ("host-unreachable", 3, 1),
    ("protocol-unreachable", 3, 2), ("port-unreachable", 3, 3), ("fragmentation-needed", 3, 4), ("time-exceeded", 11, 0),
    ("redirect", 5, 1),
  ]

  private static let icmpv6Types: [(name: String, type: UInt8, code: UInt8)] = [
    ("echo-request", 128, 0), ("echo-reply", 129, 0), ("no-route", 1, 0), ("port-unreachable", 1, 4), ("packet-too-big", 2, 0),
    ("time-exceeded", 3, 0), ("router-solicitation", 133, 0), ("router-advertisement", 134, 0), ("neighbour-solicitation", 135, 0),
    ("neighbour-advertisement", 136, 0),
  ]
}
