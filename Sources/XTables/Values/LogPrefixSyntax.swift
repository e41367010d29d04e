extension ValueSyntax {
  /// The prefix of a log line: not empty, without line breaks, truncated to the capacity.
  public static func logPrefix<let capacity: Int>() -> ValueSyntax where Value == FixedName<capacity> {
    ValueSyntax(
      placeholder: "prefix", grammar: "string", samples: ["foo", "\"dropped: \""], nearMisses: ["\"\""], plain: .text(capacity: capacity),
      parse: { token, arguments throws(OptionError) in
        guard !token.bytes.isEmpty else {
          throw OptionError(
            "bad-value", "Argument must have a minimum length of 1 characters", at: token.range,
            hint: "leave out \(arguments.option)")
        }
        guard !token.bytes.contains(UInt8(ascii: "\n")) else {
          throw OptionError("bad-value", "Newlines not allowed in --log-prefix", at: token.range)
        }
        return FixedName(token.bytes)
      },
      print: { name, text in text.quoted(name.bytes) })
  }
}
