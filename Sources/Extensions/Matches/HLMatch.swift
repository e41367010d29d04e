import CNetfilter
public import Wire
public import XTables

/// Matches the hop limit. Kernel: `xt_hl`, revision 0.
public enum HLMatch: MatchExtension {
  /// The corresponding kernel structure is `ip6t_hl_info`.
  public typealias Info = HopLimitTest

  public static let name = "hl"
  public static let families: Families = .ipv6
  public static let summary = "matches the hop limit"
  public static let initial = Info()
  public static let options = Info.options(prefix: "hl")
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_hl_info>.size)]
  public static let examples: [Example] = [
    .matches("--hl-eq 255", "eth0 udp [fd00::9]:1000 > [fd01::9]:53 hl=255", table: .mangle),
    .misses("--hl-eq 255", "eth0 udp [fd00::9]:1000 > [fd01::9]:53 hl=254", table: .mangle),
    .accepts("--hl-eq 255"), .accepts("! --hl-eq 64"), .accepts("--hl-lt 2"), .accepts("--hl-gt 0"),
    .rejects("! --hl-gt 2"), .rejects("--hl-eq 256"), .rejects(""),
  ]

  public static let native: NativeForm<Info>? = HopLimitTest.native(at: 7)

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty {
      throw OptionError("missing-option", "HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.list("HL", to: &text)
  }

  public static func condition(_ info: Info, family: Family) -> Condition { info.condition }
}
