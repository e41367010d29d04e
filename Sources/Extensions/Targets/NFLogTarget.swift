import CNetfilter
public import Wire
public import XTables

/// Sends a copy of the packet to a netlink log group. Kernel: `xt_NFLOG`, revision 0.
public enum NFLogTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_nflog_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var length: UInt32 = 0
    var group: UInt16 = 0
    var threshold: UInt16 = 0
    var flags: UInt16 = 0
    var padding: UInt16 = 0
    var prefix = FixedName<64>()
  }

  /// `XT_NFLOG_F_COPY_LEN`: limits the number of bytes copied.
  private static let copiesLength: UInt16 = 1

  public static let name = "NFLOG"
  public static let families: Families = .both
  public static let summary = "sends a copy of the packet to a log group in user space"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--nflog-prefix", .logPrefix(), \.prefix, present: .when { !$0.prefix.bytes.isEmpty },
      OptionUse(content: .logPrefix, independent: true),
      "text for the message, at most 63 bytes"),
    Option("--nflog-group", .unsigned(), \.group, present: .when { $0.group != 0 }, .plain, "the netlink group"),
    Option(
      "--nflog-size", .unsigned(), \.length, present: .bits(\.flags, copiesLength), OptionUse(excludes: ["--nflog-range"]),
      "the number of bytes of the packet to copy"),
    Option(
      "--nflog-range", .unsigned(), \.length, present: .when { $0.flags & copiesLength == 0 && $0.length != 0 },
      OptionUse(excludes: ["--nflog-size"]), "has no effect: the kernel ignores it"),
    Option(
      "--nflog-threshold", .unsigned(), \.threshold, present: .when { $0.threshold != 0 }, .plain,
      "the number of packets that are sent together"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_nflog_info>.size)]
  public static let examples: [Example] = [
    .acts("--nflog-prefix seen --nflog-group 7", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "verdict: accept, log: seen"),
    .accepts(""), .accepts("--nflog-prefix foo --nflog-group 1 --nflog-size 64 --nflog-threshold 8"),
    .accepts("--nflog-group 0", saved: ""), .accepts("--nflog-size 0"), .accepts("--nflog-range 1"),
    .rejects("--nflog-group 65536"), .rejects("--nflog-size 1 --nflog-range 1"),
  ]

  public static func hostUses(_ info: Info) -> [HostUse] { [.logGroup(info.group)] }

  /// The corresponding C functions are `add_log` and `nft_parse_log`.
  public static let native: NativeForm<Info>? = NativeForm(
    encode: { info in
      [
        .log(
          NativeLog(
            group: info.group, prefix: info.prefix.bytes, length: info.flags & copiesLength != 0 ? info.length : nil,
            threshold: info.threshold))
      ]
    },
    decode: { step, _, info in
      // nf_tables holds prefixes that are longer than the structure.
      guard case .log(let log) = step, log.prefix.count < 64 else { return nil }
      var info = info
      info.group = log.group
      info.threshold = log.threshold
      info.prefix = FixedName(ArraySlice(log.prefix))
      if let length = log.length { (info.length, info.flags) = (length, copiesLength) }
      return info
    })

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    if !info.prefix.bytes.isEmpty {
      text.word("nflog-prefix")
      text.quoted(info.prefix.bytes)
    }
    if info.group != 0 { text.word("nflog-group \(info.group)") }
    if info.flags & copiesLength != 0 {
      text.word("nflog-size \(info.length)")
    } else if info.length != 0 {
      text.word("nflog-range \(info.length)")
    }
    if info.threshold != 0 { text.word("nflog-threshold \(info.threshold)") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.flags & ~copiesLength != 0 { throw .kernel("NFLOG: unknown flags") }
    if info.prefix.storage[63] != 0 { throw .kernel("NFLOG: the prefix has no terminating NUL") }
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    packet.note { _ in .nflog(group: info.group, prefix: info.prefix.string) }
    return .proceed
  }
}
