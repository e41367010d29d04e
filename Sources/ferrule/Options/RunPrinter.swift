import ArgumentParser
import Conntrack
import Diagnostics
import Documents
import Evaluator
import Lab
import Linter
import Notation
import Suites
import Syntax
import Wire
import XTables

/// The output formats of `run`.
enum RunFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
  /// One JSON object per packet, each on a line of its own.
  case jsonl
}

/// Prints the result of each packet and keeps none of it.
struct RunPrinter {
  /// What is printed, and how.
  struct Style {
    var format = RunFormat.text
    var isBrief = false
    /// True to list the connections after each packet.
    var listsConnections = false
    /// True to print the totals instead of the packets.
    var isSummary = false
    /// True if results may be written together, because all packets are there already; false to write each at once.
    var isGathered = false
    /// True to colour hooks and verdicts on text.
    var isColoured = false
  }

  /// Results are written when they are as long as this, in bytes.
  private static let gatheredLength = 1 << 16

  /// The ruleset file of each family.
  let files: [Family: SourceFile]
  let style: Style
  /// The rules that --why asks for.
  let questions: [RuleQuestion]
  private var packets = 0
  private var summary = RunSummary()
  private var gathered: [UInt8] = []
  /// The number of packets with another verdict than expected.
  private(set) var surprises = 0

  init(files: [Family: SourceFile], style: Style, questions: [RuleQuestion] = []) {
    self.files = files
    self.style = style
    self.questions = questions
  }

  private var format: RunFormat { style.format }

  /// The extent of a packet's trace that is printed.
  var extent: TraceExtent { style.isBrief && !style.isSummary && format == .text ? .decider : TraceExtent() }

  /// True if nothing is printed of the path of a packet but the rule that decided, or the counts of rules: packets can then be carried.
  var printsNoPath: Bool {
    questions.isEmpty && !style.listsConnections && (style.isSummary || style.isBrief && format == .text)
  }

  /// Why packets cannot be carried in several threads; nil if they can.
  var obstacleToJobs: String? {
    format == .text ? nil : "--format \(format.rawValue) lists the connections in the order of one table"
  }

  /// A record for packets that are carried: their lines, or totals that follow those of the packets so far.
  func record(_ expected: VerdictPattern?) -> CarriageRecord {
    guard !style.isSummary else { return CarriageRecord(.totals, expected: expected, after: summary) }
    let isColoured = style.isColoured
    return CarriageRecord(.lines { Self.painted($0.text, $0, isColoured) }, expected: expected)
  }

  /// Takes over what was kept of carried packets, whose lines are written already.
  mutating func adopt(_ record: CarriageRecord) {
    surprises += record.surprises
    if style.isSummary { summary = record.summary }
  }

  /// Writes the lines of carried packets.
  mutating func write(linesOf lane: ReplayLane) throws {
    lane.takeLines(into: &gathered)
    try flushIfDue()
  }

  /// Writes lines of carried packets, and empties the array.
  mutating func write(lines: inout [UInt8]) throws {
    gathered += lines
    lines.removeAll(keepingCapacity: true)
    try flushIfDue()
  }

  /// Prints a packet.
  ///
  /// - Parameters:
  ///   - title: the packet as it is shown.
  ///   - packet: the packet as it arrived or was sent; nil for an action at a socket.
  ///   - simulator: the host after the packet; its watches are those of ``questions``.
  ///   - outcome: which outcome it is, if all are played.
  mutating func print(
    _ title: @autoclosure () -> String, _ packet: Packet?, _ report: PathReport, _ expected: VerdictPattern?, _ simulator: Simulator,
    _ outcome: RunOutcomes.Outcome? = nil
  ) throws {
    let isMet = expected?.holds(for: report) ?? true
    if !isMet { surprises += 1 }
    guard !style.isSummary else { return summary.add(packet, report) }
    let title = title()
    defer { packets += 1 }
    let answers = answers(simulator)
    guard format == .text else {
      var result = RunReport(title, report, expected: expected, unasked: simulator.unaskedTables(by:)) { files[$0] }
      if !answers.isEmpty { result.add("why", .array(answers.map { .string($0) })) }
      if let reason = report.unreachableDestination(of: packet) { result.add("unreachable", .string(reason)) }
      if let outcome { result.add("outcome", outcome.json) }
      if style.listsConnections { result.add(connectionsOf: simulator) }
      return try write(format == .jsonl ? line(result.json, isMet ? .fine : .findings) : element(result.json))
    }
    let surprise = isMet ? "" : "  (expected: \(expected?.description ?? ""))"
    if style.isBrief {
      let form = outcome.map { "\(report.form(besides: title, given: packet)) (\($0.title))" } ?? ""
      let verdict = Self.painted(report.verdict.text, report.verdict, style.isColoured)
      let line = Escaping.line("\(title) => ") + verdict + Escaping.line(form + surprise) + "\n"
      try write(line)
    } else {
      let heading = outcome.map { "\(title) (\($0.title))" } ?? title
      let trace = report.text(title: heading, given: packet, { [files] family in files[family] }, unasked: simulator.unaskedTables(by:))
      try write(style.isColoured ? TraceColours.painted(trace, report) : trace)
      if let reason = report.unreachableDestination(of: packet) { try write("  \(reason)\n" as TerminalText) }
      for choice in outcome?.assumptions ?? [] { try write("  \(choice)\n" as TerminalText) }
      if !isMet { try write("  ✗ expected: \(expected?.description ?? "")\n" as TerminalText) }
    }
    for answer in answers { try write("  \(answer)\n" as TerminalText) }
    if style.listsConnections { try list(simulator) }
  }

