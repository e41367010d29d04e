import CNetfilter
public import Wire
public import XTables

/// Matches the groups of the interfaces. Kernel: `xt_devgroup`, revision 0.
public enum DevgroupMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_devgroup_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var flags: UInt32 = 0
    var source = Masked<UInt32>(0, mask: 0)
    var destination = Masked<UInt32>(0, mask: 0)
  }

  /// The bits of `flags`: `XT_DEVGROUP_*`.
  private enum Flag {
    static let source: UInt32 = 0x01
    static let sourceInverted: UInt32 = 0x02
    static let destination: UInt32 = 0x04
    static let destinationInverted: UInt32 = 0x08
  }

  public static let name = "devgroup"
  public static let families: Families = .both
  public static let summary = "matches the groups of the interfaces"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--src-group", .routeName(in: "group"), \.source, invert: .bits(\.flags, Flag.sourceInverted),
      present: .bits(\.flags, Flag.source), .plain, "group of the incoming interface"),
    Option(
      "--dst-group", .routeName(in: "group"), \.destination, invert: .bits(\.flags, Flag.destinationInverted),
      present: .bits(\.flags, Flag.destination), .plain, "group of the outgoing interface"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_devgroup_info>.size)]
  public static let examples: [Example] = [
    .matches("--src-group 0x1", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", given: grouped),
    .misses("--src-group 0x1", "eth1 udp 10.0.1.9:1000 > 10.0.0.9:53", given: grouped),
    .accepts("! --src-group 3/7", saved: "! --src-group 0x3/0x7"), .rejects("--src-group nosuchgroup"),
    .rejects(""),
  ]

  /// A host with an interface in group 1.
  private static let grouped = Example.Given(host: ["host: {setup: [link set eth0 group 1]}"])

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty {
      throw OptionError("missing-option", "devgroup match: You must specify either '--src-group' or '--dst-group'")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    for (name, group, flag) in [("src-group", info.source, Flag.source), ("dst-group", info.destination, Flag.destination)]
    where info.flags & flag != 0 {
      // The inversion bit is the next higher one.
      text.option(name, inverted: info.flags & (flag << 1) != 0)
      text.mark(group, names: numeric ? nil : "group")
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.flags & ~0x0f != 0 { throw .kernel("devgroup: unknown flags") }
    if info.flags & Flag.source != 0, !site.hooks.isSubset(of: [.prerouting, .input, .forward]) {
      throw .kernel("devgroup: --src-group is only valid in PREROUTING, INPUT and FORWARD")
    }
    if info.flags & Flag.destination != 0, !site.hooks.isSubset(of: [.forward, .output, .postrouting]) {
      throw .kernel("devgroup: --dst-group is only valid in FORWARD, OUTPUT and POSTROUTING")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    func test(_ field: Field, _ group: Masked<UInt32>, _ present: UInt32, _ inverted: UInt32) -> Condition {
      guard info.flags & present != 0 else { return .always }
      return .masked(field, group.value & group.mask, mask: group.mask).inverted(info.flags & inverted != 0)
    }
    return .all([
      test(.inputGroup, info.source, Flag.source, Flag.sourceInverted),
      test(.outputGroup, info.destination, Flag.destination, Flag.destinationInverted),
    ])
  }
}

extension Field {
  static let inputGroup = group("meta.iifgroup", of: .inputInterface) { $0.input }
  static let outputGroup = group("meta.oifgroup", of: .outputInterface) { $0.output }

  private static func group(
    _ name: String, of device: Field, _ interface: @escaping @Sendable (PacketContext) -> Interface?
  ) -> Field {
    Field(
      name, bits: 32,
      FieldTraits(.fields([device]), [.value, .absent, .unknown], needs: FieldNeeds("-m devgroup", .interfaceGroups, isPartial: true))
    ) { context in
      guard let interface = interface(context) else { return .absent }
      guard let group = context.world.host.group(of: interface) else {
        return .unknown(UnknownReason("-m devgroup", lacking: .interfaceGroups))
      }
      return .of(group)
    }
  }
}
