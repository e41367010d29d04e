import Analysis
import Diagnostics
import Extensions
import FoundationEssentials
import Linter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// What lint says about reachability in real rulesets, against what was judged by hand.
@Suite struct CorpusTests {
  private static let codes: Set<String> = ["FE005", "FE019", "FE020", "FE021", "FE022", "FE023", "FE024"]

  /// `FILE LINE CODE BLOCKERS`, with tabs, of a ruleset.
  static func outline(_ name: String, _ text: String) -> [String] {
    let parsed = RandomRules.parse(text, name.contains("ip6tables") ? .ipv6 : .ipv4)
    func line(_ range: SourceRange) -> Int { parsed.file.position(of: range.range.lowerBound).line }
    return Linter(registry: .ferrule).diagnostics(for: parsed).filter { codes.contains($0.code ?? "") }.map { finding in
      let blockers = (finding.evidence?.blockers ?? []).map { "\(line($0))" }.joined(separator: ",")
      return "\(name)\t\(line(finding.range))\t\(finding.code ?? "")\t\(blockers)"
    }
  }

  /// Every finding in the small rulesets was judged, and none that was judged is lost.
  @Test(.needsSharedFolder) func everyFindingWasJudged() throws {
    let folder = SharedFolder.path + "/rulesets"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix("tables-save") && !$0.hasPrefix("tum") }
      .sorted()
    #expect(names.count == 50)
    let found = try names.flatMap { Self.outline($0, try SharedFolder.text("rulesets/\($0)")) }
    let judged = try TextFile.lines(PackageFolder.path + "/Tests/Fixtures/reach-judgements.tsv").dropFirst().filter { !$0.isEmpty }.map {
      line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
      #expect(columns.count == 5 && columns[4].hasPrefix("true: "), "\(line)")
      return columns.prefix(4).joined(separator: "\t")
    }
    print("\(found.count) findings about reachability in \(names.count) rulesets")
    #expect(Set(found).subtracting(judged).sorted() == [])
    #expect(Set(judged).subtracting(found).sorted() == [])
  }

  /// Fixes change the treatment of no packet. The four rulesets of thousands of rules take minutes without optimisation:
  /// `FERRULE_LARGE_RULESETS=1` adds them.
  @Test(.needsSharedFolder) func fixedRulesetsAreEquivalent() throws {
    let folder = SharedFolder.path + "/rulesets"
    var fixed = 0
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).filter({ $0.hasSuffix("tables-save") }).sorted() {
      let family: Family = name.contains("ip6tables") ? .ipv6 : .ipv4
      let parser = RulesetParser(registry: .ferrule, names: .builtin, family: family)
      let before = RandomRules.parse(try SharedFolder.text("rulesets/\(name)"), family)
      guard before.file.bytes.count < 100_000 || ProcessInfo.processInfo.environment["FERRULE_LARGE_RULESETS"] == "1" else { continue }
      let result = RulesetFixer(parser: parser, linter: Linter(registry: .ferrule)).fix(before.file)
      guard result.fixCount > 0 else { continue }
      fixed += 1
      let comparison = RulesetComparison(before.ruleset, parser.parse(result.file).ruleset)
      #expect(
        comparison.result == .equal,
        "\(name): \(comparison.result), \(result.fixCount) fixes, \(comparison.regions.compactMap(\.witness.line))")
    }
    print("\(fixed) rulesets were fixed")
    #expect(fixed > 5)
  }

  /// The findings of every check in the large rulesets, by code, as they were judged. In these files hardware addresses are made unreadable, and the
  /// built-in names do not have gre, so that many rules are left out.
  @Test(.needsSharedFolder) func largeRulesetsAreDecided() throws {
    let judged = try TextFile.lines(PackageFolder.path + "/Tests/Fixtures/large-judgements.tsv").dropFirst().filter { !$0.isEmpty }
      .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    for line in judged { #expect(line.count == 5 && line[4].hasPrefix("true: "), "\(line)") }
    let names = Set(judged.map { $0[0] })
    #expect(names.count == 4)
    for name in names.sorted() {
      let parsed = RandomRules.parse(try SharedFolder.text("rulesets/\(name)"), name.contains("ip6tables") ? .ipv6 : .ipv4)
      let found = Linter(registry: .ferrule).diagnostics(for: parsed).filter { $0.code != nil }
      let counts = Dictionary(grouping: found) { $0.code ?? "" }.map { code, findings in
        let first = findings.map { parsed.file.position(of: $0.range.range.lowerBound).line }.min() ?? 0
        return "\(name)\t\(code)\t\(findings.count)\t\(first)"
      }
      #expect(counts.sorted() == judged.filter { $0[0] == name }.map { $0.prefix(4).joined(separator: "\t") }.sorted())
    }
  }
}
