import CNetfilter
public import Wire
public import XTables

/// Matches every packet; holds a comment. Kernel: `xt_comment`, revision 0.
public enum CommentMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_comment_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var comment = FixedName<256>()
  }

  public static let name = "comment"
  public static let families: Families = .both
  public static let summary = "adds a comment to a rule; matches every packet"
  public static let traits: ExtensionTraits = .remark
  public static let initial = Info()
  public static let options: [Option<Info>] = [
    Option(
      "--comment", .name(placeholder: "text"), \.comment, OptionUse(mandatory: true, content: .remark, independent: true),
      "the comment, at most 255 bytes")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_comment_info>.size)]
  public static let examples: [Example] = [
    .matches("--comment \"for datagrams\"", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", before: "-p udp"),
    .misses(
      "--comment \"for datagrams\"", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S",
      because: "the comment matches every packet, but -p udp does not match", before: "-p udp"),
    .accepts("--comment foo"), .accepts(#"--comment "allow the \"office\"""#), .rejects(""),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("/* ")
    text.glue(bytes: info.comment.bytes)
    text.glue(" */")
  }

  public static func condition(_ info: Info, family: Family) -> Condition { .always }
}
