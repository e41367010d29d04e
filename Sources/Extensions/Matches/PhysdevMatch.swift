import CNetfilter
public import Wire
public import XTables

/// Matches a packet's input and output bridge ports. Kernel: `xt_physdev`, revision 0.
public enum PhysdevMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_physdev_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var input = InterfaceTest()
    var output = InterfaceTest()
    var inverted: UInt8 = 0
    var matched: UInt8 = 0
  }

  /// The bits of `invert` and `bitmask`: `XT_PHYSDEV_OP_*`.
  private enum Flag {
    static let input: UInt8 = 0x01
    static let output: UInt8 = 0x02
    static let isBridged: UInt8 = 0x04
    static let isIn: UInt8 = 0x08
    static let isOut: UInt8 = 0x10
  }

  public static let name = "physdev"
  public static let families: Families = .both
  public static let summary = "matches the bridge ports on which a packet arrives and leaves"
  public static let initial = Info()

  private static func flag(_ name: String, _ bit: UInt8, _ summary: String) -> Option<Info> {
    Option(flag: name, present: .bits(\.matched, bit), invert: .bits(\.inverted, bit), .plain, summary)
  }

  public static let options: [Option<Info>] = [
    flag("--physdev-is-in", Flag.isIn, "the packet arrived on a bridge port"),
    Option(
      "--physdev-in", .interface, \.input, invert: .bits(\.inverted, Flag.input), present: .bits(\.matched, Flag.input), .plain,
      "bridge port on which the packet arrived"),
    flag("--physdev-is-out", Flag.isOut, "the packet leaves through a bridge port"),
    Option(
      "--physdev-out", .interface, \.output, invert: .bits(\.inverted, Flag.output), present: .bits(\.matched, Flag.output), .plain,
      "bridge port through which the packet leaves"),
    flag("--physdev-is-bridged", Flag.isBridged, "the packet is bridged, not routed"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_physdev_info>.size)]
  public static let examples: [Example] = [
    .matches("--physdev-in eth0", "eth0 dmac=02:00:00:00:00:77 udp 10.0.0.9:1000 > 10.0.0.1:53", given: bridge, table: .mangle),
    .misses("--physdev-in eth0", "eth1 dmac=02:00:00:00:00:77 udp 10.0.0.10:1000 > 10.0.0.1:53", given: bridge, table: .mangle),
    .accepts("--physdev-in eth0"), .accepts("! --physdev-is-in ! --physdev-in eth+"), .accepts("--physdev-is-bridged", table: .mangle),
    .rejects(""), .rejects("--physdev-in averylonginterfacename"),
  ]

  /// A host with a bridge of eth0 and eth1 and the address 10.0.0.1.
  private static let bridge = Example.Given(host: [
    "host: {interfaces: {eth0: [], eth1: [], eth2: [10.0.1.1/24]}, setup: [link add br0 type bridge, "
      + "'link set br0 address 02:00:00:00:00:77', link set eth0 master br0, link set eth1 master br0, link set br0 up, addr add 10.0.0.1/24 dev br0]}"
  ])

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "PHYSDEV: no physdev option specified") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("PHYSDEV match")
    save(info, family: family, to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.matched == 0 || info.matched & ~0x1f != 0 { throw .kernel("physdev: unknown flags") }
    let isBridged = info.matched & Flag.isBridged != 0 && info.inverted & Flag.isBridged == 0
    if info.matched & (Flag.output | Flag.isOut) != 0, !isBridged, site.hooks.contains(.output) {
      throw .kernel(
        "physdev: --physdev-out and --physdev-is-out are only valid in FORWARD and POSTROUTING, for bridged packets",
        hint: "add --physdev-is-bridged, or use -o")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    func isInverted(_ flag: UInt8) -> Bool { info.inverted & flag != 0 }
    // As the kernel: a packet that passed no bridge matches only if every test is inverted.
    let unbridged: Condition = info.matched & ~info.inverted == 0 ? .always : .never
    let hasIn = Condition.equals(.bridgeInputExists, 1)
    let hasOut = Condition.equals(.bridgeOutputExists, 1)
    var tests: [Condition] = [.any([hasIn, hasOut])]
    if info.matched & Flag.isBridged != 0 { tests.append(hasOut.inverted(isInverted(Flag.isBridged))) }
    if info.matched & Flag.isIn != 0 { tests.append(hasIn.inverted(isInverted(Flag.isIn))) }
    if info.matched & Flag.isOut != 0 { tests.append(hasOut.inverted(isInverted(Flag.isOut))) }
    if info.matched & Flag.input != 0 {
      // Without a port, the name is not compared.
      tests.append(.any([.not(hasIn), matches(.bridgeInput, info.input).inverted(isInverted(Flag.input))]))
    }
    if info.matched & Flag.output != 0 {
      tests += [hasOut, matches(.bridgeOutput, info.output).inverted(isInverted(Flag.output))]
    }
    return .any([.all([.not(hasIn), .not(hasOut), unbridged]), .all(tests)])
  }

  private static func matches(_ field: Field, _ test: InterfaceTest) -> Condition {
    .masked(field, test.pattern.name & test.pattern.mask, mask: test.pattern.mask)
  }
}

extension Field {
  private static let bridges = FieldNeeds("-m physdev", .bridges)
  private static let exists = FieldTraits(.context, [.value, .unknown], needs: bridges)
  static let bridgeInputExists = Field("physdev.in.exists", bits: 1, exists) { .of($0.physicalInput != nil) }
  static let bridgeOutputExists = Field("physdev.out.exists", bits: 1, exists) { .of($0.physicalOutput != nil) }
  private static let port = FieldTraits(
    .context, [.value, .absent, .unknown], form: .interface, values: .range(1...UInt128.max), needs: bridges)
  /// The name as an interface's ``XTables/Interface/key``.
  static let bridgeInput = Field("physdev.in", bits: 128, port) { context in context.physicalInput.map { .value($0.key) } ?? .absent }
  static let bridgeOutput = Field("physdev.out", bits: 128, port) { context in context.physicalOutput.map { .value($0.key) } ?? .absent }
}
