/// A value of the type-of-service byte and its mask; the mask first, as in `xt_tos_match_info`.
public struct TOSBits: BitwiseCopyable, Sendable, Hashable {
  /// The mask of the bits that are compared or changed.
  public var mask: UInt8 = 0
  /// The value; bits outside the mask may be set.
  public var value: UInt8 = 0

  /// Creates a value with a mask, by default an empty one.
  public init(_ value: UInt8 = 0, mask: UInt8 = 0) {
    self.value = value
    self.mask = mask
  }
}

extension ValueSyntax where Value == TOSBits {
  /// The names of four bits in RFC 1349.
  fileprivate static var symbols: [(name: String, value: UInt8)] {
    [
      ("Minimize-Delay", 0x10), ("Maximize-Throughput", 0x08), ("Maximize-Reliability", 0x04), ("Minimize-Cost", 0x02),
      ("Normal-Service", 0x00),
    ]
  }

  /// `value[/mask]`, or a symbolic name, which has its own mask. The corresponding C type is `XTTYPE_TOSMASK`.
  public static func tos(symbolicMask: UInt8) -> ValueSyntax {
    ValueSyntax(
      placeholder: "value[/mask]|symbol", grammar: "number [ \"/\" number ] | tos-symbol",
      samples: ["0", "0xff", "0x10/0x3f", "1/0"] + symbols.map(\.name), nearMisses: ["256", "1/256", "1/", "-1", "fast"],
      parse: { token, _ throws(OptionError) in
        if let (value, rest) = UnsignedText.prefix(token.bytes), value <= 255 {
          if rest.isEmpty { return TOSBits(UInt8(value), mask: 0xff) }
          guard rest.first == UInt8(ascii: "/"), let (mask, tail) = UnsignedText.prefix(rest.dropFirst()), tail.isEmpty,
            mask <= 255
          else { throw OptionError("bad-value", "Illegal value: \"\(token.string)\"", at: token.range) }
          return TOSBits(UInt8(value), mask: UInt8(mask))
        }
        guard let symbol = symbols.first(where: { $0.name.equalsIgnoringCase(token) }) else {
          throw OptionError(
            "bad-value", "Symbolic name \"\(token.string)\" is unknown", at: token.range,
            hint: "write a number up to 255, or one of " + symbols.map(\.name).joined(separator: ", "))
        }
        return TOSBits(symbol.value, mask: symbolicMask)
      },
      print: { bits, text in text.word(hex(bits.value) + "/" + hex(bits.mask)) })
  }

  private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0x0" : "0x") + String(byte, radix: 16) }
}

/// The names of the classes of a DSCP, the six upper bits of the type-of-service byte.
public enum DSCPClass {
  /// The classes in the order of the look-up: the first name that is a prefix of the text is taken.
  public static let names: [(name: String, value: UInt8)] = [
    ("CS0", 0x00), ("CS1", 0x08), ("CS2", 0x10), ("CS3", 0x18), ("CS4", 0x20), ("CS5", 0x28), ("CS6", 0x30), ("CS7", 0x38),
    ("BE", 0x00), ("AF11", 0x0a), ("AF12", 0x0c), ("AF13", 0x0e), ("AF21", 0x12), ("AF22", 0x14), ("AF23", 0x16),
    ("AF31", 0x1a), ("AF32", 0x1c), ("AF33", 0x1e), ("AF41", 0x22), ("AF42", 0x24), ("AF43", 0x26), ("EF", 0x2e),
  ]
}

extension ValueSyntax where Value == UInt8 {
  /// The name of a class. The corresponding C function is `class_to_dscp`.
  public static var dscpClass: ValueSyntax {
    ValueSyntax(
      placeholder: "class", grammar: "dscp-class", samples: DSCPClass.names.map(\.name) + ["ef"], nearMisses: ["", "CS8", "AF", "7"],
      parse: { token, _ throws(OptionError) in
        guard let found = DSCPClass.names.first(where: { $0.name.isPrefixIgnoringCase(of: token) }) else {
          throw OptionError(
            "bad-value", "Invalid DSCP value `\(token.string)'", at: token.range,
            hint: "the classes are BE, EF, CS0 to CS7 and AF11 to AF43")
        }
        return found.value
      },
      print: dscp.print)
  }

  /// A number up to 63, printed in hexadecimal.
  public static var dscp: ValueSyntax {
    let number = ValueSyntax.unsigned(0...63)
    return ValueSyntax(
      placeholder: number.placeholder, grammar: number.grammar, samples: number.samples, nearMisses: number.nearMisses,
      parse: number.parse,
      print: { value, text in text.word((value < 16 ? "0x0" : "0x") + String(value, radix: 16)) })
  }
}

extension TOSBits {
  /// The name of the value in RFC 1349 if the mask is that of the names; nil otherwise.
  public var symbol: String? {
    mask == 0x3f ? ValueSyntax<TOSBits>.symbols.first { $0.value == value }?.name : nil
  }
}

extension RuleText {
  /// Appends a value and its mask in hexadecimal without a blank, or a blank and the name in RFC 1349.
  ///
  /// The corresponding C function is `tos_try_print_symbolic`.
  public mutating func tos(_ test: TOSBits, numeric: Bool) {
    if !numeric, let symbol = test.symbol { return word(symbol) }
    glue("\(RuleText.hex(test.value, digits: 2))/\(RuleText.hex(test.mask, digits: 2))")
  }
}
