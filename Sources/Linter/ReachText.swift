import Analysis
import Diagnostics
import XTables

/// The words of findings about rules without effect.
extension LintContext {
  /// The findings that a selection accepts, made into diagnostics.
  ///
  /// - Parameter message: the message for a finding in its table; nil to leave it out.
  func reachFindings(_ check: any Check.Type, _ message: (RuleFinding, Table) -> String?) -> [Diagnostic] {
    verdicts.flatMap { verdicts in
      verdicts.findings.compactMap { finding in
        guard let message = message(finding, verdicts.table) else { return nil }
        return diagnostic(check, finding, in: verdicts.table, message)
      }
    }
  }

  private func diagnostic(_ check: any Check.Type, _ finding: RuleFinding, in table: Table, _ message: String) -> Diagnostic {
    let places = Self.sources(of: finding.blockers, in: table)
    let notes = places.prefix(Self.blockersNamed).map { Diagnostic.Note("this rule decides about packets that it matches", at: $0) }
    var diagnostic = Diagnostic(
      check.id, check.severity, message, at: table[finding.place].source ?? SourceRange(0..<0), code: check.code, notes: notes)
    // The packet follows for findings that are shown; see ``ReachWitnesses``.
    diagnostic.evidence = Diagnostic.Evidence(witness: nil, blockers: places)
    return diagnostic
  }

  /// Where rules stand, in the order of the file.
  static func sources(of places: [RulePosition], in table: Table) -> [SourceRange] {
    places.compactMap { table[$0].source }.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  /// The greatest number of deciding rules that a message names.
  static let blockersNamed = 4

  /// The lines and targets of rules: `line 3 (DROP) and line 4 (ACCEPT)`.
  func names(of places: [RulePosition], in table: Table) -> String {
    let sorted = places.sorted { (table[$0].source?.range.lowerBound ?? 0) < (table[$1].source?.range.lowerBound ?? 0) }
    var names = sorted.prefix(Self.blockersNamed).map { place in
      let rule = table[place]
      let line = lineNumber(rule.source).map { "line \($0)" } ?? "rule \(place.rule + 1) of chain `\(table.chains[place.chain].name)'"
      return "\(line) (\(rule.target.word))"
    }
    if sorted.count > names.count { names.append("\(sorted.count - names.count) more rules") }
    guard names.count > 1, let last = names.popLast() else { return names.first ?? "" }
    return names.joined(separator: ", ") + " and " + last
  }
}

extension RuleTarget {
  /// The target as a word: a verdict, an extension's name, or the name of a chain.
  var word: String {
    switch self {
    case .none: "no target"
    case .verdict(let verdict): verdict.rawValue
    case .jump(let name), .goto(let name): name
    case .use(let use): use.descriptor.name
    }
  }
}

extension RuleFinding {
  /// Whether a rule that decides about the packets does something else with them.
  func isDecidedOtherwise(in table: Table) -> Bool { blockers.contains { table[$0].target != table[place].target } }
}
