public import Diagnostics
import Documents
import Wire
import XTables

/// Which rules were matched by the packets of tests.
public struct Coverage: Sendable {
  /// The rules of one family in one file.
  public struct File: Sendable {
    /// The file with the rules.
    public let source: SourceFile
    /// True for ip6tables rules.
    public let isIPv6: Bool
    /// The chains in the order of the file.
    public let chains: [Chain]

    /// The rules of all chains.
    public var rules: [Rule] { chains.flatMap(\.rules) }
    /// How many rules matched at least one packet.
    public var hitCount: Int { rules.count { $0.hits > 0 } }
  }

  /// A chain with the hits of its rules.
  public struct Chain: Sendable {
    /// The name of the chain's table.
    public let table: String
    /// The chain's name.
    public let name: String
    /// The line of its declaration, from 1; nil if it has none.
    public let line: Int?
    /// The rules in order, without the policy.
    public let rules: [Rule]
    /// Packets that reached the policy; nil for a user-defined chain.
    public let policyHits: UInt64?

    /// True if a packet matched a rule of the chain or reached its policy.
    public var isReached: Bool { rules.contains { $0.hits > 0 } || (policyHits ?? 0) > 0 }
  }

  /// A rule with its hits.
  public struct Rule: Sendable {
    /// The rule's number in its chain, from 1.
    public let number: Int
    /// The rule's line in the file, from 1; nil if unknown.
    public let line: Int?
    /// The rule as iptables-save prints it.
    public let text: String
    /// The number of packets that matched.
    public let hits: UInt64
  }

  /// Sorted by name.
  public let files: [File]

  /// The number of rules in all files.
  public var ruleCount: Int { files.reduce(0) { $0 + $1.rules.count } }
  /// How many rules matched at least one packet.
  public var hitCount: Int { files.reduce(0) { $0 + $1.hitCount } }

  /// Adds up the hits of all tests.
  public init(_ suites: [SuiteResult]) {
    var hits: [CoveredRule: UInt64] = [:]
    var rulesets: [String: ScenarioRuleset] = [:]
    for test in suites.flatMap(\.tests) {
      hits.merge(test.hits) { $0 &+ $1 }
      for ruleset in test.rulesets {
        // Tables that a file does not contain are listed under the file they were loaded from.
        let key = "\(ruleset.file.name) \(ruleset.family)"
        if rulesets[key] == nil { rulesets[key] = ruleset }
      }
    }
    files = rulesets.sorted { $0.key < $1.key }.map { Coverage.file($0.value, hits) }.filter { !$0.chains.isEmpty }
  }

  private static func file(_ ruleset: ScenarioRuleset, _ hits: [CoveredRule: UInt64]) -> File {
    let name = ruleset.file.name
    func count(_ place: RulePlace) -> UInt64 { hits[CoveredRule(file: name, place: place)] ?? 0 }
    var chains: [Chain] = []
    for table in ruleset.ruleset.tables where ruleset.file(of: table.name.rawValue) === ruleset.file {
      for chain in table.chains where chain.source != nil || !chain.rules.isEmpty {
        func place(_ number: Int?) -> RulePlace {
          RulePlace(family: ruleset.family, table: table.name.rawValue, chain: chain.name, number: number)
        }
        let rules = chain.rules.indices.map { index in
          Rule(
            number: index + 1, line: ruleset.line(of: place(index + 1)), text: ruleset.print(place(index + 1)),
            hits: count(place(index + 1)))
        }
        chains.append(
          Chain(
            table: table.name.rawValue, name: chain.name, line: ruleset.line(of: place(nil)), rules: rules,
            policyHits: chain.isBuiltin ? count(place(nil)) : nil))
      }
    }
    return File(source: ruleset.file, isIPv6: ruleset.family == .ipv6, chains: chains)
  }
}

/// The output formats of coverage.
public enum CoverageFormat: String, Sendable, CaseIterable {
  /// For people: each chain, and the rules without a match.
  case text
  case json
  /// The tracefile format of `lcov`, read by editors and build servers.
  case lcov
  /// A single HTML page without external resources.
  case html

