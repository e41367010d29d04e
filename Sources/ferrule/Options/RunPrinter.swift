import Conntrack
import Diagnostics
import Evaluator
import Lab
import Linter
import Syntax
import Wire
import XTables

/// Prints what became of packets as they come, or all of it at the end where that is one JSON value.
struct RunPrinter {
  private struct Summary: Encodable {
    let packets: [PathOutline]
    let surprises: Int
    let connections: [String]
  }

  let rulesets: [ParsedRuleset]
  let output: OutputOptions
  let isBrief: Bool
  private var outlines: [PathOutline] = []
  /// Packets whose verdict was another than expected.
  private(set) var surprises = 0
  /// Packets whose verdict cannot be told.
  private(set) var unknowns = 0

  init(rulesets: [ParsedRuleset], output: OutputOptions, isBrief: Bool) {
    self.rulesets = rulesets
    self.output = output
    self.isBrief = isBrief
  }

  mutating func print(_ text: String, _ report: PathReport, _ expected: VerdictPattern?) throws {
    let isMet = expected?.holds(for: report) ?? true
    if !isMet { surprises += 1 }
    if case .unknown = report.verdict { unknowns += 1 }
    guard output.format == .text else {
      outlines.append(PathOutline(text, report, expected: expected) { file(of: $0) })
      return
    }
    let surprise = isMet ? "" : "  (expected: \(expected?.description ?? ""))"
    if isBrief {
      try Console.print("\(text) => \(report.verdict.text)\(surprise)\n")
    } else {
      let files = rulesets
      let trace = report.text(title: text) { family in files.first { $0.ruleset.family == family }?.file }
      try Console.print(trace + (surprise.isEmpty ? "" : "  ✗ expected: \(expected?.description ?? "")\n"))
    }
  }

  func finish(connections: [ConnectionSnapshot]) throws {
    let lines = connections.map(\.extendedLine)
    switch output.format {
    case .text: try Console.print(lines.map { $0 + "\n" }.joined())
    case .json: try Console.print(JSONText.encode(Summary(packets: outlines, surprises: surprises, connections: lines)))
    }
  }

  private func file(of family: Family) -> SourceFile? { rulesets.first { $0.ruleset.family == family }?.file }
}
