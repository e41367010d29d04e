import Compiler
import Diagnostics
import Extensions
import Foundation
import Syntax
import Testing
import Wire
import XTables

/// Random and damaged input: nothing may trap, nothing may be lost, and what is read must survive a round trip.
///
/// `FERRULE_FUZZ=N` runs N times as many cases.
@Suite struct LanguageFuzzTests {
  static let factor = ProcessInfo.processInfo.environment["FERRULE_FUZZ"].flatMap(Int.init) ?? 1

  static let seedText = """
    # comment
    *filter
    :INPUT DROP [1:2]
    :user - [0:0]
    [3:4] -A INPUT -s 10.0.0.0/8,192.168.1.1 ! -i eth+ -p tcp -m tcp --dport 80:90 -m comment --comment "a \\" b" -j user
    -A INPUT -m mark --mark 0x1/0xff -g user
    -I INPUT 1 -p udp -j DROP
    -D INPUT 1
    -A user ! -f -j RETURN
    COMMIT
    *mangle
    -A PREROUTING -j MARK --set-mark 1
    COMMIT

    """

  static func parse(_ bytes: [UInt8], _ family: Family) -> ParsedRuleset {
    RulesetParser(registry: .ferrule, names: .builtin, family: family).parse(SourceFile(name: "fuzz", bytes: bytes))
  }

  /// Replaces, drops, doubles and inserts bytes; half of the inserted ones mean something to the language.
  static func damage(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var result = bytes
    for _ in 0..<Int.random(in: 1...12, using: &random) where !result.isEmpty {
      let at = Int.random(in: 0..<result.count, using: &random)
      let telling = Array("\"\\!-:[]*\n#, /0A\0\r".utf8)
      let byte = Bool.random(using: &random) ? UInt8.random(in: 0...255, using: &random) : telling.randomElement(using: &random) ?? 0
      switch Int.random(in: 0..<4, using: &random) {
      case 0: result[at] = byte
      case 1: result.remove(at: at)
      case 2: result.insert(byte, at: at)
      default:
        let end = min(result.count, at + Int.random(in: 1...40, using: &random))
        result.insert(contentsOf: result[at..<end], at: Int.random(in: 0...result.count, using: &random))
      }
    }
    return result
  }

  @Test func damagedTextNeverTraps() {
    var random = SeededRandom(seed: 1)
    var accepted = 0
    var rejected = 0
    for _ in 0..<2000 * Self.factor {
      let family: Family = Bool.random(using: &random) ? .ipv4 : .ipv6
      let bytes = Self.damage(Array(Self.seedText.utf8), &random)
      let parsed = Self.parse(bytes, family)
      #expect(parsed.syntax.bytes == bytes)
      for diagnostic in parsed.diagnostics {
        #expect(diagnostic.range.range.upperBound <= bytes.count)
        #expect(!TextRenderer(coloured: false).render(diagnostic, in: parsed.file).isEmpty)
      }
      if parsed.hasErrors {
        rejected += 1
        continue
      }
      accepted += 1
      Self.checkRoundTrip(parsed)
    }
    #expect(accepted > 0 && rejected > 0, "\(accepted) accepted, \(rejected) rejected")
  }

  /// text → rules → text → rules, and rules → blob → rules, agree.
  static func checkRoundTrip(_ parsed: ParsedRuleset) {
    let formatted = Formatter(names: .builtin).format(parsed)
    let again = parse(formatted, parsed.ruleset.family)
    #expect(!again.hasErrors, "\(again.diagnostics.first?.message ?? "") in \(String(decoding: formatted, as: UTF8.self))")
    guard !again.hasErrors else { return }
    #expect(Formatter(names: .builtin).format(again) == formatted)
    for table in parsed.ruleset.tables where TableValidator().diagnostics(for: table).isEmpty {
      do throws(DecompileError) {
        let back = try TableDecompiler(registry: .ferrule).decompile(TableCompiler().compile(table))
        for chain in table.chains {
          let rules = back[chain: chain.name]?.rules ?? []
          #expect(rules.count == chain.rules.count && zip(rules, chain.rules).allSatisfy { $0.isSame(as: $1) })
        }
      } catch {
        Issue.record("\(error.message)")
      }
    }
  }

