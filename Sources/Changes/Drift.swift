import Analysis
public import Diagnostics
import Syntax
import SystemNames
public import Wire
public import XTables

/// How the loaded rules differ from those of a file.
public struct Drift: Encodable, Sendable {
  /// The lines that would turn the file's rules into the loaded ones.
  public private(set) var changes: [TextChange] = []
  /// Packets that the loaded rules treat differently than the file's.
  public private(set) var meaning = DifferenceReport()

  /// Creates a description without differences.
  public init() {}

  /// Whether the loaded rules are those of the file.
  public var isNone: Bool { changes.isEmpty }

  /// Adds one family.
  ///
  /// - Parameter owners: whose chains and rules are not compared; nil if all are.
  public mutating func add(_ file: ComparedRules, _ live: ComparedRules, ignoring owners: ChainOwners?) {
    let (wanted, loaded) = owners.map { ($0.removed(from: file.ruleset), $0.removed(from: live.ruleset)) } ?? (file.ruleset, live.ruleset)
    // The tables that the file does not have are not its business.
    let compared = Ruleset(
      loaded.family, tables: wanted.tables.map { loaded[table: $0.name] ?? Table($0.name, loaded.family) })
    changes += TextChanges.between(wanted, compared, RulePrinter(family: loaded.family, names: .offline))
    meaning.add(
      RulesetComparison(wanted, compared), ComparedRules(wanted, file.file), ComparedRules(compared, live.file),
      names: (file.file.name, live.file.name), isQuiet: false, listsChanges: false)
  }

  /// The differences as text.
  public var text: TerminalText {
    if isNone { return "the loaded rules are those of the file\n" }
    return "\(TextChanges.text(changes))packets: \(meaning.text)"
  }

  /// The number of differing lines of each table, in the text format of Prometheus.
  public func metrics(_ tables: [(family: Family, name: TableName)]) -> String {
    var lines = [
      "# HELP ferrule_drift_lines Lines in which the loaded rules differ from the file.", "# TYPE ferrule_drift_lines gauge",
    ]
    for table in tables {
      let family = table.family == .ipv4 ? "ipv4" : "ipv6"
      let count = changes.count { $0.family == family && $0.table == table.name.rawValue }
      lines.append("ferrule_drift_lines{family=\"\(family)\",table=\"\(table.name.rawValue)\"} \(count)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
