import CNetfilter
public import Wire
public import XTables

/// Matches the time to live. Kernel: `xt_hl`, revision 0.
public enum TTLMatch: MatchExtension {
  /// The corresponding kernel structure is `ipt_ttl_info`.
  public typealias Info = HopLimitTest

  public static let name = "ttl"
  public static let families: Families = .ipv4
  public static let summary = "matches the time to live"
  public static let initial = Info()
  public static let options = Info.options(prefix: "ttl")
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ipt_ttl_info>.size)]
  public static let examples: [Example] = [
    .matches("--ttl-eq 64", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 ttl=64", table: .mangle),
    .misses("--ttl-eq 64", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 ttl=63", table: .mangle),
    .accepts("--ttl-eq 64"), .accepts("! --ttl 64", saved: "! --ttl-eq 64"), .accepts("--ttl-lt 2"), .accepts("--ttl-gt 0"),
    .rejects("! --ttl-lt 2"), .rejects("--ttl-gt 256"), .rejects(""), .rejects("--ttl-lt 2 --ttl-gt 1"),
  ]

  public static let native: NativeForm<Info>? = HopLimitTest.native(at: 8)

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty {
      throw OptionError("missing-option", "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.list("TTL", to: &text)
  }

  public static func condition(_ info: Info, family: Family) -> Condition { info.condition }
}

/// A comparison with the TTL or hop limit. The structures of both families are equal.
public struct HopLimitTest: BitwiseCopyable, Sendable {
  /// `IPT_TTL_EQ` to `IPT_TTL_GT`.
  var mode: UInt8 = 0
  var limit: UInt8 = 0

  private static let equal: UInt8 = 0
  private static let unequal: UInt8 = 1
  private static let less: UInt8 = 2
  private static let greater: UInt8 = 3

  init() {}

  /// The same comparison in nf_tables; nil if this structure cannot express it.
  init?(_ comparison: NativeTest.Comparison, _ limit: UInt8) {
    switch comparison {
    case .equal: (mode, self.limit) = (Self.equal, limit)
    case .unequal: (mode, self.limit) = (Self.unequal, limit)
    case .less: (mode, self.limit) = (Self.less, limit)
    case .greater: (mode, self.limit) = (Self.greater, limit)
    case .atMost where limit < 255: (mode, self.limit) = (Self.less, limit + 1)
    case .atLeast where limit > 0: (mode, self.limit) = (Self.greater, limit - 1)
    case .atMost, .atLeast, .inRange, .outOfRange: return nil
    }
  }

  static func options(prefix: String) -> [Option<HopLimitTest>] {
    let names = ["--\(prefix)-eq", "--\(prefix)-lt", "--\(prefix)-gt"]
    func use(_ name: String, _ aliases: [String] = []) -> OptionUse {
      OptionUse(excludes: names.filter { $0 != name }, aliases: aliases)
    }
    func mode(_ mode: UInt8) -> Presence<HopLimitTest> { Presence(get: { $0.mode == mode }, set: { $0.mode = mode }) }
    return [
      Option(
        names[0], .unsigned(), \.limit,
        invert: Inversion(get: { $0.mode == unequal }, set: { $0.mode = $1 ? unequal : equal }),
        present: .when { $0.mode <= unequal }, use(names[0], ["--\(prefix)"]), "equal to value"),
      Option(names[1], .unsigned(), \.limit, present: mode(less), use(names[1]), "less than value"),
      Option(names[2], .unsigned(), \.limit, present: mode(greater), use(names[2]), "greater than value"),
    ]
  }

  func list(_ name: String, to text: inout RuleText) {
    let signs = ["==", "!=", "<", ">"]
    text.word("\(name) match \(name) \(mode < 4 ? signs[Int(mode)] : "") \(limit)")
  }

  var condition: Condition {
    switch mode {
    case Self.equal: .equals(.hopLimit, limit)
    case Self.unequal: .not(.equals(.hopLimit, limit))
    case Self.less: limit == 0 ? .never : .inRange(.hopLimit, 0, limit - 1)
    case Self.greater: limit == 255 ? .never : .inRange(.hopLimit, limit + 1, 255)
    default: .never
    }
  }
}
