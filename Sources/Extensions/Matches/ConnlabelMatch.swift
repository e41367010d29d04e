import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Matches, and may set, a label of the packet's connection. Kernel: `xt_connlabel`, revision 0.
public enum ConnlabelMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_connlabel_mtinfo`.
  public struct Info: BitwiseCopyable, Sendable {
    var bit: UInt16 = 0
    var options: UInt16 = 0
  }

  /// The bits of `options`: `XT_CONNLABEL_OP_*`.
  private enum Flag {
    static let inverted: UInt16 = 0x01
    static let set: UInt16 = 0x02
  }

  public static let name = "connlabel"
  public static let families: Families = .both
  public static let summary = "matches a label of the connection, or sets it"
  public static let initial = Info()

  private static let label = ValueSyntax<UInt16>(
    placeholder: "label", grammar: "number | name", samples: ["0", "40", "127", "0x10"], nearMisses: ["nosuchlabel", ""],
    parse: { token, arguments throws(OptionError) in
      if let number = CNumber(token.bytes), number.rest.isEmpty {
        // As iptables: stores the result of `strtoul` in an `int`.
        let value = Int32(truncatingIfNeeded: number.wrapped)
        if value >= 0 { return arguments.keep(number, as: UInt16(truncatingIfNeeded: value)) }
      }
      if let bit = arguments.names.connectionLabel(token.string) { return bit }
      throw OptionError(
        "bad-value", "label '\(token.string)' not found or invalid value", at: token.range,
        hint: "write a number up to 127, or a name of connlabel.conf")
    },
    print: { bit, text in text.word("\"\(text.names.connectionLabelName(bit) ?? String(bit))\"") })

  public static let options: [Option<Info>] = [
    Option("--label", label, \.bit, invert: .bits(\.options, Flag.inverted), .mandatory, "the label"),
    Option(flag: "--set", present: .bits(\.options, Flag.set), .plain, "set the label of the connection"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_connlabel_mtinfo>.size)]
  public static let examples: [Example] = [
    .matches(
      "--label \"40\"", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      given: .init(rules: ["-A FORWARD -p udp --dport 53 -m connlabel --label 40 --set"])),
    .misses("--label \"40\"", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .accepts("! --label 41 --set", saved: "! --label \"41\" --set"), .rejects("--label nosuchlabel"),
    .rejects("--label 128"), .rejects(""),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.option("connlabel")
    if info.options & Flag.inverted != 0 { text.word("!") }
    let name = numeric ? nil : text.names.connectionLabelName(info.bit)
    text.word(name.map { "'\($0)'" } ?? String(info.bit))
    if info.options & Flag.set != 0 { text.word("set") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.options & ~0x03 != 0 { throw .kernel("connlabel: unknown flags") }
    if info.bit > 127 { throw .kernel("connlabel: labels are 0 to 127 (ERANGE)", hint: "write a number up to 127") }
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    guard info.options & Flag.set != 0, info.bit <= 127 else { return [] }
    return [.change(.connectionLabel(info.bit), .masked(keep: 0, flip: 1), when: .equals(.connectionExists, 1))]
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    // The match also sets a label, so its condition is opaque.
    if info.options & Flag.set != 0 { return .opaque }
    return .equals(.connectionLabel(info.bit), 1).inverted(info.options & Flag.inverted != 0)
  }

  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    let isInverted = info.options & Flag.inverted != 0
    guard let handle = packet.attachment.connection, let table = packet.world.conntrack, let details = table.details(of: handle),
      info.bit <= 127
    else { return .of(isInverted) }
    table.setLabels(details.labels | 1 << UInt128(info.bit), of: handle)
    return .of(!isInverted)
  }
}

extension Field {
  /// True if the packet's connection has the label with this bit; false without a connection.
  fileprivate static func connectionLabel(_ bit: UInt16) -> Field {
    Field("ct.label.\(bit)", bits: 1, FieldTraits(.context, .value)) { context in
      guard let handle = context.attachment.connection, let details = context.world.conntrack?.details(of: handle) else { return .value(0) }
      return .value(details.labels >> UInt128(bit) & 1)
    }
  }
}
