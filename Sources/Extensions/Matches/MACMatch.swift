import CNetfilter
public import Wire
public import XTables

/// Matches the source address of the link layer. Kernel: `xt_mac`, revision 0.
public enum MACMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_mac_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var source = EthernetAddress()
    var padding: UInt16 = 0
    var inverted: Int32 = 0
  }

  public static let name = "mac"
  public static let families: Families = .both
  public static let summary = "matches the source MAC address"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.prerouting, .input, .forward]) }

  public static let options: [Option<Info>] = [
    Option(
      "--mac-source", .ethernet, \.source, invert: .flag(\.inverted), OptionUse(mandatory: true, independent: true), "source MAC address")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_mac_info>.size)]
  public static let examples: [Example] = [
    .matches("--mac-source 02:ff:00:00:00:01", "eth0 smac=02:ff:00:00:00:01 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .misses("--mac-source 02:ff:00:00:00:01", "eth0 smac=02:ff:00:00:00:02 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .accepts("--mac-source 42:01:02:03:04:05"), .accepts("! --mac-source 0:1:2:3:4:A", saved: "! --mac-source 00:01:02:03:04:0a"),
    .rejects("--mac-source 42:01:02:03:04"), .rejects(""),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("MAC \(info.inverted != 0 ? "! " : "")")
    text.glue(.ethernet, info.source)
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    // A packet that was not received on an Ethernet device never matches, inverted or not.
    .equals(.linkSource, info.source.address.rawValue).inverted(info.inverted != 0)
  }
}

extension Field {
  /// The Ethernet source address; absent if the packet was not received on an Ethernet device.
  static let linkSource = Field(
    "link.src", bits: 48,
    FieldTraits(.context, [.value, .absent, .unknown], form: .hardwareAddress, needs: FieldNeeds("-m mac", .linkSource)) {
      value, draft in
      guard draft.input != nil else { return false }
      draft.hardwareSource = MACAddress(rawValue: UInt64(truncatingIfNeeded: value))
      return true
    }
  ) { context in
    context.packet.link.map { .of($0.source.rawValue) } ?? .absent
  }
}
