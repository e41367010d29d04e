import CNetfilter
public import Wire
public import XTables

/// Matches the mark of the packet's connection. Kernel: `xt_connmark`, revision 1.
public enum ConnmarkMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_connmark_mtinfo1`.
  public struct Info: BitwiseCopyable, Sendable {
    var mark = Masked<UInt32>(0, mask: 0)
    var inverted: UInt8 = 0
    var padding = InlineArray<3, UInt8>(repeating: 0)
  }

  public static let name = "connmark"
  public static let families: Families = .both
  public static let summary = "matches the mark of the packet's connection"
  public static let initial = Info()
  public static let options: [Option<Info>] = [
    Option(
      "--mark", .mark, \.mark, invert: .flag(\.inverted), OptionUse(mandatory: true, independent: true),
      "compare (mark AND mask) with value")
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: MemoryLayout<xt_connmark_mtinfo1>.size)]
  public static let examples: [Example] = [
    .matches("--mark 0x5", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", given: marked),
    .misses("--mark 0x5", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:54", given: marked),
    .accepts("--mark 0xfeedcafe"), .accepts("! --mark 0x1f/0xff"), .accepts("--mark 1", saved: "--mark 0x1"),
    .rejects("--mark -1"), .rejects(""),
  ]

  /// A rule that marks connections to port 53.
  private static let marked = Example.Given(rules: ["-t mangle -A PREROUTING -p udp --dport 53 -j CONNMARK --set-mark 5"])

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("connmark match \(info.inverted != 0 ? "!" : "")")
    text.mark(info.mark)
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .masked(.connectionMark, info.mark.value, mask: info.mark.mask).inverted(info.inverted != 0)
  }
}
