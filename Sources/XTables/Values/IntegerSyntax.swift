extension ValueSyntax where Value: FixedWidthInteger & UnsignedInteger & Sendable {
  /// A decimal, hexadecimal or octal number within a range. The corresponding C types are `XTTYPE_UINT8` to `XTTYPE_UINT64`.
  public static func unsigned(_ range: ClosedRange<Value> = 0...Value.max) -> ValueSyntax {
    let wide = UInt64(range.lowerBound)...UInt64(range.upperBound)
    return ValueSyntax(
      placeholder: "value", grammar: "number",
      samples: [String(range.lowerBound), String(range.upperBound), "0x" + String(range.upperBound / 2 + 1, radix: 16)],
      nearMisses: ["-1", "x", ""] + (range.upperBound == Value.max ? [] : [String(UInt64(range.upperBound) + 1)]),
      parse: { token, arguments throws(OptionError) in
        guard let number = token.unsigned, wide.contains(number) else { throw arguments.outOfRange(token, wide) }
        return Value(number)
      },
      print: { value, text in text.word(String(value)) })
  }
}

/// A value and its mask.
public struct Masked<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable, Hashable {
  /// The value; bits outside the mask may be set.
  public var value: Word
  /// The mask of the bits that are compared or changed.
  public var mask: Word

  /// Creates a value with a mask, by default a full one.
  public init(_ value: Word = 0, mask: Word = .max) {
    self.value = value
    self.mask = mask
  }
}

extension ValueSyntax where Value == Masked<UInt32> {
  /// `value[/mask]`, printed in hexadecimal, without a full mask. The corresponding C type is `XTTYPE_MARKMASK32`.
  public static var mark: ValueSyntax {
    ValueSyntax(
      placeholder: "value[/mask]", grammar: "number [ \"/\" number ]",
      samples: ["0", "0x1f", "4294967295", "0x10/0xff", "1/0"], nearMisses: ["-1", "0x1ffffffff", "1/", "1/x", "a"], plain: .mark,
      parse: { token, arguments throws(OptionError) in
        guard let (value, rest) = UnsignedText.prefix(token.bytes), let value = UInt32(exactly: value) else {
          throw arguments.badMark("bad integer value for", "or out of range", token)
        }
        if rest.isEmpty { return Masked(value) }
        guard rest.first == UInt8(ascii: "/") else { throw arguments.badMark("trailing garbage after value for", nil, token) }
        guard let (mask, end) = UnsignedText.prefix(rest.dropFirst()), let mask = UInt32(exactly: mask) else {
          throw arguments.badMark("bad integer value for", "or out of range", token)
        }
        guard end.isEmpty else { throw arguments.badMark("trailing garbage after value for", nil, token) }
        return Masked(value, mask: mask)
      },
      print: { mark, text in
        text.word("0x" + String(mark.value, radix: 16))
        if mark.mask != .max { text.glue("/0x" + String(mark.mask, radix: 16)) }
      })
  }
}

extension OptionArguments {
  /// The errors of `xtables_parse_val_mask`.
  fileprivate func badMark(_ what: String, _ more: String?, _ token: Token) -> OptionError {
    OptionError(
      "bad-value", "\(owner): \(what) option \"\(option)\"\(more.map { ", \($0)" } ?? "").\n", at: token.range,
      hint: "a mark is a number up to 0xffffffff, with an optional /mask")
  }
}
