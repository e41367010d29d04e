import Diagnostics
import Extensions
import Syntax
import Testing
import Wire
import XTables

/// Addresses and numbers of the usual form are read by a short way, which must give what the general one gives.
@Suite struct PlainAddressTests {
  /// A blank before the address keeps it from the short way, and has no meaning.
  @Test(arguments: Family.allCases)
  func aUsualAddressIsReadLikeAnyOther(_ family: Family) {
    var random = SeededRandom(seed: 20_261_130)
    var read = 0
    for _ in 0..<20_000 {
      let text = Self.address(family, &random)
      let plain = Self.parse("-A INPUT -s \"\(text)\" -j DROP", family)
      let general = Self.parse("-A INPUT -s \" \(text)\" -j DROP", family)
      #expect(plain.addresses == general.addresses && plain.error == general.error, "\(text)")
      if !plain.addresses.isEmpty { read += 1 }
    }
    #expect((4_000..<19_000).contains(read))
  }

  @Test func aUsualNumberIsReadLikeAnyOther() {
    var random = SeededRandom(seed: 7)
    let parts = [
      "0", "1", "9", "42", "255", "4294967295", "4294967296", "9999999999999999999", "18446744073709551615", "x", "-", "+", " ", "a", "f",
      ".",
    ]
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0..<4, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
      let bytes = ArraySlice(text.utf8)
      // A blank before the number keeps it from the short way, and has no meaning.
      let general = CNumber(ArraySlice((" " + text).utf8))
      let short = CNumber(bytes)
      #expect(short?.magnitude == general?.magnitude && short?.exact == general?.exact, "\(text)")
      #expect(short.map { Array($0.rest) } == general.map { Array($0.rest) }, "\(text)")
      #expect(UnsignedText.parse(bytes) == general.flatMap { $0.rest.isEmpty ? $0.exact : nil }, "\(text)")
    }
  }

  private static func parse(_ line: String, _ family: Family) -> (addresses: [AddressMask], error: String?) {
    let parser = RulesetParser(registry: .ferrule, names: .builtin, family: family)
    let parsed = parser.parse(SourceFile(name: "text", bytes: Array("*filter\n\(line)\nCOMMIT\n".utf8)))
    let rules = parsed.ruleset.tables.flatMap(\.chains).flatMap(\.rules)
    return (rules.map(\.header.source), parsed.diagnostics.first?.id)
  }

  /// An address as iptables-save prints it, often with a change.
  private static func address(_ family: Family, _ random: inout SeededRandom) -> String {
    let host =
      family == .ipv4
      ? IPv4Address(rawValue: UInt32(truncatingIfNeeded: random.next())).description
      : IPv6Address(rawValue: UInt128(random.next()) << 64 | (Bool.random(using: &random) ? 0 : UInt128(random.next()))).description
    var text = Array(
      (host + ["", "/0", "/8", "/24", "/32", "/33", "/128", "/129", "/255.255.0.0"][Int.random(in: 0..<9, using: &random)]).utf8)
    let signs = Array("0123456789./:,abcdefx-+".utf8)
    for _ in 0..<[0, 0, 1, 1, 2][Int.random(in: 0..<5, using: &random)] {
      let at = Int.random(in: 0..<text.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: text.insert(signs[Int.random(in: 0..<signs.count, using: &random)], at: at)
      case 1: text[at] = signs[Int.random(in: 0..<signs.count, using: &random)]
      default: text.remove(at: at)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
