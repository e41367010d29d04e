import Diagnostics
public import Documents
public import Wire

/// The result of a run, as text and as JSON.
public struct FuzzReport: Sendable {
  /// The seed of the run.
  public let seed: UInt64
  /// The families in the order in which they were played, each with its duration in seconds.
  public private(set) var runs: [(family: Family, outcome: Fuzzer.Outcome, seconds: Double)] = []

  /// Creates a report without runs.
  public init(seed: UInt64) { self.seed = seed }

  /// Adds the result of a family.
  public mutating func add(_ outcome: Fuzzer.Outcome, _ family: Family, seconds: Double) {
    runs.append((family, outcome, seconds))
  }

  /// The disagreements of all families.
  public var disagreements: [Disagreement] { runs.flatMap(\.outcome.disagreements) }

  /// A table of extensions for each family, the disagreements, and the totals at the end.
  public var text: String {
    var text = ""
    for (family, outcome, seconds) in runs {
      let tally = outcome.tally
      text += """
        \(Self.name(family)): seed \(seed), \(tally.rulesets) rulesets, \(tally.pairs) ruleset-packet pairs in \(Self.whole(seconds)) s, \
        \(outcome.disagreements.count) disagreements, \(tally.unsteady) not reproduced, \(tally.undetermined) undetermined
        \(tally.table)

        """
      for disagreement in outcome.disagreements {
        text += "number \(disagreement.number): \(Escaping.line(disagreement.kind))\n"
        text += disagreement.differences.map { "  \(Escaping.line("\($0)"))\n" }.joined()
      }
    }
    return text + "total: \(runs.map(\.outcome.tally.pairs).reduce(0, +)) pairs, \(disagreements.count) disagreements\n"
  }

  /// The report as JSON.
  public var json: JSONValue {
    [
      "seed": JSONValue(seed),
      "runs": .array(
        runs.map { family, outcome, seconds in
          let tally = outcome.tally
          return [
            "family": .string(Self.name(family)), "seconds": JSONValue(Self.whole(seconds)), "rulesets": JSONValue(tally.rulesets),
            "pairs": JSONValue(tally.pairs), "unsteady": JSONValue(tally.unsteady), "undetermined": JSONValue(tally.undetermined),
            "verdicts": .object(JSONObject(tally.verdicts.sorted { $0.key < $1.key }.map { .init($0.key, JSONValue($0.value)) })),
            "extensions": .object(JSONObject(tally.extensions.sorted { $0.key < $1.key }.map { .init($0.key, Self.json($0.value)) })),
            "refused": .object(JSONObject(tally.refused.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })),
            "disagreements": .array(outcome.disagreements.map(Self.json)),
          ]
        }),
    ]
  }

  private static func json(_ counts: FuzzTally.Counts) -> JSONValue {
    [
      "rules": JSONValue(counts.rules), "matched": JSONValue(counts.matched), "mismatched": JSONValue(counts.mismatched),
      "unknown": JSONValue(counts.unknown),
    ]
  }

  private static func json(_ disagreement: Disagreement) -> JSONValue {
    [
      "number": JSONValue(disagreement.number), "kind": .string(disagreement.kind), "scenario": disagreement.scenario,
      "differences": .array(disagreement.differences.map { .string("\($0)") }),
    ]
  }

  private static func name(_ family: Family) -> String { family == .ipv4 ? "IPv4" : "IPv6" }

  private static func whole(_ seconds: Double) -> Int { Int(seconds.rounded()) }
}
