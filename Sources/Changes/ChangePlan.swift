import Analysis
public import Diagnostics
import Linter
public import Syntax
import SystemNames
import Wire
public import XTables

/// What a change of the loaded rules does: to their text, to packets, to the findings of the linter, and to connections.
public struct ChangePlan: Encodable, Sendable {
  /// A finding of the linter that the old rules do not have.
  public struct Finding: Encodable, Sendable {
    /// The code of the check, such as `FE005`; nil for other messages.
    public let code: String?
    /// The severity of the finding.
    public let severity: String
    /// `FILE:LINE`.
    public let place: String
    /// What was found.
    public let message: String
  }

  /// The changes of the text.
  public private(set) var changes: [TextChange] = []
  /// The ipsets that change with the rules.
  public var sets: [SetReport] = []
  /// Packets that are treated differently.
  public private(set) var meaning = DifferenceReport()
  /// The findings that are new.
  public private(set) var findings: [Finding] = []
  /// What becomes of the tracked connections.
  public var connections: [ConnectionForecast] = []
  /// User chains that are removed and belong to another program, with its name; see ``ChainOwners``.
  public var foreign: [ForeignChain] = []

  /// Creates an empty plan.
  public init() {}

  /// Whether the change changes nothing.
  public var isEmpty: Bool { changes.isEmpty && sets.allSatisfy { $0.kind == .stays } }

  /// Adds one family.
  ///
  /// - Parameters:
  ///   - before: the rules that are loaded.
  ///   - after: the new rules; tables that they do not have stay.
  ///   - parsed: the parsed texts of both, for the linter.
  ///   - names: how both are called.
  public mutating func add(
    _ before: ComparedRules, _ after: ComparedRules, parsed: (before: ParsedRuleset, after: ParsedRuleset),
    names: (before: String, after: String),
    _ registry: Registry
  ) {
    changes += TextChanges.between(before.ruleset, after.ruleset, RulePrinter(family: before.ruleset.family, names: .offline))
    let all = Ruleset(
      after.ruleset.family,
      tables: after.ruleset.tables + before.ruleset.tables.filter { after.ruleset[table: $0.name] == nil })
    meaning.add(
      RulesetComparison(before.ruleset, all), before, ComparedRules(all, after.file), names: names, isQuiet: false, listsChanges: false)
    let linter = Linter(registry: registry)
    var known: [String: Int] = [:]
    func key(_ diagnostic: Diagnostic, _ file: SourceFile) -> String {
      let line = file.position(of: diagnostic.range.range.lowerBound).line
      // Without the counters that precede the rule.
      let text = file.line(line)
      let rule = text.first == UInt8(ascii: "[") ? text.drop { $0 != UInt8(ascii: "]") }.dropFirst(2) : text[...]
      return "\(diagnostic.code ?? diagnostic.id) \(String(decoding: rule, as: UTF8.self))"
    }
    for diagnostic in linter.diagnostics(for: parsed.before) { known[key(diagnostic, parsed.before.file), default: 0] += 1 }
    for diagnostic in linter.diagnostics(for: parsed.after) {
      let key = key(diagnostic, parsed.after.file)
      if let count = known[key], count > 0 {
        known[key] = count - 1
        continue
      }
      let line = parsed.after.file.position(of: diagnostic.range.range.lowerBound).line
      findings.append(
        Finding(code: diagnostic.code, severity: "\(diagnostic.severity)", place: "\(names.after):\(line)", message: diagnostic.message))
    }
  }

  /// The plan as text, one paragraph for each part that has something to say.
  public var text: TerminalText {
    if isEmpty { return sets.reversed().reduce("nothing changes\n") { "\($1.text)\($0)" } }
    var lines: [TerminalText] = []
    for chain in foreign { lines.append("chain \(chain.chain) of \(chain.table) (\(chain.family), owner \(chain.owner)) will be removed") }
    lines.append("")
    lines.append("packets\(sets.isEmpty ? "" : ", apart from what the sets change"): \(meaning.text)")
    for finding in findings { lines.append("new finding: \(finding.place): \(finding.code.map { "\($0) " } ?? "")\(finding.message)") }
    for connection in connections where connection.fate != .survives || connection.remedy != nil || connection.isSession {
      let name: TerminalText = connection.isSession ? "your session \(connection.connection)" : "connection \(connection.connection)"
      lines.append("\(name): \(Self.words(connection))\(connection.decider.map { ", by \($0)" } ?? "")")
      if let remedy = connection.remedy { lines.append("  it could not be opened again; to end it: \(remedy)") }
    }
    let survivors = connections.count { $0.fate == .survives }
    if !connections.isEmpty, connections.count > 1 || !connections[0].isSession {
      lines.append("\(survivors) of \(connections.count) tracked connections survive")
    }
    let head: TerminalText = sets.reduce(TextChanges.text(changes)) { "\($0)\($1.text)" }
    return lines.reduce(into: head) { $0 += "\($1)\n" }
  }

  private static func words(_ connection: ConnectionForecast) -> String {
    switch connection.fate {
    case .survives: connection.reopening == .cut ? "survives, but a new one would be refused" : "survives"
    case .cut: "will be cut"
    case .undecided: "undecided"
    }
  }
}
