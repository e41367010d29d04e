import CNetfilter
public import Wire
public import XTables

/// Matches a list of ports and ranges. Kernel: `xt_multiport`, revision 1.
public enum MultiportMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_multiport_v1`.
  public struct Info: BitwiseCopyable, Sendable {
    var side: UInt8 = 0
    /// The number of used entries, at most fifteen: a port takes one, a range two, of which the first is flagged.
    var count: UInt8 = 0
    var ports = InlineArray<15, UInt16>(repeating: 0)
    var isRangeStart = InlineArray<15, UInt8>(repeating: 0)
    var inverted: UInt8 = 0

    /// The ports and ranges. Never reads past the last entry, whatever the count of a blob is.
    var ranges: [(range: PortRange, isSingle: Bool)] {
      var result: [(range: PortRange, isSingle: Bool)] = []
      var index = 0
      while index < min(Int(count), 15) {
        let low = ports[index]
        let isRange = isRangeStart[index] != 0 && index < 14
        if isRange { index += 1 }
        result.append((PortRange(low, ports[index]), !isRange))
        index += 1
      }
      return result
    }
  }

  public static let name = "multiport"
  public static let families: Families = .both
  public static let summary = "matches up to fifteen ports at once"
  public static let initial = Info()

  private static let sides = ["--sports", "--dports", "--ports"]

  private static func option(_ side: UInt8, aliases: [String], _ summary: String) -> Option<Info> {
    let name = sides[Int(side)]
    return Option(
      name, arity: 1, placeholder: "port[,port:port...]", grammar: "port [ \":\" port ] { \",\" port [ \":\" port ] }",
      samples: ["80", "80,443", "1:1023,8080", "0,65535", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"],
      nearMisses: ["", "65536", "2:1", "1:1", "1,", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"], invertible: true,
      OptionUse(excludes: sides.filter { $0 != name }, aliases: aliases), summary,
      read: { info, arguments throws(OptionError) in
        try requireProtocol(arguments.draft.protocolNumber, inverted: arguments.draft.protocolInverted)
        info.side = side
        try parse(arguments, into: &info)
        if arguments.inverted { info.inverted = 1 }
      },
      write: { info, text in
        guard info.side == side else { return }
        text.option(name, inverted: info.inverted != 0)
        text.word(info.ranges.map { $0.isSingle ? "\($0.range.low)" : "\($0.range.low):\($0.range.high)" }.joined(separator: ","))
      })
  }

  public static let options: [Option<Info>] = [
    option(0, aliases: ["--source-ports"], "source ports"),
    option(1, aliases: ["--destination-ports"], "destination ports"),
    option(2, aliases: [], "ports of either side"),
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: MemoryLayout<xt_multiport_v1>.size)]
  public static let examples: [Example] = [
    .matches("--dports 22,80:89,443", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:85 S", before: "-p tcp"),
    .misses("--dports 22,80:89,443", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:90 S", before: "-p tcp"),
    .accepts("! --ports 53", before: "-p udp"),
    .accepts("--source-ports 1", saved: "--sports 1", before: "-p sctp"),
    .rejects("--dports 80"), .rejects("--dports 2:1", before: "-p tcp"), .rejects("", before: "-p tcp"),
  ]

  /// The corresponding C function is `check_proto`; the kernel's `check` tests the same.
  private static func requireProtocol(_ number: UInt8, inverted: Bool) throws(OptionError) {
    let hint = "put `-p tcp` (or udp, udplite, sctp, dccp) before `-m multiport`"
    if !inverted, [6, 17, 33, 132, 136].contains(number) { return }
    throw OptionError(
      "multiport-protocol",
      !inverted && number == 0
        ? "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'"
        : "multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP", hint: hint)
  }

  private static func parse(_ arguments: OptionArguments, into info: inout Info) throws(OptionError) {
    let number = arguments.draft.protocolNumber
    func tooMany() -> OptionError {
      OptionError(
        "too-many-ports", "too many ports specified", at: arguments.token.range,
        hint: "at most 15 fit in a rule, and a range counts for two")
    }
    info.isRangeStart = InlineArray(repeating: 0)
    var used = 0
    for part in arguments.token.split(on: ",") {
      guard used < 15 else { throw tooMany() }
      guard let (low, high) = part.cut(at: ":") else {
        info.ports[used] = try arguments.names.port(part, protocol: number, arguments)
        used += 1
        continue
      }
      guard used < 14 else { throw tooMany() }
      info.isRangeStart[used] = 1
      info.ports[used] = try arguments.names.port(low, protocol: number, arguments)
      info.ports[used + 1] = try arguments.names.port(high, protocol: number, arguments)
      guard info.ports[used] < info.ports[used + 1] else {
        throw OptionError(
          "invalid-port", "invalid portrange specified", at: part.range, hint: "the first port must be the lower one")
      }
      used += 2
    }
    info.count = UInt8(used)
  }

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "multiport expection an option") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    let side = info.side < 3 ? String(sides[Int(info.side)].dropFirst(2)) : "ERROR"
    text.word("multiport \(side) \(info.inverted != 0 ? " !" : "")")
    let services: [UInt8: String] = [6: "tcp", 17: "udp", 136: "udplite", 132: "sctp", 33: "dccp"]
    let service = numeric ? nil : services[text.protocolNumber] ?? ""
    let ports = info.ranges.map { item in
      let low = text.port(item.range.low, service)
      return item.isSingle ? low : "\(low):\(text.port(item.range.high, service))"
    }
    text.glue(ports.joined(separator: ","))
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    guard !site.protocolInverted, [6, 17, 33, 132, 136].contains(site.protocolNumber), info.side <= 2, info.count <= 15 else {
      throw .kernel("multiport: only valid for tcp, udp, udplite, sctp and dccp", hint: "put -p tcp before it")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let ranges = info.ranges.map(\.range)
    let source = ranges.map { Condition.inRange(.sourcePort, $0.low, $0.high) }
    let destination = ranges.map { Condition.inRange(.destinationPort, $0.low, $0.high) }
    let tests: Condition =
      switch info.side {
      case 0: .any(source)
      case 1: .any(destination)
      default: .any(source + destination)
      }
    return .all([.has(.sourcePort), tests.inverted(info.inverted != 0)])
  }
}
