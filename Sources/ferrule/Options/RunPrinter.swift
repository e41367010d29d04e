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
    let connections: [ConnectionOutline]
    let expectations: [ExpectationOutline]
  }

  /// Where the rules of a family stand.
  let files: [Family: SourceFile]
  let output: OutputOptions
  let isBrief: Bool
  private var outlines: [PathOutline] = []
  /// Packets whose verdict was another than expected.
  private(set) var surprises = 0
  /// Packets whose verdict cannot be told.
  private(set) var unknowns = 0

  init(files: [Family: SourceFile], output: OutputOptions, isBrief: Bool) {
    self.files = files
    self.output = output
    self.isBrief = isBrief
  }

  /// - Parameter tracked: the host whose connections are listed behind the packet, if they are.
  mutating func print(_ text: String, _ report: PathReport, _ expected: VerdictPattern?, _ tracked: Simulator? = nil) throws {
    let isMet = expected?.holds(for: report) ?? true
    if !isMet { surprises += 1 }
    if case .unknown = report.verdict { unknowns += 1 }
    guard output.format == .text else {
      var outline = PathOutline(text, report, expected: expected) { files[$0] }
      outline.connections = tracked.map { $0.connections().map { ConnectionOutline($0) } }
      outline.expectations = tracked.map { $0.expectations().map { ExpectationOutline($0) } }
      outlines.append(outline)
      return
    }
    let surprise = isMet ? "" : "  (expected: \(expected?.description ?? ""))"
    if isBrief {
      try Console.print("\(text) => \(report.verdict.text)\(surprise)\n")
    } else {
      let trace = report.text(title: text) { [files] family in files[family] }
      try Console.print(trace)
      if !isMet { try Console.print("  ✗ expected: \(expected?.description ?? "")\n") }
    }
    if let tracked { try list(tracked) }
  }

  private func list(_ simulator: Simulator) throws {
    try Console.print(simulator.connections().map { Escaping.line($0.extendedLine) + "\n" }.joined())
  }

  /// - Parameter lists: the connections have still to be listed.
  func finish(_ tracked: Simulator?, lists: Bool) throws {
    guard output.format == .json else {
      if lists, let tracked { try list(tracked) }
      return
    }
    try Console.print(JSONText.encode(Summary(
      packets: outlines, surprises: surprises, connections: tracked?.connections().map { ConnectionOutline($0) } ?? [],
      expectations: tracked?.expectations().map { ExpectationOutline($0) } ?? [])))
  }
}
