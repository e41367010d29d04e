extension ValueSyntax where Value == Masked<UInt32> {
  /// `value[/mask]` in numbers, or a name from a table of iproute2; printed in hexadecimal or by name.
  ///
  /// The corresponding C functions are `xtables_parse_val_mask` and `xtables_print_val_mask`.
  public static func routeName(in table: String) -> ValueSyntax {
    ValueSyntax(
      placeholder: "value[/mask]|name", grammar: "number [ \"/\" number ] | name",
      samples: ["0x1", "42", "1/0xff", "4294967295"], nearMisses: ["nosuchname", "-1", "1/x"],
      parse: { token, arguments throws(OptionError) in
        let top = UInt64(UInt32.max)
        guard let (value, rest) = UnsignedText.prefix(token.bytes), value <= top,
          rest.isEmpty || rest.first == UInt8(ascii: "/")
        else {
          if let number = arguments.names.routeNumber(token.string, table) { return Masked(number) }
          throw arguments.refused(
            "unknown-name",
            "could not map name \(token.string) to an integer value for option \"\(arguments.option)\".",
            hint: "write a number, or a name from /etc/iproute2/\(table)")
        }
        guard !rest.isEmpty else { return Masked(UInt32(value)) }
        guard let (mask, tail) = UnsignedText.prefix(rest.dropFirst()), mask <= top else {
          throw arguments.refused("bad-value", "bad integer value for option \"\(arguments.option)\", or out of range.")
        }
        guard tail.isEmpty else {
          throw arguments.refused("bad-value", "trailing garbage after value for option \"\(arguments.option)\".")
        }
        return Masked(UInt32(value), mask: UInt32(mask))
      },
      print: { value, text in
        if value.mask == .max, let name = text.names.routeName(value.value, table) { return text.word(name) }
        text.word("0x" + String(value.value, radix: 16))
        if value.mask != .max { text.glue("/0x" + String(value.mask, radix: 16)) }
      })
  }
}
