import CNetfilter
public import Wire
public import XTables

/// Matches packets that contain a string. Kernel: `xt_string`, revision 1.
public enum StringMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_string_info`.
  public struct Info: BitwiseCopyable, Sendable {
    /// The first offset searched, in bytes from the start of the packet.
    var from: UInt16 = 0
    var to: UInt16 = .max
    var algorithm = FixedName<16>()
    var pattern = InlineArray<128, UInt8>(repeating: 0)
    var length: UInt8 = 0
    var flags: UInt8 = 0
    var padding: UInt16 = 0
    /// Used by the kernel only; 0 in a rule's text.
    var kernelState: UInt64 = 0

    var bytes: [UInt8] {
      get { (0..<min(Int(length), 128)).map { pattern[$0] } }
      set {
        length = UInt8(min(newValue.count, 128))
        for (index, byte) in newValue.prefix(128).enumerated() { pattern[index] = byte }
      }
    }
  }

  /// The bits of `flags`: `XT_STRING_FLAG_*`.
  private enum Flag {
    static let inverted: UInt8 = 0x01
    static let ignoresCase: UInt8 = 0x02
  }

  public static let name = "string"
  public static let families: Families = .both
  public static let summary = "matches packets that contain a string"
  public static let traits: ExtensionTraits = .comparesBytes
  public static let initial = Info()

  private static let plain = ValueSyntax<[UInt8]>(
    placeholder: "pattern", grammar: "string", samples: ["test", "\"GET /\"", "x"], nearMisses: [String(repeating: "x", count: 129)],
    parse: { token, _ throws(OptionError) in
      guard token.bytes.count <= 128 else {
        throw OptionError(
          "bad-value", "STRING too long \"\(token.string)\"", at: token.range, hint: "a pattern has at most 128 bytes")
      }
      return Array(token.bytes)
    },
    print: { bytes, text in
      let quote = [UInt8(ascii: "\"")]
      let escaped = bytes.flatMap { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") ? [UInt8(ascii: "\\"), $0] : [$0] }
      text.word(String(decoding: quote + escaped + quote, as: UTF8.self))
    })

  private static let hexadecimal = ValueSyntax<[UInt8]>(
    placeholder: "pattern with |hex bytes|", grammar: "string", samples: ["\"|0d0a|\"", "\"GET |20 2f|\"", "plain"],
    nearMisses: ["\"|0|\"", "\"|0x|\"", "\"\"", "\"|00\""],
    parse: { token, _ throws(OptionError) in try HexadecimalPattern.parse(token) },
    print: { bytes, text in text.word("\"|" + Hex.string(bytes) + "|\"") })

  /// True if the pattern has unprintable bytes or ends in a backslash: iptables-save prints it in hexadecimal.
  private static func isHexadecimal(_ info: Info) -> Bool {
    let bytes = info.bytes
    return bytes.contains { !(0x20...0x7e).contains($0) } || bytes.last == UInt8(ascii: "\\")
  }

  public static let options: [Option<Info>] = [
    Option(
      "--hex-string", hexadecimal, \.bytes, invert: .bits(\.flags, Flag.inverted), present: .when(isHexadecimal),
      OptionUse(excludes: ["--string"]), "pattern, with bytes in hexadecimal between bars"),
    Option(
      "--string", plain, \.bytes, invert: .bits(\.flags, Flag.inverted), present: .when { !isHexadecimal($0) },
      OptionUse(excludes: ["--hex-string"]), "pattern"),
    Option("--algo", .bareName(placeholder: "bm|kmp"), \.algorithm, .mandatory, "the search algorithm: bm or kmp"),
    Option("--from", .unsigned(), \.from, present: .when { $0.from != 0 }, .plain, "the offset in the packet at which the search starts"),
    Option("--to", .unsigned(), \.to, present: .when { $0.to != .max }, .plain, "the offset in the packet at which the search ends"),
    Option(flag: "--icase", present: .bits(\.flags, Flag.ignoresCase), .plain, "ignore upper and lower case"),
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: Int(xt_string_info_size), userSize: 152)]
  public static let examples: [Example] = [
    .matches("--string \"secret\" --algo bm", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 payload=\"a secret\""),
    .misses("--string \"secret\" --algo bm", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 payload=\"a secre\""),
    .accepts("--algo bm --string GET", saved: "--string \"GET\" --algo bm"),
    .accepts("! --hex-string \"|0d0a|\" --algo kmp --from 40 --to 80 --icase"),
    .accepts("--hex-string \"G|45|T\" --algo bm", saved: "--string \"GET\" --algo bm"), .rejects("--algo bm"), .rejects("--string x"),
    .rejects("--string x --algo wrong"), .rejects("--string x --algo bm --from 5 --to 4"), .rejects("--string \"\" --algo bm"),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if !seen.contains("--string"), !seen.contains("--hex-string") {
      throw OptionError("missing-option", "STRING match: You must specify `--string' or `--hex-string'")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("STRING match \(info.flags & Flag.inverted != 0 ? "!" : "") ")
    text.glue(isHexadecimal(info) ? hexadecimal : plain, info.bytes)
    text.word("ALGO name ")
    text.glue(bytes: info.algorithm.bytes)
    if info.from != 0 { text.word("FROM \(info.from)") }
    if info.to != .max { text.word("TO \(info.to)") }
    if info.flags & Flag.ignoresCase != 0 { text.word("ICASE") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.from > info.to { throw .kernel("string: --from \(info.from) is greater than --to \(info.to)", hint: "swap the two") }
    if info.length == 0 || info.length > 128 || info.flags & ~0x03 != 0 { throw .kernel("string: no pattern, or one too long") }
    if !["bm", "kmp"].contains(info.algorithm.string) {
      throw .kernel("string: there is no algorithm \(info.algorithm.string) (ENOENT)", hint: "write --algo bm or --algo kmp")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .equals(.contains(info.bytes, from: info.from, to: info.to, ignoringCase: info.flags & Flag.ignoresCase != 0), 1)
      .inverted(info.flags & Flag.inverted != 0)
  }
}

