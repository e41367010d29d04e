import CNetfilter
import Wire
import XTables

/// The tests of `-m hbh` and `-m dst` on an options header. The corresponding kernel structure is `ip6t_opts`.
public struct HeaderOptionsTest: BitwiseCopyable, Sendable {
  /// Bytes.
  var length: UInt32 = 0
  var flags: UInt8 = 0
  var inverted: UInt8 = 0
  /// The wanted options: the type in the upper byte, the length in the lower byte; 255 for any length.
  var wanted = InlineArray<16, UInt16>(repeating: 0)
  var count: UInt8 = 0
  var padding: UInt8 = 0

  /// The bits of `flags`: `IP6T_OPTS_*`.
  private enum Flag {
    static let length: UInt8 = 0x01
    static let wanted: UInt8 = 0x02
  }

  static func options(_ name: String) -> [Option<HeaderOptionsTest>] {
    [
      Option(
        "--\(name)-len", .unsigned(), \.length, invert: .flag(\.inverted), present: .bits(\.flags, Flag.length), .plain,
        "length of the header in bytes"),
      Option(
        "--\(name)-opts", arity: 1, placeholder: "type[:length][,type[:length]...]",
        grammar: "number [ \":\" number ] { \",\" number [ \":\" number ] }", samples: ["1:2,23:42,4", "0", "5:0"],
        nearMisses: ["", "x", "1:", "0:1", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"], .plain, "options in this order",
        read: { info, arguments throws(OptionError) in
          try info.parse(arguments)
          info.flags |= Flag.wanted
        },
        write: { info, text in
          if info.flags & Flag.wanted != 0 { text.option("--\(name)-opts") }
          if info.count > 0 { text.word(info.wantedText) }
        }),
    ]
  }

  private var wantedText: String {
    (0..<min(Int(count), 16)).map { index in
      let option = wanted[index]
      return option & 0xff == 0xff ? "\(option >> 8)" : "\(option >> 8):\(option & 0xff)"
    }.joined(separator: ",")
  }

  func list(_ name: String, to text: inout RuleText) {
    text.word(name)
    if flags & Flag.length != 0 { text.word("length:\(inverted != 0 ? "!" : "")\(length)") }
    if flags & Flag.wanted != 0 { text.word("opts") }
    if count > 0 { text.word(wantedText) }
  }

  /// The corresponding C function is `parse_options`; as there, the low eight bits of larger numbers are stored.
  private mutating func parse(_ arguments: OptionArguments) throws(OptionError) {
    let token = arguments.token
    func number(_ part: Token, _ what: String) throws(OptionError) -> UInt16 {
      func refuse(_ why: String) -> OptionError {
        OptionError(
          "bad-value", "\(arguments.owner): \(why) `\(part.string)'", at: part.range, hint: "write types and lengths as numbers: 5:2,23")
      }
      guard let number = CNumber(part.bytes) else { throw refuse("no valid digits in \(what)") }
      if number.isTooLarge { throw refuse("\(what) value too big: would overflow") }
      guard number.rest.isEmpty else { throw refuse("error parsing \(what)") }
      return arguments.keep(number, as: UInt16(number.wrapped & 0xff), of: part)
    }
    var used = 0
    for part in token.split(on: ",") {
      guard used < 16 else {
        throw OptionError("too-many-values", "too many addresses specified", at: part.range, hint: "at most 16 options")
      }
      guard let (type, length) = part.cut(at: ":") else {
        wanted[used] = try number(part, "opt") << 8 | 0xff
        used += 1
        continue
      }
      guard used < 15 else { throw OptionError("too-many-values", "too many ports specified", at: part.range, hint: "at most 16 options") }
      let kind = try number(type, "opt")
      guard kind != 0 else { throw OptionError("bad-value", "PAD0 hasn't got length", at: part.range) }
      wanted[used] = kind << 8 | (try number(length, "length"))
      used += 1
    }
    count = UInt8(used)
  }

  func check(_ name: String) throws(OptionError) {
    if inverted & ~0x01 != 0 || flags & 0x04 != 0 || count > 16 { throw .kernel("\(name): unknown flags") }
  }

  /// The corresponding kernel function is `hbh_mt6`, which handles both headers.
  func condition(_ name: String, _ number: IPProtocol) -> Condition {
    let length = Field.inExtension("\(name).length", bits: 12, of: number, length: 2) { bytes, offset in
      guard let length = extensionLength(bytes, at: offset) else { return .malformed }
      // A header longer than the packet does not match; the packet is not dropped.
      return bytes.holds(length, at: offset) ? .of(length) : .absent
    }
    var tests: [Condition] = [.has(length)]
    if flags & Flag.length != 0 { tests.append(.equals(length, self.length).inverted(inverted != 0)) }
    if flags & Flag.wanted != 0 {
      let wanted = (0..<min(Int(count), 16)).map { self.wanted[$0] }
      let label = wanted.map(String.init).joined(separator: ",")
      let field = Field.inExtension("\(name).options.\(label)", bits: 1, of: number, length: 2) { bytes, offset in
        .of(Self.carries(wanted, bytes, at: offset))
      }
      tests.append(.equals(field, 1))
    }
    return .all(tests)
  }

  /// True if the options of the header begin with the wanted ones.
  private static func carries(_ wanted: [UInt16], _ bytes: [UInt8], at offset: Int) -> Bool {
    var at = offset + 2
    var left = (extensionLength(bytes, at: offset) ?? 2) - 2
    for (index, option) in wanted.enumerated() {
      guard left >= 1, let type = bytes.uint8(at: at) else { return false }
      guard UInt16(type) == option >> 8 else { return false }
      var length = 1
      if type != 0 {
        guard left >= 2, let given = bytes.uint8(at: at + 1) else { return false }
        guard option & 0xff == 0xff || option & 0xff == UInt16(given) else { return false }
        length = Int(given) + 2
      }
      if at + length > bytes.count || left < length, index + 1 < wanted.count { return false }
      at += length
      left -= length
    }
    return true
  }
}
