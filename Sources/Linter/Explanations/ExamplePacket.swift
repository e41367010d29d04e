import XTables

/// A packet of an extension's example, as its page shows it.
struct ExamplePacket: Encodable, Sendable {
  let packet: String
  /// `matches`, `misses`, `result`, `passes` or `unknown`.
  let outcome: String
  /// What becomes of a target's packet, as a scenario file expects it.
  let result: String?
  let because: String?
  /// Rules, sets and members of a scenario file that are there before, where there are any.
  let rules: [String]?
  let sets: [String]?
  let host: [String]?
  /// The packets that come before.
  let after: [String]?

  init(_ trial: Example.Trial) {
    func some(_ lines: [String]) -> [String]? { lines.isEmpty ? nil : lines }
    packet = trial.packet
    because = trial.reason
    (rules, sets, host, after) = (some(trial.given.rules), some(trial.given.sets), some(trial.given.host), some(trial.after))
    if case .becomes(let text) = trial.outcome { result = text } else { result = nil }
    outcome =
      switch trial.outcome {
      case .matches: "matches"
      case .misses: "misses"
      case .becomes: "result"
      case .passes: "passes"
      case .unknown: "unknown"
      }
  }

  /// What comes of the packet, then what is there before it, a line each.
  var lines: [String] {
    let tail = because.map { " (\($0))" } ?? ""
    var lines: [String] =
      switch outcome {
      case "matches": ["matches: \(packet)"]
      case "misses": ["does not match: \(packet)\(tail)"]
      case "passes": ["lets pass: \(packet)\(tail)"]
      case "unknown": ["cannot be told: \(packet)\(tail)"]
      default: ["packet: \(packet)", "result: \(result ?? "")"]
      }
    lines += (rules ?? []).map { "  behind the rule \($0)" }
    lines += (sets ?? []).map { "  with the set: \($0)" }
    lines += (host ?? []).map { "  with \($0)" }
    lines += (after ?? []).map { "  after \($0)" }
    return lines
  }
}
