import Compiler
import Diagnostics
import Extensions
import Foundation
import Syntax
import Testing
import Wire
import XTables

/// Text compiled piece by piece must give what the same text gives when it is read whole, or must be left to that.
@Suite struct StreamCompilerTests {
  static let parser = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4)

  static func stream(_ bytes: [UInt8], piece: Int) -> [TableBlob]? {
    var compiler = StreamCompiler(parser, length: bytes.count)
    for start in stride(from: 0, to: bytes.count, by: piece) {
      guard compiler.add(Array(bytes[start..<min(bytes.count, start + piece)])) else { return compiler.blobs() }
    }
    _ = compiler.add([])
    return compiler.blobs()
  }

  /// Nothing where there is anything to complain of.
  static func whole(_ bytes: [UInt8]) -> [TableBlob]? {
    let parsed = parser.parse(SourceFile(name: "text", bytes: bytes))
    guard parsed.diagnostics.isEmpty else { return nil }
    guard parsed.ruleset.tables.allSatisfy({ TableValidator().diagnostics(for: $0).isEmpty }) else { return nil }
    return parsed.ruleset.tables.map { TableCompiler().compile($0) }
  }

  static func text(_ rules: String, table: String = "filter") -> [UInt8] { Array("*\(table)\n\(rules)\nCOMMIT\n".utf8) }

  /// Chains in and out of the order of their names, rules of several chains mixed, rules without a target, two tables.
  @Test(arguments: [
    ":b - [0:0]\n:a - [0:0]\n-A b -j ACCEPT\n-A INPUT -j b\n-A a -j DROP\n-A b -g a\n-A INPUT -s 10.0.0.1,10.0.0.2\n-A a",
    ":INPUT DROP [3:4]\n:a - [0:0]\n:b - [0:0]\n[1:2] -A INPUT -j b\n-A FORWARD -p tcp -m tcp --dport 80 -j a\n-A a -j b\n-A b",
    "-N late\n-P OUTPUT DROP\n-A late -j RETURN\n-A INPUT -j late\nCOMMIT\n*mangle\n-A PREROUTING -j MARK --set-mark 1",
    ":x - [0:0]\nCOMMIT\n*nat\nCOMMIT\n*filter\n:y - [0:0]\n-A y -j ACCEPT",
  ])
  func sameAsWhole(_ rules: String) throws {
    let bytes = Self.text(rules)
    let expected = try #require(Self.whole(bytes))
    for piece in [1, 7, bytes.count] { #expect(Self.stream(bytes, piece: piece) == expected) }
  }

  /// What a hook forbids is found through the chains that lead there, and not where no packet comes.
  @Test func targetsInUserChainsAreCheckedAtTheHooksThatReachThem() {
    let nat = ":d - [0:0]\n-A d -p tcp -j DNAT --to-destination 10.0.0.1\n"
    #expect(Self.stream(Self.text(nat + "-A PREROUTING -j d", table: "nat"), piece: 10) != nil)
    #expect(Self.stream(Self.text(nat + "-A POSTROUTING -j d", table: "nat"), piece: 10) == nil)
    #expect(Self.stream(Self.text(nat + "-A POSTROUTING -j ACCEPT\n-A POSTROUTING -j d", table: "nat"), piece: 10) != nil)
    #expect(Self.stream(Self.text("-A OUTPUT -j DNAT --to-destination 10.0.0.1", table: "nat"), piece: 10) != nil)
    #expect(Self.stream(Self.text("-A POSTROUTING -j DNAT --to-destination 10.0.0.1", table: "nat"), piece: 10) == nil)
  }

  /// A loop, a mistake, a warning and an edit of earlier rules are left to the reading of the whole.
  @Test(arguments: [
    ":a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j a", "-A INPUT --dport 80", "-A INPUT -j nowhere",
    "-A INPUT -m comment --comment \"open", "-I INPUT -j ACCEPT", "-A INPUT -j ACCEPT\n-D INPUT 1", "-A INPUT\n-F",
  ])
  func leftToTheWhole(_ rules: String) { #expect(Self.stream(Self.text(rules), piece: 16) == nil) }

  @Test func textWithoutCommitIsNotCompiled() { #expect(Self.stream(Array("*filter\n-A INPUT -j ACCEPT\n".utf8), piece: 5) == nil) }

  /// Damaged text in random pieces: an answer is the right one, and there is one exactly where nothing is to complain of.
  @Test func damagedTextIsCompiledExactlyWhereTheParserFindsNothing() {
    var random = SeededRandom(seed: 11)
    let seed = Array(
      """
      *filter
      :INPUT DROP [1:2]
      :user - [0:0]
      :other - [0:0]
      [3:4] -A INPUT -s 10.0.0.0/8,192.168.1.1 ! -i eth+ -p tcp -m tcp --dport 80:90 -m comment --comment "a b" -j user
      -A other -m mark --mark 0x1/0xff -g user
      -A user ! -f -j RETURN
      -A other
      COMMIT
      *mangle
      -A PREROUTING -j MARK --set-mark 1
      COMMIT

      """.utf8)
    var compiled = 0
    var left = 0
    for _ in 0..<2000 * LanguageFuzzTests.factor {
      var bytes = seed
      if Bool.random(using: &random) { bytes = LanguageFuzzTests.damage(bytes, &random) }
      let blobs = Self.stream(bytes, piece: Int.random(in: 1...bytes.count + 1, using: &random))
      let expected = Self.whole(bytes)
      if let blobs {
        compiled += 1
        #expect(blobs == expected, "\(String(decoding: bytes, as: UTF8.self))")
      } else {
        left += 1
        let harmless: Set<Substring> = ["--dport", "--comment", "--mark", "--set-mark"]
        let editing: Set<Substring> = ["-I", "-D", "-R", "-C", "-F", "-X", "-E", "-Z", "-L", "-S"]
        let isEdited = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).contains { word in
          editing.contains(word.prefix(2)) || word.hasPrefix("--") && !harmless.contains(word)
        }
        #expect(expected == nil || isEdited, "\(String(decoding: bytes, as: UTF8.self))")
      }
    }
    #expect(compiled > 100 && left > 100)
  }
}
