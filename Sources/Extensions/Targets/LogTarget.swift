import CNetfilter
public import Wire
public import XTables

/// Writes a line about the packet into the kernel log. Kernel: `xt_LOG`, revision 0.
public enum LogTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_log_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var level: UInt8 = 4
    var content: LogContent = []
    var prefix = FixedName<30>()
  }

  public static let name = "LOG"
  public static let families: Families = .both
  public static let summary = "writes a line about the packet into the kernel log"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--log-prefix", .logPrefix(), \.prefix, present: .when { !$0.prefix.bytes.isEmpty },
      OptionUse(content: .logPrefix, independent: true),
      "the start of the log line, at most 29 bytes"),
    Option("--log-level", .logLevel, \.level, present: .when { $0.level != 4 }, .plain, "the log level: 0 to 7, or emerg to debug"),
    content("--log-tcp-sequence", .tcpSequence, "sequence numbers of TCP"),
    content("--log-tcp-options", .tcpOptions, "options of TCP"),
    content("--log-ip-options", .ipOptions, "options of IP"),
    content("--log-uid", .owner, "user and group of the socket that sent the packet"),
    content("--log-macdecode", .linkLayer, "link-layer addresses by name"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_log_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "--log-prefix \"seen: \"", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "verdict: accept, log: \"seen: IN=eth0 OUT=eth1\""),
    .accepts(""), .accepts(#"--log-prefix "dropped: " --log-level 7 --log-tcp-sequence --log-uid"#),
    .accepts("--log-level info", saved: "--log-level 6"), .accepts("--log-level warning", saved: ""),
    .rejects("--log-level 8"), .rejects("--log-level WARNING"), .rejects(#"--log-prefix """#),
  ]

  private static func content(_ name: String, _ part: LogContent, _ summary: String) -> Option<Info> {
    Option(
      flag: name, present: Presence(get: { $0.content.contains(part) }, set: { $0.content.insert(part) }), .plain, summary)
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("LOG")
    if numeric {
      text.word("flags \(info.content.rawValue) level \(info.level)")
    } else {
      let levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]
      text.word(info.level < 8 ? "level \(levels[Int(info.level)])" : "UNKNOWN level \(info.level)")
      let parts: [(LogContent, String)] = [
        (.tcpSequence, "tcp-sequence"), (.tcpOptions, "tcp-options"), (.ipOptions, "ip-options"), (.owner, "uid"),
        (.linkLayer, "macdecode"),
      ]
      for (part, name) in parts where info.content.contains(part) { text.word(name) }
    }
    let prefix = info.prefix.bytes
    if prefix.isEmpty { return }
    text.word("prefix \"")
    text.glue(bytes: prefix)
    text.glue("\"")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.level >= 8 { throw .kernel("LOG: the level is above 7") }
    if info.prefix.storage[29] != 0 { throw .kernel("LOG: the prefix has no terminating NUL") }
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    packet.note { .log(level: info.level, line: LogLine.text(for: $0, prefix: info.prefix.string, content: info.content)) }
    return .proceed
  }
}

extension ValueSyntax where Value == UInt8 {
  /// A level of syslog by number or name; the corresponding C type is `XTTYPE_SYSLOGLEVEL`.
  static var logLevel: ValueSyntax {
    let names: [(name: String, level: UInt8)] = [
      ("emerg", 0), ("panic", 0), ("alert", 1), ("crit", 2), ("error", 3), ("warning", 4), ("notice", 5), ("info", 6),
      ("debug", 7),
    ]
    return ValueSyntax(
      placeholder: "level", grammar: "number | " + names.map { "\"\($0.name)\"" }.joined(separator: " | "),
      samples: ["0", "7", "debug", "crit", "info"], nearMisses: ["8", "-1", "warn", "DEBUG"],
      parse: { token, arguments throws(OptionError) in
        if let number = token.unsigned, number <= 7 { return UInt8(number) }
        if let level = names.first(where: { token == $0.name }) { return level.level }
        throw OptionError(
          "bad-value", "log level \"\(token.string)\" unknown", at: token.range,
          hint: "a level is a number from 0 to 7 or one of \(names.map(\.name).joined(separator: ", "))")
      },
      print: { level, text in text.word(String(level)) })
  }
}
