public import Diagnostics
import Documents
import Netfilter
import Syntax
import Wire
public import XTables

/// A ruleset with what the linter found in it, for the page of `ferrule explore`.
public struct ExplorerSubject {
  /// The tables.
  public let ruleset: Ruleset
  /// The file of the rules.
  public let file: SourceFile
  /// The findings, in the order of the lines.
  public let findings: [Diagnostic]
  let names: NameDatabase

  /// Creates a subject.
  ///
  /// - Parameter names: the names of protocols and sets with which rules are printed.
  public init(_ ruleset: Ruleset, in file: SourceFile, findings: [Diagnostic], names: NameDatabase) {
    self.ruleset = ruleset
    self.file = file
    self.findings = findings
    self.names = names
  }

  private func line(_ range: SourceRange?) -> JSONValue {
    range.map { .integer(file.position(of: $0.range.lowerBound).line) } ?? .null
  }

  /// The subject as the page reads it. Texts of the file are escaped here, so that the page can show them as they are.
  var json: JSONValue {
    [
      "file": .string(Escaping.line(file.name)), "family": .string(ruleset.family == .ipv4 ? "IPv4" : "IPv6"),
      "tables": .array(ruleset.tables.map { table($0) }), "findings": .array(findings.condensed.map { finding($0) }),
    ]
  }

  private func table(_ table: Table) -> JSONValue {
    let printer = RulePrinter(family: ruleset.family, names: names)
    return [
      "name": .string(table.name.rawValue),
      "chains": .array(
        table.chains.map { chain in
          [
            "name": .string(Escaping.line(chain.name)), "hook": JSONValue(chain.hook?.name), "policy": JSONValue(chain.policy?.rawValue),
            "packets": JSONValue(chain.counters.packets), "bytes": JSONValue(chain.counters.bytes), "line": line(chain.source),
            "rules": .array(chain.rules.map { rule($0, in: table, printer) }),
          ]
        }),
    ]
  }

  /// `[line, text, packets, bytes, index of the chain it jumps to or -1, kind]`: an array, because a page may have many thousands.
  private func rule(_ rule: Rule, in table: Table, _ printer: RulePrinter) -> JSONValue {
    let jump = rule.target.chain.flatMap { table.index(of: $0) } ?? -1
    return [
      line(rule.source), .string(Escaping.line(printer.words(rule))), JSONValue(rule.counters.packets), JSONValue(rule.counters.bytes),
      .integer(jump), .string(Self.kind(rule.target)),
    ]
  }

  private static func kind(_ target: RuleTarget) -> String {
    switch target {
    case .none: "none"
    case .verdict(let verdict): verdict.rawValue.lowercased()
    case .jump: "jump"
    case .goto: "goto"
    case .use(let use):
      if case .target(let behaviour) = use.descriptor.behaviour, behaviour.ending == .never { "none" } else { "target" }
    }
  }

  private func finding(_ finding: Diagnostic) -> JSONValue {
    [
      "line": line(finding.range), "code": .string(finding.code ?? finding.id), "severity": .string(finding.severity.rawValue),
      "message": .string(Escaping.line(finding.message)), "count": .integer(finding.repeats?.count ?? 1),
      "notes": .array(
        finding.notes.map { note in
          ["message": .string(Escaping.line(note.message)), "line": line(note.range)]
        }),
      "witness": JSONValue(finding.evidence?.witness.map { Escaping.line($0) }),
    ]
  }
}
