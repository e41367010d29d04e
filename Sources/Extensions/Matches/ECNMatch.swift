import CNetfilter
public import Wire
public import XTables

/// Matches explicit congestion notification. Kernel: `xt_ecn`, revision 0.
public enum ECNMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_ecn_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var matched: UInt8 = 0
    var inverted: UInt8 = 0
    var codePoint: UInt8 = 0
    var padding: UInt8 = 0
  }

  /// The bits of `operation` and `invert`: `XT_ECN_OP_MATCH_*`.
  private enum Flag {
    static let codePoint: UInt8 = 0x01
    static let echo: UInt8 = 0x10
    static let reduced: UInt8 = 0x20
  }

  public static let name = "ecn"
  public static let families: Families = .both
  public static let summary = "matches the ECN bits of IP and TCP"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      flag: "--ecn-tcp-ece", present: .bits(\.matched, Flag.echo), invert: .bits(\.inverted, Flag.echo), .plain,
      "the ECE flag of TCP is set"),
    Option(
      flag: "--ecn-tcp-cwr", present: .bits(\.matched, Flag.reduced), invert: .bits(\.inverted, Flag.reduced), .plain,
      "the CWR flag of TCP is set"),
    Option(
      "--ecn-ip-ect", .unsigned(0...3), \.codePoint, invert: .bits(\.inverted, Flag.codePoint),
      present: .bits(\.matched, Flag.codePoint), .plain, "the code point in the IP header"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_ecn_info>.size)]
  public static let examples: [Example] = [
    .matches("--ecn-ip-ect 2", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 tos=2"),
    .misses("--ecn-ip-ect 2", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 tos=1"),
    .matches("--ecn-tcp-ece ! --ecn-tcp-cwr", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 SE", before: "-p tcp"),
    .misses("--ecn-tcp-ece ! --ecn-tcp-cwr", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 SEC", before: "-p tcp"),
    .accepts("! --ecn-ip-ect 3"), .rejects("--ecn-ip-ect 4"),
    .rejects("--ecn-tcp-cwr"), .rejects(""),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "ECN match: some option required") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("ECN match")
    func not(_ flag: UInt8) -> String { info.inverted & flag != 0 ? "!" : "" }
    if info.matched & Flag.echo != 0 { text.word("\(not(Flag.echo))ECE") }
    if info.matched & Flag.reduced != 0 { text.word("\(not(Flag.reduced))CWR") }
    if info.matched & Flag.codePoint != 0 { text.word("\(not(Flag.codePoint))ECT=\(info.codePoint)") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if (info.matched | info.inverted) & 0xce != 0 { throw .kernel("ecn: unknown flags") }
    if info.matched & (Flag.echo | Flag.reduced) != 0, site.protocolNumber != 6 || site.protocolInverted {
      throw .kernel("ecn: cannot match TCP bits for non-tcp packets", hint: "put -p tcp before it")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    var tests: [Condition] = []
    if info.matched & Flag.codePoint != 0 {
      tests.append(.masked(.typeOfService, info.codePoint, mask: UInt8(3)).inverted(info.inverted & Flag.codePoint != 0))
    }
    for (flag, bit) in [(Flag.echo, TCPFlags.ece), (Flag.reduced, TCPFlags.cwr)] where info.matched & flag != 0 {
      tests.append(flagTest(bit, isInverted: info.inverted & flag != 0))
    }
    return .all(tests)
  }

  /// As the kernel: a truncated header does not match, and a later fragment is read as if it had a TCP header. The corresponding kernel
  /// function is `match_tcp` of `xt_ecn`.
  private static func flagTest(_ flag: TCPFlags, isInverted: Bool) -> Condition {
    func isSet(_ field: Field) -> Condition { .masked(field, flag.rawValue, mask: flag.rawValue).inverted(isInverted) }
    return .all([
      .equals(.holdsTCPHeader, 1),
      .any([
        .all([.equals(.isLaterFragment, 0), isSet(.tcpFlags)]), .all([.equals(.isLaterFragment, 1), isSet(.flagsOfLaterFragment)]),
      ]),
    ])
  }
}

extension Field {
  /// True if the bytes after the network header are long enough for a TCP header, whatever they contain.
  fileprivate static let holdsTCPHeader = Field("tcp.whole", bits: 1, FieldTraits(.packet, [.value, .absent])) { context in
    context.packet.transport.map { .of(context.packet.bytes.holds(TCPHeader.minimumLength, at: $0.offsetOfMatches)) } ?? .absent
  }

  /// The byte of a later fragment at the offset of the TCP flags; over IPv6 it is one of the network header.
  fileprivate static let flagsOfLaterFragment = Field("fragment.byte13", bits: 8, FieldTraits(.bytes, [.value, .absent])) { context in
    guard let transport = context.packet.transport, transport.fragmentOffset != 0 else { return .absent }
    return context.packet.bytes.uint8(at: transport.offsetOfMatches + TCPHeader.Offset.flags).map { .of($0) } ?? .absent
  }
}

extension TransportLocator {
  /// The place where matches that accept later fragments expect the transport header: ip6_tables names none in a later fragment, so that they
  /// read the network header. Kernel: `xt_action_param.thoff`.
  var offsetOfMatches: Int { family == .ipv6 && fragmentOffset != 0 ? 0 : offset }
}
