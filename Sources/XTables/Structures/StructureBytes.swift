/// The notation for a structure that cannot be decoded: `-m NAME --ferrule-bytes REVISION:HEX`.
///
/// iptables refuses this option, so that the rule is never read as a different one. Ferrule reads it back unchanged.
public enum StructureBytes {
  /// The name of the option.
  public static let option = "--ferrule-bytes"
  /// The largest size in bytes; an entry has no room for more.
  static let mostBytes = 65_535

  /// Whether a structure with this name can be written: the name needs no quotes, and is not one of those with which the kernel
  /// builds its tables.
  public static func canName(_ kind: ExtensionDescriptor.Kind, _ name: String) -> Bool {
    guard let first = name.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "!"), name.utf8.count < 29 else { return false }
    if kind == .target, name == "ERROR" || StandardVerdict(rawValue: name) != nil { return false }
    return name.utf8.allSatisfy {
      $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: "\\")
    }
  }

  /// Appends the option with its value.
  static func write(_ bytes: some Sequence<UInt8>, revision: UInt8, to text: inout RuleText) {
    text.word(option)
    text.word("\(revision):")
    let digits = Array("0123456789abcdef".utf8)
    text.glue(bytes: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  /// Parses the value of the option.
  ///
  /// - Throws: an error if it is not a revision, a colon and an even number of hexadecimal digits.
  public static func parse(_ token: Token) throws(OptionError) -> (revision: UInt8, bytes: [UInt8]) {
    guard let (number, hex) = token.cut(at: ":"),
      let revision = UnsignedText.digits(number.bytes, base: .decimal).flatMap({ UInt8(exactly: $0) }),
      hex.bytes.count % 16 == 0, hex.bytes.count / 2 <= mostBytes, let bytes = decode(hex.bytes)
    else {
      throw OptionError(
        "bad-structure-bytes", "`\(token.string)' is not a revision with a structure", at: token.range,
        hint: "write the revision, a colon and the bytes in hexadecimal; the number of bytes must be a multiple of 8")
    }
    return (revision, bytes)
  }

  private static func decode(_ hex: ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(hex.count / 2)
    var at = hex.startIndex
    while at < hex.endIndex {
      guard let byte = UnsignedText.digits(hex[at..<at + 2], base: .hexadecimal) else { return nil }
      bytes.append(UInt8(byte))
      at += 2
    }
    return bytes
  }
}
