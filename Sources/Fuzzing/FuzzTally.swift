import Lab
import XTables

/// What a run has exercised, by extension.
public struct FuzzTally: Sendable {
  public struct Counts: Sendable, Equatable {
    /// Packets that matched a rule with the extension; for a target those it acted on.
    public var matched = 0
    /// Packets that came to such a rule and did not match it.
    public var mismatched = 0
    /// Packets of which the engine said that it cannot tell, because of it.
    public var unknown = 0
    /// Rules with it that were drawn.
    public var rules = 0

    public init() {}
  }

  /// By `-m name` or `-j NAME`.
  public var extensions: [String: Counts] = [:]
  /// Extensions of the registry that the running kernel does not take, with what it said.
  public var refused: [String: String] = [:]
  public var rulesets = 0
  /// Packets that were put into a host with a ruleset.
  public var pairs = 0
  /// Scenarios that the comparison cannot say anything about.
  public var undetermined = 0
  /// Scenarios whose answers differed once and agreed when they were shrunk.
  public var unsteady = 0
  public var verdicts: [String: Int] = [:]

  public init() {}

  /// Takes note of the kernel's answer to a case.
  mutating func note(_ kernel: LabResult, engine: LabResult, _ ruleset: Ruleset) {
    rulesets += 1
    pairs += kernel.steps.count { $0.injected != nil }
    for table in ruleset.tables {
      for rule in table.chains.flatMap(\.rules) { for name in FuzzTally.names(rule) { extensions[name, default: Counts()].rules += 1 } }
    }
    let reading = TraceReading(ruleset)
    for step in kernel.steps {
      for packet in step.packets {
        verdicts[packet.verdict.kind.rawValue, default: 0] += 1
        for visit in reading.visits(packet.trace) {
          guard let rule = reading.rule(visit.table, visit.chain, visit.number) else { continue }
          for name in FuzzTally.names(rule) {
            if visit.matched { extensions[name, default: Counts()].matched += 1 } else { extensions[name, default: Counts()].mismatched += 1 }
          }
        }
      }
    }
    for packet in engine.steps.flatMap(\.packets) where packet.verdict.kind == .unknown {
      let reason = packet.verdict.by ?? ""
      for name in extensions.keys where reason.contains("\(name) ") { extensions[name, default: Counts()].unknown += 1 }
    }
  }

  /// What a rule tests and does: matches and targets, and what the rule itself can (`-s`, `-j ACCEPT`, `-g`).
  private static func names(_ rule: Rule) -> Set<String> {
    var names = Set(rule.matches.map { "-m \($0.descriptor.name)" })
    let header = rule.header
    for (name, isTested) in [
      ("-s", header.source.mask != 0), ("-d", header.destination.mask != 0), ("-i", !header.input.matchesAll),
      ("-o", !header.output.matchesAll), ("-p", header.protocolNumber != 0), ("-f", header.isFragment),
    ] where isTested { names.insert(name) }
    switch rule.target {
    case .use(let use): names.insert("-j \(use.descriptor.name)")
    case .verdict(let verdict): names.insert("-j \(verdict.rawValue)")
    case .jump: names.insert("-j chain")
    case .goto: names.insert("-g chain")
    case .none: break
    }
    return names
  }

  /// The table for people: one line an extension.
  public var table: String {
    func column(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
    let width = 2 + ((Array(extensions.keys) + Array(refused.keys)).map(\.count).max() ?? 0)
    var lines = ["extension".padded(to: width) + ["rules", "matched", "not", "unknown"].map { column($0, 10) }.joined()]
    for (name, counts) in extensions.sorted(by: { $0.key < $1.key }) {
      lines.append(name.padded(to: width) + [counts.rules, counts.matched, counts.mismatched, counts.unknown].map { column("\($0)", 10) }.joined())
    }
    for (name, reason) in refused.sorted(by: { $0.key < $1.key }) { lines.append(name.padded(to: width) + "  refused: \(reason)") }
    return lines.map { $0 + "\n" }.joined()
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