  /// What happened to the rules of --why.
  private func answers(_ simulator: Simulator) -> [String] {
    var watches = simulator.watches[...]
    return questions.flatMap { question in
      let own = Array(watches.prefix(question.watches.count))
      watches = watches.dropFirst(own.count)
      return question.answer(own)
    }
  }

  private mutating func list(_ simulator: Simulator) throws {
    let lines = simulator.connections().map(\.extendedLine) + simulator.expectations().map(\.line)
    try write(lines.map { Escaping.line($0) + "\n" }.joined())
  }

  private mutating func write(_ text: String) throws {
    gathered += text.utf8
    try flushIfDue()
  }

  private mutating func flushIfDue() throws {
    if !style.isGathered || gathered.count >= Self.gatheredLength { try flush() }
  }

  private mutating func write(_ text: TerminalText) throws { try write(text.string) }

  /// Writes the results that are gathered.
  mutating func flush() throws {
    guard !gathered.isEmpty else { return }
    try Console.printEscaped(gathered)
    gathered.removeAll(keepingCapacity: true)
  }

  private static func painted(_ text: String, _ verdict: PacketVerdict, _ isColoured: Bool) -> String {
    isColoured ? TraceColours.painted(Escaping.line(text), verdict) : Escaping.line(text)
  }

  /// A result as a line of its own.
  private func line(_ value: JSONValue, _ status: ExitStatus) -> String {
    let names = [Family.ipv4, .ipv6].compactMap { files[$0]?.name }
    return ResultLine(command: "run", files: names, exit: status.rawValue, result: value).text
  }

  /// A packet as an element of the JSON array, with the separator before it.
  private func element(_ value: JSONValue) -> String {
    (packets == 0 ? "{\n  \"packets\" : [\n" : ",\n") + JSONText.indented(value, by: 4)
  }

  /// Prints what follows the packets.
  ///
  /// - Parameters:
  ///   - simulator: the host after the last packet; nil if there were several.
  ///   - lists: true if the connections are wanted and have not been listed yet.
  ///   - carried: the connections of several hosts, if these have carried the packets.
  ///   - comparison: what differs from captures and listings, if that was asked for.
  mutating func finish(
    _ simulator: Simulator?, lists: Bool, carried: [ConnectionSnapshot] = [], _ comparison: CaptureComparison? = nil
  ) throws {
    try flush()
    switch format {
    case .text:
      if lists, let simulator {
        try list(simulator)
        try flush()
      }
      if style.isSummary { try Console.print(summary.text(simulator?.connections() ?? carried)) }
      if let comparison { try Console.print(comparison.text) }
    case .json:
      let members = JSONText.encode(end(simulator, comparison)).dropFirst(2)
      try Console.print((packets == 0 ? "{\n  \"packets\" : [\n" : "") + "\n  ],\n" + members)
    case .jsonl:
      if lists || style.isSummary || comparison != nil { try Console.print(line(end(simulator, comparison), .fine)) }
    }
  }

  /// The members after the packets in the value of `--format json`.
  private func end(_ simulator: Simulator?, _ comparison: CaptureComparison?) -> JSONValue {
    var members: JSONObject = ["surprises": .integer(surprises)]
    members["connections"] = simulator.map { RunReport.connections(of: $0) } ?? []
    members["expectations"] = simulator.map { RunReport.expectations(of: $0) } ?? []
    if style.isSummary { members["summary"] = summary.json(simulator?.connections() ?? []) }
    if let comparison { members["comparison"] = comparison.json }
    return .object(members)
  }
}
