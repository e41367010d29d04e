public import Wire
public import XTables

/// Matches the connection state of a packet: an older name for a part of ``ConntrackMatch``. Stored in the same structure, with a
/// flag that records the name.
public enum StateMatch: MatchExtension {
  public typealias Info = ConntrackTest

  public static let name = "state"
  public static let kernelName = "conntrack"
  public static let families: Families = .both
  public static let summary = "matches the state of the packet in its connection"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--state", ConntrackTest.states(ConntrackTest.stateNames.filter { !$0.name.hasSuffix("NAT") }, "state", hasSpaceMessage: true),
      \.state,
      invert: Inversion(get: { $0.inverted.contains(.state) }, set: { if $1 { $0.inverted.insert(.state) } }),
      present: Presence(get: { $0.matched.contains(.state) }, set: { $0.matched = [.state, .alias] }), .mandatory,
      "state of the packet in its connection")
  ]
  public static let layouts = ConntrackTest.layouts
  public static let examples: [Example] = [
    .misses("--state RELATED,ESTABLISHED", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .matches("--state RELATED,ESTABLISHED", "eth1 udp 10.0.1.9:53 > 10.0.0.9:1000", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"]),
    .accepts("! --state untr,NEW", saved: "! --state NEW,UNTRACKED"),
    .rejects("--state SNAT"), .rejects("--state FOO"), .rejects(""),
  ]

  public static func claims(_ info: Info) -> Bool { info.matched.contains(.alias) }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.list(to: &text, numeric: numeric)
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  public static func condition(_ info: Info, family: Family) -> Condition { info.condition(family) }
}
