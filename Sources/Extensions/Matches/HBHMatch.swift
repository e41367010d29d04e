import CNetfilter
public import Wire
public import XTables

/// Matches the hop-by-hop options header of IPv6. Kernel: `ip6t_hbh`, match `hbh`, revision 0.
public enum HBHMatch: MatchExtension {
  public typealias Info = HeaderOptionsTest

  public static let name = "hbh"
  public static let families: Families = .ipv6
  public static let summary = "matches the hop-by-hop options header"
  public static let initial = Info()
  public static let options = Info.options(name)
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_opts>.size)]
  public static let examples: [Example] = [
    .matches(
      "--hbh-len 8 --hbh-opts 5:2",
      "eth0 hex 6000000000100040fd000000000000000000000000000009fd010000000000000000000000000009110005020000010003e8003500080000"),
    .misses(
      "--hbh-len 8 --hbh-opts 5:2",
      "eth0 hex 6000000000100040fd000000000000000000000000000009fd010000000000000000000000000009110001040000000003e8003500080000"),
    .accepts("--hbh-len 8"), .accepts("! --hbh-len 8 --hbh-opts 1:2,23:42,4"), .accepts(""), .rejects("--hbh-opts 0:1"),
    .rejects("--hbh-opts x"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.list("hbh", to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.check(name) }

  public static func condition(_ info: Info, family: Family) -> Condition { info.condition(name, .hopByHop) }
}
