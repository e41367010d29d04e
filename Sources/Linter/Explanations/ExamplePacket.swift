import XTables

/// A packet of an extension's example, as shown on its page.
struct ExamplePacket: Encodable, Sendable {
  let packet: String
  /// `matches`, `misses`, `result`, `passes` or `unknown`.
  let outcome: String
  /// The result of a target, in the notation of scenario files.
  let result: String?
  let because: String?
  /// Rules, sets and host members of the example's setup; nil if there are none.
  let rules: [String]?
  let sets: [String]?
  let host: [String]?
  /// The packets played before this one.
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

  /// The outcome of the packet, then its setup, one line each.
  var lines: [String] {
    let tail = because.map { " (\($0))" } ?? ""
    var lines: [String] =
      switch outcome {
      case "matches": ["matches: \(packet)"]
      case "misses": ["does not match: \(packet)\(tail)"]
      case "passes": ["continues at the next rule: \(packet)\(tail)"]
      case "unknown": ["unknown: \(packet)\(tail)"]
      default: ["packet: \(packet)", "result: \(result ?? "")"]
      }
    lines += (rules ?? []).map { "  after the rule \($0)" }
    lines += (sets ?? []).map { "  with the set: \($0)" }
    lines += (host ?? []).map { "  with `\($0)' in the scenario file" }
    lines += (after ?? []).map { "  after: \($0)" }
    return lines
  }
}
