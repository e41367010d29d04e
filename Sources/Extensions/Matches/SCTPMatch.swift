import CNetfilter
public import Wire
public import XTables

/// Matches ports and chunks of SCTP. Kernel: `xt_sctp`, revision 0.
public enum SCTPMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_sctp_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var destinationPorts = PortRange(0, 0)
    var sourcePorts = PortRange(0, 0)
    var chunks = SCTPChunkTest()
    var matched: UInt32 = 0
    var inverted: UInt32 = 0
  }

  /// The bits of `flags` and `invflags`: `XT_SCTP_*`.
  private enum Flag {
    static let sourcePorts: UInt32 = 0x01
    static let destinationPorts: UInt32 = 0x02
    static let chunks: UInt32 = 0x04
  }

  public static let name = "sctp"
  public static let families: Families = .both
  public static let summary = "matches ports and chunks of SCTP"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [132]) }

  public static let options: [Option<Info>] = [
    Option(
      "--sport", .portRange, \.sourcePorts, invert: .bits(\.inverted, Flag.sourcePorts),
      present: .bits(\.matched, Flag.sourcePorts), OptionUse(aliases: ["--source-port"], independent: true), "source port or range"),
    Option(
      "--dport", .portRange, \.destinationPorts, invert: .bits(\.inverted, Flag.destinationPorts),
      present: .bits(\.matched, Flag.destinationPorts), OptionUse(aliases: ["--destination-port"], independent: true),
      "destination port or range"),
    Option(
      "--chunk-types", arity: 2, placeholder: "all|any|only chunk[:flags][,chunk...]", grammar: "sctp-quantity sctp-chunks",
      samples: ["all DATA,INIT", "ANY ABORT:T,DATA:Bu", "only SACK", "any ALL", "all NONE"],
      nearMisses: ["some DATA", "all FOO", "all INIT:T"], invertible: true, .plain, "types of chunk the packet has",
      read: { info, arguments throws(OptionError) in
        try info.chunks.parse(quantity: arguments.token, list: arguments.second)
        info.matched |= Flag.chunks
        if arguments.inverted { info.inverted |= Flag.chunks }
      },
      write: { info, text in
        guard info.matched & Flag.chunks != 0 else { return }
        text.option("--chunk-types", inverted: info.inverted & Flag.chunks != 0)
        text.word(info.chunks.text)
      }),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_sctp_info>.size)]
  public static let examples: [Example] = [
    .matches(
      "--dport 80 --chunk-types any INIT",
      "eth0 sctp 10.0.0.9:1000 > 10.0.1.9:80 l4=03e80050000000003a2d3fc701000014000000010000ffff0001000100000001", before: "-p sctp"),
    .misses(
      "--dport 80 --chunk-types any INIT",
      "eth0 sctp 10.0.0.9:1000 > 10.0.1.9:80 l4=03e80050000000004081df660003001100000001000000000000000061000000", before: "-p sctp"),
    .accepts("--sport 1 ! --dport 5:9", before: "-p sctp"), .accepts("! --chunk-types any ABORT:T,ASCONF", before: "-p sctp"),
    .accepts("--chunk-types ALL data:bU,INIT", saved: "--chunk-types all DATA:Ub,INIT", before: "-p sctp"),
    .accepts("--chunk-types only NONE", before: "-p sctp"), .rejects("--chunk-types some DATA", before: "-p sctp"),
    .rejects("--chunk-types all INIT:T", before: "-p sctp"), .rejects("--dport 9:5", before: "-p sctp"), .rejects("--dport 5"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("sctp")
    let protocolName = numeric ? nil : "sctp"
    if info.matched & Flag.sourcePorts != 0 {
      text.ports("spt", info.sourcePorts, inverted: info.inverted & Flag.sourcePorts != 0, protocolName: protocolName)
    }
    if info.matched & Flag.destinationPorts != 0 {
      text.ports(
        "dpt", info.destinationPorts, inverted: info.inverted & Flag.destinationPorts != 0, protocolName: protocolName)
    }
    if info.matched & Flag.chunks != 0 {
      if info.inverted & Flag.chunks != 0 { text.word("!") }
      text.word(info.chunks.text(numeric: numeric))
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if (info.matched | info.inverted) & ~0x07 != 0 || info.inverted & ~info.matched != 0 || info.chunks.flagCount > 4 {
      throw .kernel("sctp: unknown flags, or an inversion without its test")
    }
    if info.matched & Flag.chunks != 0, info.chunks.quantity & 0x07 == 0 { throw .kernel("sctp: neither any, all nor only") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    var tests: [Condition] = [.has(.header("sctp", length: 12))]
    func add(_ flag: UInt32, _ test: Condition) {
      if info.matched & flag != 0 { tests.append(test.inverted(info.inverted & flag != 0)) }
    }
    add(Flag.sourcePorts, .inRange(.sourcePort, info.sourcePorts.low, info.sourcePorts.high))
    add(Flag.destinationPorts, .inRange(.destinationPort, info.destinationPorts.low, info.destinationPorts.high))
    let chunks = info.chunks
    add(
      Flag.chunks,
      .equals(
        Field("sctp.chunks.\(chunks.text)", bits: 1, FieldTraits(.packet, [.value, .absent, .doomed])) { context in
          guard let start = context.packet.transport?.offset else { return .absent }
          return chunks.holds(context.packet.bytes, from: start + 12).map { .of($0) } ?? .doomed(0)
        }, 1))
    return .all(tests)
  }
}
