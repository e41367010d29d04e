import Compiler
import Diagnostics
import Extensions
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// The entries that iptables 1.8.9 makes of its own test suite go into the kernel and come back the same.
@Suite(.asRoot, .needsSharedFolder) struct GoldenEntriesTests {
  struct Golden: Sendable {
    var family: Family
    var table: String
    var chain: String
    var text: String
    var rule: Rule
  }

  static func load() throws -> [Golden] {
    try SharedFolder.lines("conformance/golden-entries-1.8.9.tsv").dropFirst().map { line in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      let family: Family = fields[2] == "iptables" ? .ipv4 : .ipv6
      let entry = try #require(Hex.bytes(fields[8]))
      // A standard target's verdict is a place in the blob that the entry came from, or a verdict as a negative number.
      let target = Int(entry[family == .ipv4 ? 88 : 140]) | Int(entry[family == .ipv4 ? 89 : 141]) << 8
      var jump: String?
      if entry[target] == 40, entry[target + 2] == 0 {
        let verdict = Int32(truncatingIfNeeded: (0..<4).reduce(0) { $0 | Int(entry[target + 32 + $1]) << (8 * $1) })
        jump = [-1: "DROP", -2: "ACCEPT", -4: "QUEUE", -5: "RETURN"][verdict]
      }
      let rule = try TableDecompiler(registry: .ferrule).decompile(entry, label: jump ?? "", family)
      return Golden(family: family, table: fields[3], chain: fields[4], text: fields[6], rule: rule)
    }
  }

  /// Commits rules one at a time and tells how each fared.
  @Test func goldenEntriesAreAcceptedAndReadBackTheSame() throws {
    let all = try GoldenEntriesTests.load()
    let (equal, refused, other) = try NetworkNamespace.onNewThread {
      try LegacyTables().replace([try GoldenEntriesTests.estimators()])
      var equal = 0
      var refused: [String] = []
      var other: [String] = []
      for golden in all {
        let name = try #require(TableName(rawValue: golden.table))
        var table = Table(name, golden.family)
        let chain = try #require(table.index(of: golden.chain))
        table.update(at: chain) { $0.rules = [golden.rule] }
        let before = try LegacyTables().table(golden.family, name)
        do throws(KernelError) {
          try LegacyTables().replace([table])
          let back = try LegacyTables().table(golden.family, name)
          try LegacyTables().replace([before], ReplaceOptions())
          if Self.rules(of: golden.chain, TableCompiler().compile(table)) == Self.rules(of: golden.chain, back) {
            equal += 1
          } else {
            other.append("\(golden.text)")
          }
        } catch {
          refused.append("\(golden.text): \(error)")
        }
      }
      return (equal, refused, other)
    }
    print("golden entries: \(equal) the same, \(other.count) other, \(refused.count) refused of \(all.count)")
    for text in refused + other { print("  \(text)") }
    #expect(other.isEmpty)
    #expect(refused.isEmpty)
  }

  private static func rules(of chain: String, _ blob: TableBlob) -> [[UInt8]]? {
    let entries = try? blob.entriesWithoutKernelState(of: chain, registry: .ferrule)
    return entries?.count == 1 ? entries : nil
  }

  /// The rules that set up what `-m rateest` asks for.
  private static func estimators() throws -> Table {
    let rules = ["RE1", "RE2"].map { "-A OUTPUT -j RATEEST --rateest-name \($0) --rateest-interval 250ms --rateest-ewmalog 500ms\n" }
    let text = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\(rules.joined())COMMIT\n"
    let parser = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4)
    let ruleset = parser.parse(SourceFile(name: "estimators", bytes: Array(text.utf8))).ruleset
    return try #require(ruleset.tables.first)
  }
}
