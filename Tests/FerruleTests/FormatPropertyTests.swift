import Compiler
import Diagnostics
import Extensions
import Foundation
import Grammar
import Kernel
import Syntax
import SystemNames
import Testing
import Wire
import XTables

@testable import Linter

/// What `fmt` and `lint --fix` write loads, and is the ruleset that was read.
///
/// `FERRULE_RULESETS=N` draws N rulesets instead of 300; `FERRULE_SEED=S` draws others.
@Suite struct FormatPropertyTests {
  static let environment = ProcessInfo.processInfo.environment
  static let count = environment["FERRULE_RULESETS"].flatMap { Int($0) } ?? 300
  static let seed = environment["FERRULE_SEED"].flatMap { UInt64($0) } ?? 20_261_129

  static func parser(_ family: Family) -> RulesetParser { RulesetParser(registry: .ferrule, names: .offline, family: family) }

  static func parse(_ text: String, _ family: Family) -> ParsedRuleset {
    parser(family).parse(SourceFile(name: "drawn", bytes: Array(text.utf8)))
  }

  /// Rulesets without an error: of what is drawn, the lines that are read, arguments at the edges of their readers among them.
  static func rulesets(_ family: Family, _ count: Int) -> [ParsedRuleset] {
    var generator = SentenceGenerator(registry: .ferrule, family: family, seed: seed)
    generator.edgeRate = 0.2
    var drawn: [ParsedRuleset] = []
    while drawn.count < count {
      let table = TableName.allCases[drawn.count % TableName.allCases.count]
      var text = generator.table(table, rules: 6)
      for _ in 0..<20 {
        let parsed = parse(text, family)
        let bad = Set(parsed.diagnostics.filter { $0.severity == .error }.map { parsed.file.position(of: $0.range.range.lowerBound).line })
        if bad.isEmpty {
          drawn.append(parsed)
          break
        }
        text = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().filter { !bad.contains($0.offset + 1) }
          .map(\.element).joined(separator: "\n")
      }
    }
    return drawn
  }

  @Test(arguments: [Family.ipv4, .ipv6]) func formattedTextLoadsAsTheSameRuleset(_ family: Family) {
    let formatter = RulesetFormatter(parser: Self.parser(family), formatter: Formatter(names: .offline))
    var notes = 0
    for parsed in Self.rulesets(family, Self.count / 2) {
      do throws(RulesetFormatter.Failure) {
        let result = try formatter.format(parsed)
        notes += result.notes.count
        let again = Self.parser(family).parse(SourceFile(name: "formatted", bytes: result.bytes))
        #expect(!again.hasErrors && RulesetFormatter.areSame(parsed.ruleset, again.ruleset))
        // What is formatted stays as it is.
        #expect(try formatter.format(again).bytes == result.bytes)
      } catch {
        Issue.record("\(error.message)\n\(String(decoding: parsed.file.bytes, as: UTF8.self))")
      }
    }
    #expect(notes > 0, "no rule was drawn that iptables-save prints so that it is not read back")
  }

  @Test(arguments: [Family.ipv4, .ipv6]) func fixedTextLoads(_ family: Family) {
    let fixer = RulesetFixer(parser: Self.parser(family), linter: Linter(registry: .ferrule))
    var fixed = 0
    for parsed in Self.rulesets(family, Self.count / 2) {
      let result = fixer.fix(parsed.file)
      let again = Self.parser(family).parse(result.file)
      fixed += result.fixCount
      #expect(!again.hasErrors, "\(String(decoding: result.file.bytes, as: UTF8.self))")
      #expect(!result.isCutShort)
      if result.fixCount == 0 { #expect(RulesetFormatter.areSame(parsed.ruleset, again.ruleset)) }
    }
    #expect(fixed > 0)
  }

  /// A day that is none, a full range inverted, a delay without end, a name that needs quotes.
  @Test(arguments: [
    ("-A INPUT -m time ! --weekdays Mon,Tue,Wed,Thu,Fri,Sat,Sun -j DROP", "! --weekdays Mon,Tue,Wed,Thu,Fri,Sat,Sun"),
    ("-A INPUT -p tcp -m tcp ! --sport 0:65535 -j DROP", "! --sport 0:65535"),
    ("-A INPUT -p udp -m udp ! --dport : -j DROP", "! --dport 0:65535"),
    ("-A INPUT -j LED --led-trigger-id a --led-delay inf", "--led-delay inf"),
    ("-A INPUT -i \"a b\" -j DROP", "-i \"a b\""),
    ("-A INPUT -p 108 -m ipcomp --ipcompspi 0:4294967295 -j DROP", "--ipcompspi 0:4294967295"),
  ]) func nearestForm(_ rule: String, _ expected: String) throws {
    let formatter = RulesetFormatter(parser: Self.parser(.ipv4), formatter: Formatter(names: .offline))
    let result = try formatter.format(Self.parse("*filter\n\(rule)\nCOMMIT\n", .ipv4))
    #expect(String(decoding: result.bytes, as: UTF8.self).contains(expected))
    #expect(result.notes.map(\.id) == ["not-as-saved"])
  }
}