  @Test func randomBytesNeverTrap() {
    var random = SeededRandom(seed: 2)
    for _ in 0..<500 * Self.factor {
      let bytes = (0..<Int.random(in: 0...400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(Self.parse(bytes, .ipv4).syntax.bytes == bytes)
    }
  }

  @Test func damagedBlobsNeverTrap() {
    var random = SeededRandom(seed: 3)
    let decompiler = TableDecompiler(registry: .ferrule)
    var refused = 0
    for table in Self.parse(Array(Self.seedText.utf8), .ipv4).ruleset.tables {
      let blob = TableCompiler().compile(table)
      for _ in 0..<2000 * Self.factor {
        var bytes = blob.replaceBytes
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if Int.random(in: 0..<10, using: &random) == 0 { bytes.removeLast(Int.random(in: 1...bytes.count, using: &random)) }
        guard let damaged = TableBlob(replaceBytes: bytes, family: .ipv4) else {
          refused += 1
          continue
        }
        do throws(DecompileError) { _ = try decompiler.decompile(damaged) } catch { refused += 1 }
      }
    }
    #expect(refused > 0)
  }

  @Test func absurdlyLargeRulesetsAreReadOrRefused() {
    let many = "*filter\n" + (0..<100_000).map { ":c\($0) - [0:0]\n" }.joined() + "-A INPUT -j c99999\nCOMMIT\n"
    let parsed = Self.parse(Array(many.utf8), .ipv4)
    #expect(!parsed.hasErrors)
    #expect(parsed.ruleset.tables.first.map { TableValidator().diagnostics(for: $0).count } == 0)

    let deep =
      "*filter\n" + (0..<20_000).map { ":c\($0) - [0:0]\n" }.joined()
      + (0..<19_999).map { "-A c\($0) -j c\($0 + 1)\n" }.joined() + "-A INPUT -j c0\n-A c19999 -j c0\nCOMMIT\n"
    let loop = Self.parse(Array(deep.utf8), .ipv4).ruleset.tables.first.map { TableValidator().diagnostics(for: $0) } ?? []
    #expect(loop.map(\.id) == ["chain-loop"])

    let long = "*filter\n-A INPUT -m comment --comment " + String(repeating: "x", count: 1 << 20) + "\nCOMMIT\n"
    let errors = Self.parse(Array(long.utf8), .ipv4).diagnostics
    #expect(errors.map(\.id) == ["long-line"])
  }

  @Test(arguments: [
    ("*filter\r\n-A INPUT -j DROP\r\nCOMMIT\r\n", "carriage-return"),
    ("*filter\n-A INPUT -j DR\0OP\nCOMMIT\n", "nul-byte"),
    ("*filter\n-A INPUT -j DROP\nCOMMIT", "bad-argument"),
    ("*filter\n-A INPUT -j DROP\n", "missing-commit"),
    ("-A INPUT -j DROP\n", "outside-table"),
    ("*filter\n-A INPUT -p tcp --dport ! 80 -j DROP\nCOMMIT\n", "invalid-port"),
    ("*filter\n-A INPUT -s ! 10.0.0.1 -j DROP\nCOMMIT\n", "bad-argument"),
    ("*filter\n-A INPUT -m tpc\nCOMMIT\n", "unknown-match"),
    ("*filter\n-A INPUT -p udp --dport 10000000000000000000 -j ACCEPT\nCOMMIT\n", "invalid-port"),
    ("*filter\n-A INPUT -m hashlimit --hashlimit-upto 4294967297/hour --hashlimit-name a\nCOMMIT\n", "bad-rate"),
    ("*filter\n-A INPUT -p udp --sport 70000 -j ACCEPT\nCOMMIT\n", "number-wraps"),
    ("*filter\n# \(String(repeating: "x", count: 10_240))\nCOMMIT\n", "long-line"),
    ("*filtr\n-A INPUT\nCOMMIT\n", "unknown-table"),
    ("*filter\n:A - [0:0]\n:A - [0:0]\nCOMMIT\n", "duplicate-chain"),
  ]) func clearDiagnostic(_ text: String, _ id: String) {
    let parsed = Self.parse(Array(text.utf8), .ipv4)
    #expect(parsed.diagnostics.first?.id == id, "\(parsed.diagnostics.map(\.message))")
  }

  @Test func bytesThatAreNotUTF8AreReadAndKept() {
    let bytes = Array("*filter\n-A INPUT -m comment --comment \"".utf8) + [0xff, 0xfe, 0x80] + Array("\"\nCOMMIT\n".utf8)
    let parsed = Self.parse(bytes, .ipv4)
    #expect(!parsed.hasErrors)
    #expect(Formatter(names: .builtin).format(parsed).contains(0xfe))
  }
}
