import CNetfilter
public import Wire
public import XTables

/// Matches ranges of addresses. Kernel: `xt_iprange`, revision 1.
public enum IPRangeMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_iprange_mtinfo`.
  public struct Info: BitwiseCopyable, Sendable {
    var source = AddressRange()
    var destination = AddressRange()
    var flags: UInt8 = 0
    var padding = InlineArray<3, UInt8>(repeating: 0)
  }

  struct AddressRange: BitwiseCopyable, Sendable, Hashable {
    var low = InetAddress()
    var high = InetAddress()
  }

  /// The bits of `flags`: `IPRANGE_*`.
  private enum Flag {
    static let source: UInt8 = 0x01
    static let destination: UInt8 = 0x02
    static let sourceInverted: UInt8 = 0x10
    static let destinationInverted: UInt8 = 0x20
  }

  public static let name = "iprange"
  public static let families: Families = .both
  public static let summary = "matches ranges of source or destination addresses"
  public static let initial = Info()

  private static let syntax = ValueSyntax<AddressRange>(
    placeholder: "address[-address]", grammar: "address [ \"-\" address ]",
    samples: ["192.0.2.1-192.0.2.9", "192.0.2.1", "2001:db8::1-2001:db8::ff"], nearMisses: ["192.0.2.0/24", "x", "-", "192.0.2.1-"],
    parse: { token, arguments throws(OptionError) in
      let (first, last) = token.cut(at: "-") ?? (token, token)
      guard let low = first.numericAddress(arguments.draft.family) else { throw arguments.badValue(first) }
      guard let high = last.numericAddress(arguments.draft.family) else { throw arguments.badValue(last) }
      return AddressRange(low: low, high: high)
    },
    print: { range, text in
      text.address(range.low)
      text.glue("-" + range.high.address(text.family).description)
    })

  public static let options: [Option<Info>] = [
    Option(
      "--src-range", syntax, \.source, invert: .bits(\.flags, Flag.sourceInverted), present: .bits(\.flags, Flag.source),
      .plain, "source addresses"),
    Option(
      "--dst-range", syntax, \.destination, invert: .bits(\.flags, Flag.destinationInverted),
      present: .bits(\.flags, Flag.destination), .plain, "destination addresses"),
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: MemoryLayout<xt_iprange_mtinfo>.size)]
  public static let examples: [Example] = [
    .matches("--src-range 10.0.0.8-10.0.0.9", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", family: .ipv4),
    .misses("--src-range 10.0.0.8-10.0.0.9", "eth0 udp 10.0.0.10:1000 > 10.0.1.9:53", family: .ipv4),
    .matches("--dst-range fd01::1-fd01::9", "eth0 udp [fd00::9]:1000 > [fd01::9]:53", family: .ipv6),
    .accepts("--src-range 192.0.2.1-192.0.2.9", family: .ipv4), .accepts("! --dst-range 2001:db8::1-2001:db8::9", family: .ipv6),
    .accepts("--src-range 10.1", saved: "--src-range 10.1.0.0-10.1.0.0", family: .ipv4),
    .rejects("--src-range 192.0.2.0/24", family: .ipv4), .rejects(""),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty {
      throw OptionError("missing-option", "iprange match: You must specify `--src-range' or `--dst-range'")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    let parts = [
      ("source", info.source, Flag.source, Flag.sourceInverted),
      ("destination", info.destination, Flag.destination, Flag.destinationInverted),
    ]
    for (name, range, flag, inverted) in parts where info.flags & flag != 0 {
      text.word("\(name) IP range")
      if info.flags & inverted != 0 { text.word("!") }
      text.word("\(range.low.address(family))-\(range.high.address(family))")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    func test(_ field: Field, _ range: AddressRange, _ present: UInt8, _ inverted: UInt8) -> Condition {
      guard info.flags & present != 0 else { return .always }
      return .inRange(field, range.low.bits(family), range.high.bits(family)).inverted(info.flags & inverted != 0)
    }
    return .all([
      test(.sourceAddress, info.source, Flag.source, Flag.sourceInverted),
      test(.destinationAddress, info.destination, Flag.destination, Flag.destinationInverted),
    ])
  }
}
