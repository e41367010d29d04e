extension ValueSyntax {
  /// Any text, truncated to the capacity, printed without quotes.
  public static func bareName<let capacity: Int>(placeholder: String) -> ValueSyntax where Value == FixedName<capacity> {
    ValueSyntax(
      placeholder: placeholder, grammar: "string", samples: ["foo", "x-y_z"], parse: { token, _ in FixedName(token.bytes) },
      print: { name, text in text.word(name.string) })
  }

  /// Any text that is not empty, truncated to the capacity, printed without quotes.
  public static func filledName<let capacity: Int>(placeholder: String) -> ValueSyntax where Value == FixedName<capacity> {
    let plain = ValueSyntax.bareName(placeholder: placeholder)
    return ValueSyntax(
      placeholder: placeholder, grammar: plain.grammar, samples: plain.samples, nearMisses: ["\"\""],
      parse: { token, arguments throws(OptionError) in
        guard !token.bytes.isEmpty else {
          throw OptionError("bad-value", "Argument must have a minimum length of 1 characters", at: token.range)
        }
        return FixedName(token.bytes)
      },
      print: plain.print)
  }
}

extension ValueSyntax where Value: FixedWidthInteger & UnsignedInteger & Sendable {
  /// A number, printed in hexadecimal.
  public static var hexadecimal: ValueSyntax {
    let plain = ValueSyntax.unsigned()
    return ValueSyntax(
      placeholder: plain.placeholder, grammar: plain.grammar, samples: plain.samples, nearMisses: plain.nearMisses,
      parse: plain.parse, print: { value, text in text.word("0x" + String(value, radix: 16)) })
  }
}
