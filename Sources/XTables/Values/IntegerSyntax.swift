extension ValueSyntax where Value: FixedWidthInteger & UnsignedInteger & Sendable {
  /// A number within a range, decimal, hexadecimal or octal; the corresponding C types are `XTTYPE_UINT8` to `XTTYPE_UINT64`.
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

/// A value and the bits of it that count.
public struct Masked<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable, Hashable {
  public var value: Word
  public var mask: Word

  public init(_ value: Word = 0, mask: Word = .max) {
    self.value = value
    self.mask = mask
  }
}

extension ValueSyntax where Value == Masked<UInt32> {
  /// `value[/mask]`, printed in hexadecimal, the mask left out where it is full; the corresponding C type is `XTTYPE_MARKMASK32`.
  public static var mark: ValueSyntax {
    ValueSyntax(
      placeholder: "value[/mask]", grammar: "number [ \"/\" number ]",
      samples: ["0", "0x1f", "4294967295", "0x10/0xff", "1/0"], nearMisses: ["-1", "0x1ffffffff", "1/", "1/x", "a"],
      parse: { token, arguments throws(OptionError) in
        let parts = token.split(on: "/")
        let range: ClosedRange<UInt64> = 0...UInt64(UInt32.max)
        guard parts.count <= 2, let value = parts[0].unsigned, range.contains(value) else {
          throw arguments.badValue(hint: "a mark is a number up to 0xffffffff, with an optional /mask")
        }
        guard parts.count == 2 else { return Masked(UInt32(value)) }
        guard let mask = parts[1].unsigned, range.contains(mask) else {
          throw arguments.badValue(hint: "a mask is a number up to 0xffffffff")
        }
        return Masked(UInt32(value), mask: UInt32(mask))
      },
      print: { mark, text in
        text.word("0x" + String(mark.value, radix: 16))
        if mark.mask != .max { text.glue("/0x" + String(mark.mask, radix: 16)) }
      })
  }
}
