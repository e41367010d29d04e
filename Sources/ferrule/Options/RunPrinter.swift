import ArgumentParser
import Conntrack
import Diagnostics
import Evaluator
import Linter
import Notation
import Syntax
import Wire
import XTables

/// The output formats of `run`.
enum RunFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
  /// One JSON object per packet, each on a line of its own.
  case jsonl
}

/// Prints the result of each packet at once and keeps none of it.
struct RunPrinter {
  /// The members after the packets in the value of `--format json`.
  private struct Summary: Encodable {
    let surprises: Int
    let connections: [ConnectionOutline]
    let expectations: [ExpectationOutline]
  }

  /// The ruleset file of each family.
  let files: [Family: SourceFile]
  let format: RunFormat
  let isBrief: Bool
  private var packets = 0
  /// The number of packets with another verdict than expected.
  private(set) var surprises = 0

  init(files: [Family: SourceFile], format: RunFormat, isBrief: Bool) {
    self.files = files
    self.format = format
    self.isBrief = isBrief
  }

  /// The extent of a packet's trace that is printed.
  var extent: TraceExtent { isBrief && format == .text ? .decider : TraceExtent() }

  /// - Parameter tracked: the host whose connections are listed after the packet; nil to list none.
  mutating func print(_ text: String, _ report: PathReport, _ expected: VerdictPattern?, _ tracked: Simulator? = nil) throws {
    let isMet = expected?.holds(for: report) ?? true
    if !isMet { surprises += 1 }
    defer { packets += 1 }
    guard format == .text else {
      var outline = PathOutline(text, report, expected: expected) { files[$0] }
      outline.connections = tracked.map { $0.connections().map { ConnectionOutline($0) } }
      outline.expectations = tracked.map { $0.expectations().map { ExpectationOutline($0) } }
      return try Console.print(format == .jsonl ? JSONText.line(outline) : element(outline))
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

  /// A packet as an element of the JSON array, with the separator before it.
  private func element(_ outline: PathOutline) -> String {
    (packets == 0 ? "{\n  \"packets\" : [\n" : ",\n") + JSONText.indented(outline, by: 4)
  }

  /// - Parameter lists: true if the connections have not been listed yet.
  func finish(_ tracked: Simulator?, lists: Bool) throws {
    switch format {
    case .text: if lists, let tracked { try list(tracked) }
    case .json: try finishArray(tracked)
    case .jsonl: if lists, tracked != nil { try Console.print(JSONText.line(summary(tracked))) }
    }
  }

  private func finishArray(_ tracked: Simulator?) throws {
    let members = JSONText.encode(summary(tracked)).dropFirst(2)
    try Console.print((packets == 0 ? "{\n  \"packets\" : [\n" : "") + "\n  ],\n" + members)
  }

  private func summary(_ tracked: Simulator?) -> Summary {
    Summary(
      surprises: surprises, connections: tracked?.connections().map { ConnectionOutline($0) } ?? [],
      expectations: tracked?.expectations().map { ExpectationOutline($0) } ?? [])
  }
}