extension Field {
  /// True if the packet, from its IP header on, contains the pattern, and the pattern ends at offset `to` or before.
  ///
  /// Only the first occurrence from `from` on is considered. The corresponding kernel function is `skb_find_text`.
  fileprivate static func contains(_ pattern: [UInt8], from: UInt16, to: UInt16, ignoringCase: Bool) -> Field {
    let wanted = ignoringCase ? pattern.map(upper) : pattern
    let label = "string\(ignoringCase ? ".icase" : "").\(from)-\(to).\(Hex.string(wanted))"
    return Field(label, bits: 1, FieldTraits(.bytes, [.value, .unknown])) { context in
      context.asked { asked in
        let bytes = asked.packet.bytes
        let end = min(bytes.count, Int(to))
        guard !wanted.isEmpty, from <= to, Int(from) + wanted.count <= end else { return FieldValue.value(0) }
        for start in Int(from)...(end - wanted.count) {
          let byte = ignoringCase ? upper(bytes[start]) : bytes[start]
          if byte == wanted[0], begins(bytes, at: start, with: wanted, ignoringCase) { return .value(1) }
        }
        return .value(0)
      } ?? .unknown(PacketContext.unknownChecksum("-m string"))
    }
  }

  private static func begins(_ bytes: [UInt8], at start: Int, with wanted: [UInt8], _ ignoringCase: Bool) -> Bool {
    for index in wanted.indices where (ignoringCase ? upper(bytes[start + index]) : bytes[start + index]) != wanted[index] { return false }
    return true
  }

  /// Upper case as in the kernel, whose table covers Latin-1.
  private static func upper(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), 0xdf...0xf6, 0xf8...0xff: byte - 0x20
    default: byte
    }
  }
}

/// A pattern in which `|` encloses hexadecimal bytes and a backslash makes the next byte literal.
///
/// The corresponding C function is `parse_hex_string`.
enum HexadecimalPattern {
  static func parse(_ token: Token) throws(OptionError) -> [UInt8] {
    func refuse(_ message: String) -> OptionError {
      OptionError("bad-value", message, at: token.range, hint: "write bytes as two hexadecimal digits between bars: |0d 0a|")
    }
    let text = Array(token.bytes)
    guard !text.isEmpty else { throw refuse("STRING must contain at least one char") }
    var result: [UInt8] = []
    var at = 0
    var isHexadecimal = false
    while at < text.count {
      guard result.count < 128 else { throw refuse("STRING too long \"\(token.string)\"") }
      if text[at] == UInt8(ascii: "\\") {
        guard !isHexadecimal else { throw refuse("Cannot include literals in hex data") }
        guard at + 1 < text.count else { throw refuse("Bad literal placement at end of string") }
        result.append(text[at + 1])
        at += 2
        continue
      }
      if text[at] == UInt8(ascii: "|") {
        if !isHexadecimal { while at + 1 < text.count, text[at + 1] == UInt8(ascii: " ") { at += 1 } }
        isHexadecimal.toggle()
        guard at + 1 < text.count else { break }
        at += 1
      }
      guard isHexadecimal else {
        result.append(text[at])
        at += 1
        continue
      }
      guard at + 1 < text.count else { throw refuse("Odd number of hex digits") }
      guard at + 2 < text.count else { throw refuse("Invalid hex block") }
      for digit in text[at...at + 1] where Hex.digit(digit) == nil {
        throw refuse("Invalid hex char '\(Character(Unicode.Scalar(digit)))'")
      }
      result.append((Hex.digit(text[at]) ?? 0) << 4 | (Hex.digit(text[at + 1]) ?? 0))
      at += text[at + 2] == UInt8(ascii: " ") ? 3 : 2
    }
    return result
  }
}
