import CNetfilter
public import Wire
public import XTables

/// Matches the realm of the packet's route. Kernel: `xt_realm`, revision 0.
public enum RealmMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_realm_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var realm = Masked<UInt32>(0, mask: 0)
    var inverted: UInt8 = 0
    var padding = InlineArray<3, UInt8>(repeating: 0)
  }

  public static let name = "realm"
  public static let families: Families = .ipv4
  public static let summary = "matches the routing realm"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.postrouting, .forward, .output, .input]) }

  public static let options: [Option<Info>] = [
    Option(
      "--realm", .routeName(in: "rt_realms"), \.realm, invert: .flag(\.inverted), .mandatory, "compare (realm AND mask) with value")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_realm_info>.size)]
  public static let examples: [Example] = [
    .matches("--realm 0x2a", "eth0 udp 10.0.0.9:1000 > 203.0.113.6:53", given: route),
    .misses("--realm 0x2a", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", given: route),
    .accepts("--realm 0x1/0x2a"), .accepts("! --realm 42", saved: "! --realm 0x2a"), .rejects("--realm nosuchrealm"), .rejects(""),
  ]

  /// A host with a route that has a realm.
  private static let route = Example.Given(host: ["host: {routes: [203.0.113.6 via 10.0.1.2 dev eth1 realm 42]}"])

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.option("realm", inverted: info.inverted != 0)
    text.mark(info.realm, names: numeric ? nil : "rt_realms")
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .masked(.realms, info.realm.value, mask: info.realm.mask).inverted(info.inverted != 0)
  }
}

extension Field {
  fileprivate static let realms = Field(
    "route.realms", bits: 32, FieldTraits(.context, [.value, .unknown], needs: FieldNeeds("-m realm", .routes))
  ) { .value(UInt128($0.realms)) }
}
