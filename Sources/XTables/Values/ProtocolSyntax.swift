extension Token {
  /// A protocol by number or name. The corresponding C type is `XTTYPE_PROTOCOL`.
  public func protocolNumber(_ arguments: OptionArguments) throws(OptionError) -> UInt8 {
    if let number = unsigned, number <= 255 { return UInt8(number) }
    if let number = BuiltinProtocol.number(string) ?? arguments.names.protocolNumber(string) { return number }
    throw OptionError(
      "unknown-protocol", "unknown protocol \"\(string)\" specified", at: range,
      hint: "write a number up to 255 or a protocol name known to this system")
  }
}

extension ValueSyntax where Value: FixedWidthInteger & UnsignedInteger & Sendable {
  /// A protocol by number or name, printed as a number.
  public static var protocolNumber: ValueSyntax {
    ValueSyntax(
      placeholder: "protocol", grammar: "protocol", samples: ["6", "tcp", "255", "0"], nearMisses: ["256", "nosuchprotocol"],
      parse: { token, arguments throws(OptionError) in Value(try token.protocolNumber(arguments)) },
      print: { number, text in text.word(String(number)) })
  }
}
