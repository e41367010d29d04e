import Lab
import XTables

/// Counts what a run has tested, by extension.
public struct FuzzTally: Sendable {
  /// The counts of one extension.
  public struct Counts: Sendable, Equatable {
    /// Packets that matched a rule with the extension; for a target, packets it acted on.
    public var matched = 0
    /// Packets that reached such a rule and did not match.
    public var mismatched = 0
    /// Packets with an unknown verdict because of the extension.
    public var unknown = 0
    /// Drawn rules with the extension.
    public var rules = 0

    /// Creates counts of 0.
    public init() {}
  }

  /// Counts by `-m name` or `-j NAME`.
  public var extensions: [String: Counts] = [:]
  /// Extensions that the running kernel refused, with its error.
  public var refused: [String: String] = [:]
  /// The number of rulesets played.
  public var rulesets = 0
  /// The number of packets played, each with a ruleset.
  public var pairs = 0
  /// Scenarios whose answers depend on random numbers of the kernel, so that they cannot be compared.
  public var undetermined = 0
  /// Scenarios with differences that did not reappear during shrinking.
  public var unsteady = 0
  /// The kernel's verdicts, counted by kind.
  public var verdicts: [String: Int] = [:]

  /// Creates an empty tally.
  public init() {}

  /// Counts the kernel's answer to a case.
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
            if visit.matched {
              extensions[name, default: Counts()].matched += 1
            } else {
              extensions[name, default: Counts()].mismatched += 1
            }
          }
        }
      }
    }
    for packet in engine.steps.flatMap(\.packets) where packet.verdict.kind == .unknown {
      let reason = packet.verdict.by ?? ""
      for name in extensions.keys where reason.contains("\(name) ") { extensions[name, default: Counts()].unknown += 1 }
    }
  }

  /// The matches and the target of a rule, and the built-in parts that it uses (`-s`, `-j ACCEPT`, `-g`).
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

  /// The table as text: one line for each extension.
  public var table: String {
    func column(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
    let width = 2 + ((Array(extensions.keys) + Array(refused.keys)).map(\.count).max() ?? 0)
    var lines = ["extension".padded(to: width) + ["rules", "matched", "not", "unknown"].map { column($0, 10) }.joined()]
    for (name, counts) in extensions.sorted(by: { $0.key < $1.key }) {
      lines.append(
        name.padded(to: width) + [counts.rules, counts.matched, counts.mismatched, counts.unknown].map { column("\($0)", 10) }.joined())
    }
    for (name, reason) in refused.sorted(by: { $0.key < $1.key }) { lines.append(name.padded(to: width) + "  refused: \(reason)") }
    return lines.map { $0 + "\n" }.joined()
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
