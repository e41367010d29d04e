import Analysis
import Diagnostics
import XTables

/// Adds to findings about reachability the packets that show them. Of many equal findings reports show only the first
/// (``Diagnostic/Repeats``), and only that one gets a packet: the search for all of them would take half of the time of a large file.
struct ReachWitnesses {
  private var searches: [TableName: FindingWitnesses] = [:]
  /// The proved findings by the lines of their rules. Rules of one line have the same range.
  private var findings: [SourceRange: [(table: TableName, finding: RuleFinding, blockers: [SourceRange])]] = [:]
  private let verdicts: [TableVerdicts]

  init(_ context: LintContext) { verdicts = context.verdicts }

  /// Adds packets to the findings of a report, in their order.
  mutating func add(to diagnostics: inout [Diagnostic]) {
    let open = diagnostics.indices.filter { diagnostics[$0].evidence.map { $0.witness == nil } ?? false }
    guard !open.isEmpty else { return }
    let groups = Dictionary(grouping: open) { diagnostics[$0].kind }
    let shown = groups.values.flatMap { $0.count > Diagnostic.Repeats.leastCount ? $0.prefix(1) : $0[...] }
    let lines = Set(shown.map { diagnostics[$0].range })
    for verdicts in verdicts {
      for finding in verdicts.findings {
        guard let source = verdicts.table[finding.place].source, lines.contains(source) else { continue }
        let blockers = LintContext.sources(of: finding.blockers, in: verdicts.table)
        findings[source, default: []].append((verdicts.table.name, finding, blockers))
      }
    }
    for index in shown.sorted() { add(to: &diagnostics[index]) }
  }

  private mutating func add(to diagnostic: inout Diagnostic) {
    guard let evidence = diagnostic.evidence, let known = findings[diagnostic.range] else { return }
    let number = known.firstIndex { $0.blockers == evidence.blockers } ?? 0
    // The next finding about this line is about another rule of it.
    if known.count > 1 { findings[diagnostic.range]?.remove(at: number) }
    guard let line = witness(of: known[number].finding, in: known[number].table)?.line else { return }
    diagnostic.evidence = Diagnostic.Evidence(witness: line, blockers: evidence.blockers)
    // That a rule is there twice needs no packet to be understood.
    if diagnostic.code != DuplicateRuleCheck.code { diagnostic.notes.append(Diagnostic.Note("such a packet: \(line)")) }
  }

  private mutating func witness(of finding: RuleFinding, in table: TableName) -> Witness? {
    if searches[table] == nil { searches[table] = verdicts.first { $0.table.name == table }.flatMap { FindingWitnesses($0.reach) } }
    return searches[table]?.witness(of: finding)
  }
}
