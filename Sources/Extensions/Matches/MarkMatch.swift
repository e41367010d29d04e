import CNetfilter
public import Wire
public import XTables

/// Matches the packet's mark. Kernel: `xt_mark`, revision 1.
public enum MarkMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_mark_mtinfo1`.
  public struct Info: BitwiseCopyable, Sendable {
    var mark = Masked<UInt32>(0, mask: 0)
    var invert: UInt8 = 0
  }

  public static let name = "mark"
  public static let families: Families = .both
  public static let summary = "matches the packet's mark"
  public static let initial = Info()
  public static let options: [Option<Info>] = [
    Option("--mark", .mark, \.mark, invert: .flag(\.invert), .mandatory, "compare (mark AND mask) with value")
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: MemoryLayout<xt_mark_mtinfo1>.size)]
  public static let examples: [Example] = [
    .matches("--mark 0x1f/0xff", "local mark=0x31f udp 10.0.1.1:1000 > 10.0.1.9:53"),
    .misses("--mark 0x1f/0xff", "local udp 10.0.1.1:1000 > 10.0.1.9:53"),
    .accepts("--mark 0xfeedcafe"), .accepts("! --mark 0x1f/0xff"), .accepts("--mark 1", saved: "--mark 0x1"),
    .rejects("--mark -1"), .rejects(""),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("mark match")
    if info.invert != 0 { text.word("!") }
    text.mark(info.mark)
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .masked(.mark, info.mark.value, mask: info.mark.mask).inverted(info.invert != 0)
  }
}
