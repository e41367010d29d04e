import CNetfilter
public import Wire
public import XTables

/// Matches the destination options header of IPv6. Kernel: `ip6t_hbh`, match `dst`, revision 0.
public enum DSTMatch: MatchExtension {
  public typealias Info = HeaderOptionsTest

  public static let name = "dst"
  public static let families: Families = .ipv6
  public static let summary = "matches the destination options header"
  public static let initial = Info()
  public static let options = Info.options(name)
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_opts>.size)]
  public static let examples: [Example] = [
    .matches(
      "--dst-len 8 --dst-opts 5:2",
      "eth0 hex 6000000000103c40fd000000000000000000000000000009fd010000000000000000000000000009110005020000010003e8003500080000"),
    .misses(
      "--dst-len 8 --dst-opts 5:2",
      "eth0 hex 6000000000103c40fd000000000000000000000000000009fd010000000000000000000000000009110001040000000003e8003500080000"),
    .accepts("--dst-len 8"), .accepts("! --dst-len 8 --dst-opts 1:2,23:42,4"), .accepts(""), .rejects("--dst-opts 0:1"),
    .rejects("--dst-opts x"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.list("dst", to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.check(name) }

  public static func condition(_ info: Info, family: Family) -> Condition { info.condition(name, .destinationOptions) }
}
