/// An interface name followed by the mask of the bytes that are compared, as in the kernel's structures.
public struct InterfaceTest: BitwiseCopyable, Sendable, Equatable {
  /// The name, with the `+` of a pattern.
  public var name = FixedName<16>()
  /// The mask: 0xff for each byte that is compared.
  public var mask = InlineArray<16, UInt8>(repeating: 0)

  /// Creates a test that every interface passes.
  public init() {}

  /// The name and mask as numbers, the first byte most significant, as in ``Interface/key``.
  public var pattern: InterfacePattern {
    func number(_ bytes: InlineArray<16, UInt8>) -> UInt128 { bytes.indices.reduce(UInt128(0)) { $0 << 8 | UInt128(bytes[$1]) } }
    return InterfacePattern(name: number(name.storage), mask: number(mask))
  }

  /// Whether name and mask are equal.
  public static func == (left: InterfaceTest, right: InterfaceTest) -> Bool {
    left.pattern == right.pattern
  }
}

extension ValueSyntax where Value == InterfaceTest {
  /// A name of at most 15 bytes. A final `+` matches any suffix.
  ///
  /// The corresponding C function is `xtables_parse_interface`.
  public static var interface: ValueSyntax {
    ValueSyntax(
      placeholder: "name[+]", grammar: "interface", samples: ["eth0", "eth+", "+"], nearMisses: ["averylonginterfacename"],
      parse: { token, _ throws(OptionError) in
        guard token.bytes.count < 16 else {
          throw OptionError(
            "long-interface", "interface name `\(token.string)' must be shorter than IFNAMSIZ (15)", at: token.range)
        }
        var test = InterfaceTest()
        test.name = FixedName(token.bytes)
        let counted = token.bytes.last == UInt8(ascii: "+") ? token.bytes.count - 1 : token.bytes.isEmpty ? 0 : token.bytes.count + 1
        for index in 0..<counted { test.mask[index] = 0xff }
        return test
      },
      print: { test, text in text.word(test.name.string) })
  }
}
