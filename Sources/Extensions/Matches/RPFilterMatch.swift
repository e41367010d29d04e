import CNetfilter
public import Wire
public import XTables

/// Matches packets whose reverse route leads to their input interface. Kernel: `ipt_rpfilter` and `ip6t_rpfilter`, revision 0.
public enum RPFilterMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_rpfilter_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var flags: UInt8 = 0
  }

  /// The bits of `flags`: `XT_RPFILTER_*`.
  fileprivate enum Flag {
    static let loose: UInt8 = 0x01
    static let mark: UInt8 = 0x02
    static let acceptsLocal: UInt8 = 0x04
    static let inverted: UInt8 = 0x08
  }

  public static let name = "rpfilter"
  public static let families: Families = .both
  public static let summary = "matches packets whose source address is reached through the interface on which they arrived"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.raw, .mangle], hooks: .prerouting) }

  public static let options: [Option<Info>] = [
    Option(flag: "--loose", present: .bits(\.flags, Flag.loose), .plain, "accept a route through any interface"),
    Option(flag: "--validmark", present: .bits(\.flags, Flag.mark), .plain, "use the packet's mark for the route lookup"),
    Option(
      flag: "--accept-local", present: .bits(\.flags, Flag.acceptsLocal), .plain, "also accept sources that are addresses of this host"),
    Option(flag: "--invert", present: .bits(\.flags, Flag.inverted), .plain, "invert: match packets that fail the test"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_rpfilter_info>.size)]
  public static let examples: [Example] = [
    .matches("", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", table: .raw),
    .misses("", "eth0 udp 10.0.1.77:1000 > 10.0.1.9:53", table: .raw),
    .accepts("--loose --validmark --accept-local --invert", table: .mangle), .rejects("--loose"),
    .rejects("! --loose", table: .raw),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("rpfilter")
    let names = [
      (Flag.loose, "loose"), (Flag.mark, "validmark"), (Flag.acceptsLocal, "accept-local"), (Flag.inverted, "invert"),
    ]
    for (flag, name) in names where info.flags & flag != 0 { text.word(name) }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.flags & ~0x0f != 0 { throw .kernel("rpfilter: unknown flags") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .equals(.reversePath(info.flags & ~Flag.inverted), 1).inverted(info.flags & Flag.inverted != 0)
  }
}

extension Field {
  /// True if the route to the source address satisfies the flags; the corresponding kernel function is
  /// `rpfilter_lookup_reverse`.
  fileprivate static func reversePath(_ flags: UInt8) -> Field {
    Field(
      "rpfilter.\(flags)", bits: 1,
      FieldTraits(
        .fields([.sourceAddress, .destinationAddress, .mark, .inputInterface]), [.value, .absent, .unknown],
        needs: FieldNeeds("-m rpfilter", .routes, isPartial: true))
    ) { context in
      guard let source = context.packet.source, let destination = context.packet.destination else { return .absent }
      if context.packet.type == .loopback || context.input?.name == "lo" || isUnroutable(source, destination) { return .value(1) }
      let mark = flags & RPFilterMatch.Flag.mark != 0 ? context.mark : 0
      let back = destination.isMulticast || destination.bits == UInt128(UInt32.max) && destination.family == .ipv4 ? nil : destination
      // A link-local source is looked up on the input interface.
      let output = source.v6?.isLinkLocal == true ? context.input : nil
      guard let route = context.world.host.routeBack(to: source, from: back, mark: mark, output: output) else {
        return .unknown(UnknownReason("-m rpfilter", lacking: .routes))
      }
      // An anycast address is not a valid source. Kernel: `rpfilter_lookup_reverse6`.
      if source.family == .ipv6, context.world.host.addressType(source, on: nil) == .anycast { return .value(0) }
      switch route.type {
      case .unicast: break
      case .local: return .of(flags & RPFilterMatch.Flag.acceptsLocal != 0 && reaches(route, context, flags))
      default: return .value(0)
      }
      return .of(reaches(route, context, flags))
    }
  }

  private static func reaches(_ route: RouteAnswer, _ context: PacketContext, _ flags: UInt8) -> Bool {
    // For IPv6 a local address may belong to any interface.
    if route.type == .local, context.family == .ipv6 { return true }
    if flags & RPFilterMatch.Flag.loose != 0 { return true }
    guard route.type == .local, let source = context.packet.source, let input = context.input else { return route.output == context.input }
    // The route to a local address names the interface that has it. Kernel: `fib_info_nh_uses_dev`.
    return context.world.host.addressType(source, on: input) == .local
  }

  /// True for a packet from a host without an address to all hosts, such as a DHCP request.
  private static func isUnroutable(_ source: IPAddress, _ destination: IPAddress) -> Bool {
    switch (source, destination) {
    case (.v4(let source), .v4(let destination)):
      source.rawValue >> 24 == 0 && (destination == .broadcast || destination.rawValue >> 8 == 0xe00000)
    case (.v6(let source), _): source == .any
    default: false
    }
  }
}
