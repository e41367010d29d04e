import CNetfilter
public import Wire
public import XTables

/// Matches the type of a mobility header. Kernel: `ip6t_mh`, revision 0.
public enum MHMatch: MatchExtension {
  /// The corresponding kernel structure is `ip6t_mh`.
  public struct Info: BitwiseCopyable, Sendable {
    var types = NumberRange<UInt8>.all
    var inverted: UInt8 = 0
  }

  public static let name = "mh"
  public static let families: Families = .ipv6
  public static let summary = "matches the type of a mobility header"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [135]) }

  private static let names: [(name: String, type: UInt8)] = [
    ("binding-refresh-request", 0), ("brr", 0), ("home-test-init", 1), ("hoti", 1), ("careof-test-init", 2), ("coti", 2),
    ("home-test", 3), ("hot", 3), ("careof-test", 4), ("cot", 4), ("binding-update", 5), ("bu", 5),
    ("binding-acknowledgement", 6), ("ba", 6), ("binding-error", 7), ("be", 7),
  ]

  /// The type with the name, else the first whose name begins with it; the corresponding C function is `name_to_type`.
  private static func type(_ token: Token) throws(OptionError) -> UInt8 {
    let found = names.last { $0.name.equalsIgnoringCase(token) } ?? names.first { $0.name.beginsIgnoringCase(with: token) }
    if let found { return found.type }
    guard let number = token.unsigned, number <= 255 else {
      throw OptionError(
        "bad-value", "Invalid MH type `\(token.string)'", at: token.range,
        hint: "write a number up to 255 or one of " + names.map(\.name).joined(separator: ", "))
    }
    return UInt8(number)
  }

  private static let syntax = ValueSyntax<NumberRange<UInt8>>(
    placeholder: "type[:type]", grammar: "mh-type | [ mh-type ] \":\" [ mh-type ]",
    samples: names.map(\.name) + ["0", "255", "4:123", ":3", "5:", "BU"], nearMisses: ["256", "foo", "5:4", "1:2:3"], greatest: 255,
    parse: { token, _ throws(OptionError) in
      guard let (low, high) = token.cut(at: ":") else {
        let single = try type(token)
        return NumberRange(single, single)
      }
      let range = NumberRange(low.bytes.isEmpty ? 0 : try type(low), high.bytes.isEmpty ? 255 : try type(high))
      guard range.low <= range.high else {
        throw OptionError("bad-value", "Invalid MH type range (min > max)", at: token.range, hint: "swap the two types")
      }
      return range
    },
    print: ValueSyntax.range(of: UInt8.self).print)

  public static let options: [Option<Info>] = [
    Option(
      "--mh-type", syntax, \.types, invert: .flag(\.inverted), present: .when { $0.types != .all }, .plain, "type or range of types")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_mh>.size)]
  public static let examples: [Example] = [
    .matches("--mh-type 1:3", "eth0 135 fd00::9 > fd01::9 l4=3b00010000000000", before: "-p 135"),
    .misses("--mh-type 1:3", "eth0 135 fd00::9 > fd01::9 l4=3b00050000000000", before: "-p 135"),
    .accepts("--mh-type 4:123", before: "-p mobility-header"), .accepts("! --mh-type bu", saved: "! --mh-type 5", before: "-p 135"),
    .accepts("", before: "-p mh"), .rejects("--mh-type 5:4", before: "-p mh"), .rejects("--mh-type 1"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("mh")
    if info.types == .all, info.inverted == 0 { return }
    func name(_ type: UInt8) -> String { (numeric ? nil : names.first { $0.type == type }?.name) ?? String(type) }
    text.word(info.inverted != 0 ? "!" : "")
    text.glue(name(info.types.low))
    if info.types.low != info.types.high { text.glue(":" + name(info.types.high)) }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x01 != 0 { throw .kernel("mh: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let type = Field("mh.type", bits: 8, FieldTraits(.packet, [.value, .absent, .malformed])) { context in
      guard let transport = context.packet.transport, transport.fragmentOffset == 0 else { return .absent }
      let bytes = context.packet.bytes
      // No header may follow a mobility header; the kernel drops packets that announce one.
      guard bytes.holds(6, at: transport.offset), bytes[transport.offset] == IPProtocol.none.rawValue else { return .malformed }
      return .of(bytes[transport.offset + 2])
    }
    return .all([.has(type), .inRange(type, info.types.low, info.types.high).inverted(info.inverted != 0)])
  }
}