  /// The coverage as text in this format.
  public func render(_ coverage: Coverage) -> String {
    switch self {
    case .text: CoverageText.render(coverage)
    case .json: CoverageJSON.render(coverage)
    case .lcov: CoverageTracefile.render(coverage)
    case .html: CoveragePage.render(coverage)
    }
  }
}

/// A share in percent with one decimal place; 100 if the total is 0.
struct Percentage: CustomStringConvertible {
  let description: String

  init(_ part: Int, of whole: Int) {
    let thousandths = whole == 0 ? 1000 : part * 1000 / whole
    description = "\(thousandths / 10).\(thousandths % 10)%"
  }
}

enum CoverageText {
  static func render(_ coverage: Coverage) -> String {
    var lines: [String] = []
    for file in coverage.files {
      lines.append("\(file.source.name)\(file.isIPv6 ? " (IPv6)" : ""): \(summary(file.hitCount, file.rules.count))")
      for chain in file.chains where !chain.rules.isEmpty || chain.isReached {
        let policy = chain.policyHits.map { ", policy \($0)" } ?? ""
        lines.append("  \(chain.table) \(chain.name): \(summary(chain.rules.count { $0.hits > 0 }, chain.rules.count))\(policy)")
        for rule in chain.rules where rule.hits == 0 {
          lines.append("    never: \(file.source.name):\(rule.line.map { "\($0)" } ?? "?"): rule \(rule.number): \(rule.text)")
        }
      }
    }
    if coverage.files.count != 1 { lines.append("all: \(summary(coverage.hitCount, coverage.ruleCount))") }
    return lines.map { Escaping.line($0) + "\n" }.joined()
  }

  private static func summary(_ hits: Int, _ count: Int) -> String { "\(hits) of \(count) rules matched (\(Percentage(hits, of: count)))" }
}

enum CoverageJSON {
  static func render(_ coverage: Coverage) -> String {
    let report: JSONValue = [
      "rules": .integer(coverage.ruleCount), "matched": .integer(coverage.hitCount), "files": .array(coverage.files.map(json)),
    ]
    return report.description + "\n"
  }

  private static func json(_ file: Coverage.File) -> JSONValue {
    [
      "file": .string(file.source.name), "family": file.isIPv6 ? "ipv6" : "ipv4", "rules": .integer(file.rules.count),
      "matched": .integer(file.hitCount),
      "chains": .array(
        file.chains.map { chain in
          [
            "table": .string(chain.table), "chain": .string(chain.name), "line": chain.line.map { .integer($0) } ?? .null,
            "policy": chain.policyHits.map { JSONValue($0) } ?? .null,
            "rules": .array(
              chain.rules.map { rule in
                [
                  "number": .integer(rule.number), "line": rule.line.map { .integer($0) } ?? .null, "hits": JSONValue(rule.hits),
                  "text": .string(rule.text),
                ]
              }),
          ]
        }),
    ]
  }
}

/// The tracefile format of `geninfo(1)`: a rule is a line of code, a chain a function. The format has no escapes, so names with control
/// characters are escaped as on a terminal to stay on one line.
enum CoverageTracefile {
  static func render(_ coverage: Coverage) -> String { coverage.files.map(render).joined() }

  private static func render(_ file: Coverage.File) -> String {
    var lines = ["TN:", "SF:\(file.source.name)"]
    let functions = file.chains.filter { $0.line != nil && (!$0.rules.isEmpty || $0.policyHits != nil) }
    for chain in functions { lines.append("FN:\(chain.line ?? 0),\(chain.table):\(chain.name)") }
    for chain in functions {
      let hits = chain.isReached ? max(chain.policyHits ?? 0, chain.rules.map(\.hits).max() ?? 0) : 0
      lines.append("FNDA:\(hits),\(chain.table):\(chain.name)")
    }
    lines.append("FNF:\(functions.count)")
    lines.append("FNH:\(functions.count(where: \.isReached))")
    let rules = file.rules.filter { $0.line != nil }.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
    for rule in rules { lines.append("DA:\(rule.line ?? 0),\(rule.hits)") }
    lines.append("LF:\(rules.count)")
    lines.append("LH:\(rules.count { $0.hits > 0 })")
    lines.append("end_of_record")
    return lines.map { Escaping.line($0) + "\n" }.joined()
  }
}
