import CNetfilter
public import Wire
public import XTables

/// Matches ports, packet types and options of DCCP. Kernel: `xt_dccp`, revision 0.
public enum DCCPMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_dccp_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var destinationPorts = PortRange(0, 0)
    var sourcePorts = PortRange(0, 0)
    var matched: UInt16 = 0
    var inverted: UInt16 = 0
    /// A bit for each packet type.
    var types: UInt16 = 0
    var option: UInt8 = 0
    var padding: UInt8 = 0
  }

  /// The bits of `flags` and `invflags`: `XT_DCCP_*`.
  private enum Flag {
    static let sourcePorts: UInt16 = 0x01
    static let destinationPorts: UInt16 = 0x02
    static let types: UInt16 = 0x04
    static let option: UInt16 = 0x08
  }

  public static let name = "dccp"
  public static let families: Families = .both
  public static let summary = "matches ports, packet types and options of DCCP"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [33]) }

  private static let typeNames = [
    "REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID",
  ]

  private static let types = ValueSyntax<UInt16>(
    placeholder: "type[,type...]", grammar: "dccp-type { \",\" dccp-type }", samples: typeNames + ["REQUEST,response", "INVALID,DATA"],
    nearMisses: ["REQ", "REQUEST,FOO"],
    parse: { token, arguments throws(OptionError) in
      var mask: UInt16 = 0
      for part in token.split(on: ",") where !part.bytes.isEmpty {
        guard let type = typeNames.firstIndex(where: { $0.equalsIgnoringCase(part) }) else {
          throw OptionError(
            "bad-value", "Unknown DCCP type `\(part.string)'", at: part.range,
            hint: "the types are " + typeNames.joined(separator: ", "))
        }
        // Every number without a name counts as INVALID.
        mask |= type == 10 ? 0xfc00 : 1 << UInt16(type)
      }
      return mask
    },
    print: { mask, text in
      let named = typeNames.enumerated().filter { mask >> UInt16($0.offset) & 1 == 1 }.map(\.element)
      text.word(named.joined(separator: ","))
    })

  public static let options: [Option<Info>] = [
    Option(
      "--sport", .portComponents, \.sourcePorts, invert: .bits(\.inverted, Flag.sourcePorts),
      present: .bits(\.matched, Flag.sourcePorts), OptionUse(aliases: ["--source-port"], independent: true), "source port or range"),
    Option(
      "--dport", .portComponents, \.destinationPorts, invert: .bits(\.inverted, Flag.destinationPorts),
      present: .bits(\.matched, Flag.destinationPorts), OptionUse(aliases: ["--destination-port"], independent: true),
      "destination port or range"),
    Option(
      "--dccp-types", types, \.types, invert: .bits(\.inverted, Flag.types), present: .bits(\.matched, Flag.types), .plain,
      "packet types"),
    Option(
      "--dccp-option", .unsigned(1...255), \.option, invert: .bits(\.inverted, Flag.option), present: .bits(\.matched, Flag.option),
      .plain, "the packet has the DCCP option of this number"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_dccp_info>.size)]
  public static let examples: [Example] = [
    .matches(
      "--dport 80 --dccp-types REQUEST", "eth0 dccp 10.0.0.9:1000 > 10.0.1.9:80 l4=03e8005003000000000100000000000000000000",
      before: "-p 33"),
    .misses(
      "--dport 80 --dccp-types REQUEST", "eth0 dccp 10.0.0.9:1000 > 10.0.1.9:80 l4=03e8005003000000050100000000000000000000",
      before: "-p 33"),
    .accepts("--sport 1 ! --dport 5:9", before: "-p dccp"), .accepts("! --dccp-types REQUEST,INVALID", before: "-p dccp"),
    .accepts("--dccp-option 5", before: "-p dccp"), .rejects("--dccp-option 0", before: "-p dccp"),
    .rejects("--dccp-types FOO", before: "-p dccp"), .rejects("--dport 5"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("dccp")
    let protocolName = numeric ? nil : "dccp"
    func isTested(_ flag: UInt16) -> Bool { info.matched & flag != 0 }
    func isInverted(_ flag: UInt16) -> Bool { info.inverted & flag != 0 }
    if isTested(Flag.sourcePorts) {
      text.ports("spt", info.sourcePorts, inverted: isInverted(Flag.sourcePorts), protocolName: protocolName)
    }
    if isTested(Flag.destinationPorts) {
      text.ports("dpt", info.destinationPorts, inverted: isInverted(Flag.destinationPorts), protocolName: protocolName)
    }
    if isTested(Flag.types) {
      if isInverted(Flag.types) { text.word("!") }
      // INVALID covers all types above it, so the list of names ends there.
      let numbers = (0..<(numeric ? 16 : typeNames.count)).filter { info.types >> UInt16($0) & 1 == 1 }
      text.word(numbers.map { numeric ? String($0) : typeNames[$0] }.joined(separator: ","))
    }
    if isTested(Flag.option), info.option != 0 || isInverted(Flag.option) {
      text.word("option=\(isInverted(Flag.option) ? "!" : "")\(info.option)")
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if (info.matched | info.inverted) & ~0x0f != 0 || info.inverted & ~info.matched != 0 {
      throw .kernel("dccp: unknown flags, or an inversion without its test")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    var tests: [Condition] = [.has(.header("dccp", length: 12))]
    func add(_ flag: UInt16, _ test: Condition) {
      if info.matched & flag != 0 { tests.append(test.inverted(info.inverted & flag != 0)) }
    }
    add(Flag.sourcePorts, .inRange(.sourcePort, info.sourcePorts.low, info.sourcePorts.high))
    add(Flag.destinationPorts, .inRange(.destinationPort, info.destinationPorts.low, info.destinationPorts.high))
    let type = Field.transportByte("dccp.typebyte", at: 8)
    add(Flag.types, .any((0..<16).filter { info.types >> UInt16($0) & 1 == 1 }.map { .masked(type, $0 << 1, mask: 0x1e) }))
    add(Flag.option, .equals(.dccpOption(info.option), 1))
    return .all(tests)
  }
}

extension Field {
  /// True if an option is present; malformed if the header is shorter than its type requires, or exceeds the packet.
  ///
  /// The corresponding kernel function is `dccp_find_option`.
  static func dccpOption(_ number: UInt8) -> Field {
    Field("dccp.option.\(number)", bits: 1, FieldTraits(.packet, [.value, .malformed, .doomed])) { context in
      let bytes = context.packet.bytes
      guard let start = context.packet.transport?.offset, let words = bytes.uint8(at: start + 4),
        let typeByte = bytes.uint8(at: start + 8)
      else { return .malformed }
      // The lowest bit selects 48-bit sequence numbers, which add four bytes to the header. Every type except DATA has fields
      // of its own.
      let fixed = (typeByte & 1 == 1 ? 16 : 12) + typeLength(typeByte >> 1 & 15)
      let end = start + Int(words) * 4
      var at = start + fixed
      guard at <= end else { return .doomed(0) }
      guard at < end else { return .value(0) }
      guard end <= bytes.count else { return .doomed(0) }
      while at < end {
        if bytes[at] == number { return .value(1) }
        at += bytes[at] < 2 || at + 1 >= end ? 1 : max(Int(bytes[at + 1]), 1)
      }
      return .value(0)
    }
  }

  /// The corresponding kernel function is `dccp_packet_hdr_len`.
  private static func typeLength(_ type: UInt8) -> Int {
    switch type {
    case 2: 0
    case 3, 4, 5, 6, 8, 9: 8
    case 0: 4
    default: 12
    }
  }
}
