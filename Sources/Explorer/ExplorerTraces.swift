import Diagnostics
public import Documents
public import Evaluator
import Netfilter
import Notation
import Wire
import XTables

/// Runs packets for the page: the way of each, and for every rule that it passed why the rule did not match.
public struct ExplorerTraces {
  /// The greatest number of packets that are run at once.
  public static let mostPackets = 200
  /// The greatest number of passed rules of one packet that are explained.
  public static let mostExplained = 2000

  private let subjects: [ExplorerSubject]
  private let makeSimulator: ([String]) throws -> Simulator

  /// Creates traces.
  ///
  /// - Parameters:
  ///   - subjects: the rulesets in the order of the page.
  ///   - makeSimulator: makes a host in its initial state, given the interfaces on which packets arrive.
  public init(of subjects: [ExplorerSubject], _ makeSimulator: @escaping ([String]) throws -> Simulator) {
    self.subjects = subjects
    self.makeSimulator = makeSimulator
  }

  /// Runs packets of packet notation, one a line, one after the other in one host.
  ///
  /// - Returns: `{"traces": […], "problems": […]}`; without traces if a line cannot be read.
  public func run(_ text: [UInt8]) throws -> JSONValue {
    let file = SourceFile(name: "packets", bytes: text)
    let (all, diagnostics) = PacketNotation.read(file)
    var problems = diagnostics.prefix(20).map { "line \(file.position(of: $0.range.range.lowerBound).line): \($0.message)" }
    if all.count > Self.mostPackets { problems.append("only the first \(Self.mostPackets) packets are run") }
    if all.isEmpty, problems.isEmpty { problems.append("there is no packet; one is: eth0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S") }
    let lines = Array(all.prefix(Self.mostPackets))
    guard diagnostics.isEmpty, !lines.isEmpty else { return Self.answer([], problems) }
    var arrivals: [String] = []
    for case .receive(let frame) in lines.map(\.step.action) where !arrivals.contains(frame.interface) { arrivals.append(frame.interface) }
    // Twice: which rules the packet passes is known only afterwards.
    var first = PacketRunner(try makeSimulator(arrivals), assumesDefaults: false)
    var second = PacketRunner(try makeSimulator(arrivals), assumesDefaults: false)
    var traces: [JSONValue] = []
    for line in lines {
      guard let report = try first.play(line.step) else {
        _ = try second.play(line.step)
        continue
      }
      second.simulator.watches = watches(report)
      _ = try second.play(line.step)
      traces.append(trace(line.text, report, second.simulator))
    }
    return Self.answer(traces, problems)
  }

  private static func answer(_ traces: [JSONValue], _ problems: [String]) -> JSONValue {
    ["traces": .array(traces), "problems": .array(problems.map { .string(Escaping.line($0)) })]
  }

  /// The rules that the packet tried in each chain that it entered, up to the last that matched.
  private func watches(_ report: PathReport) -> [RuleWatch] {
    var watches: [RuleWatch] = []
    for packet in report.packets {
      var reached: [ChainKey: (last: Int, hit: Set<Int>)] = [:]
      for step in packet.steps where step.owner == nil {
        let key = ChainKey(family: packet.family, table: step.table, chain: step.chain)
        reached[key, default: (0, [])].last = max(reached[key]?.last ?? 0, step.number)
        reached[key]?.hit.insert(step.number)
      }
      for (key, range) in reached.sorted(by: { $0.key.order < $1.key.order }) {
        for number in 1..<max(1, range.last) where !range.hit.contains(number) && watches.count < Self.mostExplained {
          watches.append(RuleWatch(family: key.family, table: key.table, chain: key.chain, number: number))
        }
      }
    }
    return watches
  }

  private struct ChainKey: Hashable {
    let family: Family
    let table: TableName
    let chain: String

    var order: String { "\(family == .ipv6) \(table.rawValue) \(chain)" }
  }

  private func trace(_ text: String, _ report: PathReport, _ simulator: Simulator) -> JSONValue {
    let passed = simulator.watches.compactMap { watch -> JSONValue? in
      for encounter in watch.encounters {
        guard case .mismatched(let reason) = encounter.outcome else { continue }
        let why = reason?.sentence ?? "the rule did not match; which part of it is not known"
        return ["at": place(watch.family, watch.table, watch.chain), "number": .integer(watch.number), "why": .string(Escaping.line(why))]
      }
      return nil
    }
    return [
      "packet": .string(Escaping.line(text)), "verdict": .string(Escaping.line(report.verdict.text)),
      "kind": .string(Self.kind(report.verdict)),
      "packets": .array(report.packets.map { packet($0, simulator) }), "passed": .array(passed),
    ]
  }

  private static func kind(_ verdict: PacketVerdict) -> String {
    switch verdict {
    case .sent, .delivered: "good"
    case .unknown: "unknown"
    case .dropped, .lost, .queued, .absorbed, .refused: "bad"
    }
  }

  private func packet(_ report: PacketReport, _ simulator: Simulator) -> JSONValue {
    let hops = report.passages.map { passage -> JSONValue in
      [
        "hook": .string(passage.hook.name), "in": JSONValue(passage.input.map { Escaping.line($0) }),
        "out": JSONValue(passage.output.map { Escaping.line($0) }),
        "operations": .array(
          passage.operations.map { operation in
            [
              "name": .string(operation.name), "outcome": .string(Escaping.line(operation.outcome)),
              "steps": .array(operation.steps.map { step($0, report.family) }),
            ]
          }),
      ]
    }
    let sentences =
      report.logs.map(\.description) + report.notes + simulator.unaskedTables(by: report).map { "\($0.table.rawValue): \($0.reason)" }
    return [
      "origin": .string(report.origin.rawValue), "brief": .string(Escaping.line(report.packet.brief)),
      "verdict": .string(Escaping.line(report.verdict.text)), "kind": .string(Self.kind(report.verdict)),
      "state": JSONValue(report.tracking?.state), "hops": .array(hops), "notes": .array(sentences.map { .string(Escaping.line($0)) }),
    ]
  }

  private func step(_ step: RuleStep, _ family: Family) -> JSONValue {
    [
      "at": step.owner == nil ? place(family, step.table, step.chain) : .null, "number": .integer(step.number),
      "kind": .string(step.kind.rawValue),
      "action": .string(Escaping.line(step.action)),
    ]
  }

  /// `[ruleset, table, chain]` by their indices in the page; null for a chain of other rules, such as those of a snapshot.
  private func place(_ family: Family, _ table: TableName, _ chain: String) -> JSONValue {
    for (index, subject) in subjects.enumerated() where subject.ruleset.family == family {
      if let found = subject.ruleset.tables.firstIndex(where: { $0.name == table }),
        let place = subject.ruleset.tables[found].index(of: chain)
      {
        return [.integer(index), .integer(found), .integer(place)]
      }
    }
    return .null
  }
}
