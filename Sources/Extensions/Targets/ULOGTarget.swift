public import Wire
public import XTables

/// Sends a copy of the packet to a netlink log group; predecessor of NFLOG. Removed in Linux 3.17.
public enum ULOGTarget: TargetExtension {
  /// The corresponding kernel structure was `ipt_ulog_info`.
  public struct Info: BitwiseCopyable, Sendable {
    /// One bit for each group.
    var groups: UInt32 = 1
    var padding: UInt32 = 0
    var length: UInt64 = 0
    var threshold: UInt64 = 1
    var prefix = FixedName<32>()
  }

  public static let name = "ULOG"
  public static let families: Families = .ipv4
  public static let summary = "sends a copy of the packet to a log group in user space; removed in Linux 3.17"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--ulog-prefix", .logPrefix(), \.prefix, present: .when { !$0.prefix.bytes.isEmpty }, .plain,
      "text for the message, at most 31 bytes"),
    Option(
      "--ulog-nlgroup", arity: 1, placeholder: "group", grammar: "number", samples: ["1", "32"], nearMisses: ["0", "33"], .plain,
      "the netlink group, 1 to 32",
      read: { info, arguments throws(OptionError) in
        info.groups = 1 << (try ValueSyntax<UInt32>.unsigned(1...32).parse(arguments.token, arguments) - 1)
      },
      write: { info, text in
        guard info.groups != 1 else { return }
        text.option("--ulog-nlgroup")
        text.word(String(info.groups == 0 ? 0 : info.groups.trailingZeroBitCount + 1))
      }),
    Option("--ulog-cprange", .unsigned(), \.length, present: .when { $0.length != 0 }, .plain, "the number of bytes of the packet to copy"),
    Option(
      "--ulog-qthreshold", .unsigned(1...50), \.threshold, present: .when { $0.threshold != 1 }, .plain,
      "the number of packets that are sent together"),
  ]
  /// The header of the structure was removed too, so its size is given here.
  public static let layouts = [Layout<Info>(revision: 0, abiSize: 56)]
  public static let examples: [Example] = [
    .passes(
      "--ulog-prefix foo --ulog-nlgroup 2 --ulog-cprange 100 --ulog-qthreshold 50", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      because: "a copy is sent to a netlink group; Linux 3.17 removed ULOG", family: .ipv4),
    .rejects("--ulog-nlgroup 33", family: .ipv4),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word(
      "ULOG copy_range \(UInt32(truncatingIfNeeded: info.length)) nlgroup \(info.groups == 0 ? 0 : info.groups.trailingZeroBitCount + 1)")
    let prefix = info.prefix.bytes
    if !prefix.isEmpty {
      text.word("prefix \"")
      text.glue(bytes: prefix)
      text.glue("\"")
    }
    text.word("queue_threshold \(UInt32(truncatingIfNeeded: info.threshold))")
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    packet.note { _ in .note("ULOG sends a copy to group \(info.groups.trailingZeroBitCount + 1) with prefix \"\(info.prefix.string)\"") }
    return .proceed
  }
}
