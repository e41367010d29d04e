import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Changes the time to live of an IPv4 packet. Kernel: `xt_HL`, target TTL revision 0.
public enum TTLTarget: TargetExtension {
  /// The corresponding kernel structure is `ipt_TTL_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var change = HopChange()
  }

  public static let name = "TTL"
  public static let families: Families = .ipv4
  public static let summary = "changes the time to live"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle]) }

  public static let options: [Option<Info>] = HopChange.options("--ttl", \.change)
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(ipt_TTL_info_size))]
  public static let examples: [Example] = [
    .acts(
      "--ttl-set 42", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "packet: {ttl: 42}", family: .ipv4, table: .mangle,
      chain: .postrouting),
    .accepts("--ttl-dec 1", family: .ipv4, table: .mangle),
    .rejects("--ttl-inc 0", family: .ipv4, table: .mangle), .rejects("", family: .ipv4, table: .mangle),
    .rejects("--ttl-dec 1 --ttl-inc 1", family: .ipv4, table: .mangle),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "TTL: You must specify an action") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.change.list("TTL", to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.change.check(name) }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [info.change.effect] }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    info.change.apply(to: &packet.packet)
    return .proceed
  }
}

/// A change of the TTL or hop limit.
struct HopChange: BitwiseCopyable, Sendable {
  var mode: UInt8 = 0
  var amount: UInt8 = 0

  /// `IPT_TTL_SET`, `IPT_TTL_INC` and `IPT_TTL_DEC`, and the same of IPv6.
  private static let set: UInt8 = 0
  private static let increase: UInt8 = 1
  private static let decrease: UInt8 = 2

  func list(_ name: String, to text: inout RuleText) {
    let change = mode == Self.set ? "set to" : mode == Self.decrease ? "decrement by" : mode == Self.increase ? "increment by" : ""
    text.word("\(name) \(change) \(amount)")
  }

  static func options<Info>(
    _ prefix: String, _ path: any WritableKeyPath<Info, HopChange> & Sendable
  ) -> [Option<Info>] {
    let modes: [(suffix: String, mode: UInt8, summary: String)] = [
      ("-set", set, "to this value"), ("-dec", decrease, "less by this value, at least 0"),
      ("-inc", increase, "more by this value, at most 255"),
    ]
    return modes.map { item in
      let name = prefix + item.suffix
      let syntax = ValueSyntax<UInt8>.unsigned((item.mode == set ? 0 : 1)...255)
      return Option(
        name, arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
        nearMisses: syntax.nearMisses, OptionUse(excludes: modes.map { prefix + $0.suffix }.filter { $0 != name }), item.summary,
        read: { info, arguments throws(OptionError) in
          info[keyPath: path] = HopChange(mode: item.mode, amount: try syntax.parse(arguments.token, arguments))
        },
        write: { info, text in
          guard info[keyPath: path].mode == item.mode else { return }
          text.option(name)
          text.word(String(info[keyPath: path].amount))
        })
    }
  }

  /// The corresponding kernel functions are `ttl_tg_check` and `hl_tg6_check`.
  func check(_ target: String) throws(OptionError) {
    if mode > Self.decrease { throw .kernel("\(target): mode \(mode) does not exist") }
    if mode != Self.set, amount == 0 { throw .kernel("\(target): the change must not be 0") }
  }

  var effect: FieldEffect {
    switch mode {
    case Self.set: .set(.hopLimit, amount, clearing: UInt8.max)
    case Self.increase: .change(.hopLimit, .added(Int(amount), within: 0...255))
    default: .change(.hopLimit, .added(-Int(amount), within: 0...255))
    }
  }

  func apply(to packet: inout Packet) {
    guard let old = packet.ttl else { return }
    switch mode {
    case Self.set: packet.setTTL(amount)
    case Self.increase: packet.setTTL(UInt8(clamping: Int(old) + Int(amount)))
    default: packet.setTTL(UInt8(clamping: Int(old) - Int(amount)))
    }
  }
}
