import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Matches the packets or bytes that a connection has transferred. Kernel: `xt_connbytes`, revision 0.
public enum ConnbytesMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_connbytes_info`. An inverted range is stored with its ends exchanged.
  public struct Info: BitwiseCopyable, Sendable {
    var from: UInt64 = 0
    var to: UInt64 = 0
    var what: UInt8 = 0
    var direction: UInt8 = 0
    var padding: UInt16 = 0
    var morePadding: UInt32 = 0
  }

  public static let name = "connbytes"
  public static let families: Families = .both
  public static let summary = "matches the number of packets or bytes that a connection has transferred"
  public static let initial = Info()

  private static let modes = ["packets", "bytes", "avgpkt"]
  private static let directions = ["original", "reply", "both"]

  /// The syntax of a word of a list, stored as its index.
  private static func word(_ words: [String]) -> ValueSyntax<UInt8> {
    ValueSyntax(
      placeholder: words.joined(separator: "|"), grammar: words.map { "\"\($0)\"" }.joined(separator: " | "), samples: words,
      nearMisses: ["", words[0].uppercased(), "neither"],
      parse: { token, arguments throws(OptionError) in
        guard let place = words.firstIndex(where: { token == $0 }) else {
          throw OptionError(
            "bad-value", "Unknown \(arguments.option) `\(token.string)'", at: token.range,
            hint: "write " + words.joined(separator: " or "))
        }
        return UInt8(place)
      },
      print: { place, text in text.word(Int(place) < words.count ? words[Int(place)] : "unknown") })
  }

  private static let range = ValueSyntax.range(of: UInt64.self)

  public static let options: [Option<Info>] = [
    Option(
      "--connbytes", arity: 1, placeholder: "from[:to]", grammar: range.grammar,
      samples: ["0", "1000", "5:10", ":10", "18446744073709551615"],
      nearMisses: ["x", "5:4", "1:2:3"], invertible: true, .mandatory, "how much, or from how much to how much",
      read: { info, arguments throws(OptionError) in
        var given = try range.parse(arguments.token, arguments)
        if !arguments.token.bytes.contains(UInt8(ascii: ":")) { given.high = .max }
        guard given.low <= given.high else {
          throw OptionError("bad-value", "\(given.low) should be less than \(given.high)", at: arguments.token.range)
        }
        (info.from, info.to) = arguments.inverted ? (given.high, given.low) : (given.low, given.high)
      },
      write: { info, text in
        text.option("--connbytes", inverted: info.from > info.to)
        let high = max(info.from, info.to)
        text.word(String(min(info.from, info.to)))
        if high > 0, high < .max { text.glue(":\(high)") }
      }),
    Option("--connbytes-mode", word(modes), \.what, .mandatory, "what is counted: packets, bytes, or the average packet size"),
    Option("--connbytes-dir", word(directions), \.direction, .mandatory, "the direction: original, reply or both"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_connbytes_info>.size)]
  public static let examples: [Example] = [
    .misses("--connbytes 2 --connbytes-mode packets --connbytes-dir both", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .matches(
      "--connbytes 2 --connbytes-mode packets --connbytes-dir both", "eth1 udp 10.0.1.9:53 > 10.0.0.9:1000",
      after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"]),
    .accepts("--connbytes 5:10 --connbytes-mode packets --connbytes-dir original"),
    .accepts(
      "! --connbytes 1000: --connbytes-dir both --connbytes-mode bytes",
      saved: "! --connbytes 1000 --connbytes-mode bytes --connbytes-dir both"),
    .rejects("--connbytes 5:4 --connbytes-mode packets --connbytes-dir both"), .rejects("--connbytes 5"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    if info.from > info.to { text.word("!") }
    let high = max(info.from, info.to)
    text.word("connbytes \(min(info.from, info.to))")
    if high > 0, high < .max { text.glue(":\(high)") }
    text.word("connbytes mode \(info.what <= 2 ? modes[Int(info.what)] : "unknown")")
    text.word("connbytes direction \(info.direction <= 2 ? directions[Int(info.direction)] : "unknown")")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.what > 2 || info.direction > 2 { throw .kernel("connbytes: unknown mode or direction") }
  }

  public static func services(_ info: Info) -> KernelServices { [.conntrack, .accounting] }

  public static func condition(_ info: Info, family: Family) -> Condition {
    guard info.what <= 2, info.direction <= 2 else { return .never }
    let field = Field.connectionVolume(modes[Int(info.what)], directions[Int(info.direction)])
    if info.from <= info.to { return .inRange(field, info.from, info.to) }
    return .all([.has(field), .not(.inRange(field, info.to, info.from))])
  }
}

extension Field {
  /// The packets or bytes of a connection; absent without a connection or without accounting.
  ///
  /// The corresponding kernel function is `connbytes_mt`.
  fileprivate static func connectionVolume(_ mode: String, _ direction: String) -> Field {
    Field("ct.\(mode).\(direction)", bits: 64, FieldTraits(.context, [.value, .absent])) { context in
      guard let handle = context.attachment.connection, let counted = context.world.conntrack?.accounting(of: handle) else {
        return .absent
      }
      func sum(_ original: UInt64, _ reply: UInt64) -> UInt64 {
        direction == "original" ? original : direction == "reply" ? reply : original &+ reply
      }
      let packets = sum(counted.originalPackets, counted.replyPackets)
      let bytes = sum(counted.originalBytes, counted.replyBytes)
      switch mode {
      case "packets": return .of(packets)
      case "bytes": return .of(bytes)
      default: return .of(packets == 0 ? 0 : bytes / packets)
      }
    }
  }
}
