extension ValueSyntax {
  /// Any text, truncated to the capacity, quoted as by iptables-save.
  @inlinable
  public static func name<let capacity: Int>(placeholder: String) -> ValueSyntax where Value == FixedName<capacity> {
    ValueSyntax(
      placeholder: placeholder, grammar: "string", samples: ["foo", "\"a b\"", "x-y_z"], plain: .text(capacity: capacity),
      parse: { token, _ in FixedName(token.bytes) },
      print: { name, text in text.quoted(name.bytes) })
  }
}
