extension ValueSyntax {
  /// Any text, cut at the room there is, printed with iptables-save's quoting.
  @inlinable
  public static func name<let capacity: Int>(placeholder: String) -> ValueSyntax where Value == FixedName<capacity> {
    ValueSyntax(
      placeholder: placeholder, grammar: "string", samples: ["foo", "\"a b\"", "x-y_z"],
      parse: { token, _ in FixedName(token.bytes) },
      print: { name, text in text.quoted(name.bytes) })
  }
}
