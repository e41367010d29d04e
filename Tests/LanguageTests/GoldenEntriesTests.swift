import Compiler
import Diagnostics
import Extensions
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Every rule of the iptables project's own tests, against the entry the real tool hands to the kernel.
@Suite struct GoldenEntriesTests {
  struct Row: Sendable {
    let file: String
    let family: Family
    let table: TableName
    let chain: String
    let rule: String
    let canonical: String
    let entry: String
  }

  struct Tally {
    var passed = 0
    /// Rules with an extension that is not registered.
    var missing = 0
    var failures: [String] = []
  }

  static func rows() throws -> [Row] {
    try SharedFolder.text("conformance/golden-entries-1.8.9.tsv").split(separator: "\n").dropFirst().compactMap { line in
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard cells.count == 9, let table = TableName(rawValue: cells[3]) else { return nil }
      return Row(
        file: cells[0], family: cells[2] == "iptables" ? .ipv4 : .ipv6, table: table, chain: cells[4], rule: cells[5],
        canonical: cells[6], entry: cells[8])
    }
  }

  @Test(.needsSharedFolder) func everyRuleCompilesToTheEntryThatIptablesLoads() throws {
    var tallies: [String: Tally] = [:]
    for row in try Self.rows() {
      let failure = Self.check(row)
      tallies[row.file, default: Tally()].passed += failure == nil ? 1 : 0
      guard let failure else { continue }
      if failure.contains("Couldn't load") {
        tallies[row.file]?.missing += 1
      } else {
        tallies[row.file]?.failures.append("\(row.rule)\n      \(failure)")
      }
    }
    var passed = 0
    var failed = 0
    var missing = 0
    for (file, tally) in tallies.sorted(by: { $0.key < $1.key }) {
      passed += tally.passed
      failed += tally.failures.count
      missing += tally.missing
      let total = tally.passed + tally.failures.count + tally.missing
      print("\(file): \(tally.passed) of \(total)" + (tally.missing > 0 ? ", \(tally.missing) without their extension" : ""))
      for failure in tally.failures.prefix(3) { print("    \(failure)") }
    }
    print("golden entries: \(passed) of \(passed + failed + missing), \(missing) without their extension")
    #expect(failed == 0)
  }

  static func check(_ row: Row, _ registry: Registry = .ferrule) -> String? {
    let line = "-A \(row.chain) \(row.rule)"
    let file = SourceFile(name: row.file, bytes: Array("*\(row.table.rawValue)\n\(line)\nCOMMIT\n".utf8))
    let parsed = RulesetParser(registry: registry, names: .system, family: row.family).parse(file)
    if let error = parsed.diagnostics.first(where: { $0.severity == .error }) { return "refused: \(error.message)" }
    guard let table = parsed.ruleset.tables.first, let rule = table[chain: row.chain]?.rules.first else { return "no rule" }
    let text = String(decoding: RulePrinter(family: row.family, names: .system).line(rule, chain: row.chain), as: UTF8.self)
    if text != row.canonical { return "printed \(text)\n      instead \(row.canonical)" }
    var expected = bytes(hex: row.entry)
    var entry = EntryEncoder(family: row.family).entry(rule)
    if rule.target == .none, entry.count == expected.count {
      expected.replaceSubrange((entry.count - 8)..., with: [UInt8](repeating: 0, count: 8))
      entry.replaceSubrange((entry.count - 8)..., with: [UInt8](repeating: 0, count: 8))
    }
    if entry != expected {
      let at = zip(entry, expected).enumerated().first { $1.0 != $1.1 }?.offset ?? min(entry.count, expected.count)
      return "entry of \(entry.count) bytes differs from \(expected.count) at \(at)"
    }
    let blob = TableCompiler().compile(table)
    do throws(DecompileError) {
      let again = try TableDecompiler(registry: registry).decompile(blob)
      guard let back = again[chain: row.chain]?.rules.first, back.isSame(as: rule) else { return "decompiles to another rule" }
    } catch {
      return "decompile: \(error.message)"
    }
    return nil
  }

  static func bytes(hex: String) -> [UInt8] {
    let digits = Array(hex.utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
    }
  }
}
