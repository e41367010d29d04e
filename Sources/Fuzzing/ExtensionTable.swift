import Diagnostics
public import Documents
public import Lab
public import Scenarios
import Syntax
public import Wire
public import XTables

/// Tests each match and target of the registry with scenarios in which the kernel matches and does not match it, or the target acts and does not act.
public struct ExtensionTable: Sendable {
  /// The result of one scenario.
  public struct Row: Sendable {
    /// `-m name` or `-j NAME`.
    public let name: String
    /// The family of the scenario.
    public let family: Family
    /// How many packets matched a rule with the extension, by the kernel's trace.
    public var matched = 0
    /// How many packets reached such a rule and did not match, by the kernel's trace.
    public var mismatched = 0
    /// For a target: true if the kernel's answer, without counters, changes when the target is removed.
    public var hasEffect: Bool?
    /// The differences between the answers; the kernel's is on the left.
    public var differences: [LabComparison.Difference] = []
    /// True if the engine reported an unknown verdict.
    public var isUnknown = false
    /// The kernel's error, if it refused the scenario.
    public var refusal: String?

    /// The result as one line of the table.
    public var text: String {
      let start = "\(name.padded(to: 16))\(family == .ipv4 ? "IPv4" : "IPv6")  "
      if let refusal { return start + "this kernel does not have it: \(refusal)" }
      let effect = hasEffect.map { $0 ? ", its effect is observed" : ", only its counter is compared" } ?? ""
      let engine = isUnknown ? "the engine: unknown" : differences.isEmpty ? "the engine agrees" : "THE ENGINE DIFFERS: \(differences[0])"
      return start + "matched \(matched), did not match \(mismatched)\(effect); \(engine)"
    }
  }

  private let fuzzers: [Fuzzer]
  private let registry: Registry

  /// - Parameter fuzzers: one for each family, to query the kernel.
  public init(registry: Registry, fuzzers: [Fuzzer]) {
    self.registry = registry
    self.fuzzers = fuzzers
  }

  /// The names for which scenarios are required, by family.
  public func wanted(_ family: Family) -> Set<String> {
    Set(registry.all.filter { $0.families.contains(family) }.map { ($0.kind == .match ? "-m " : "-j ") + $0.name })
  }

  /// Plays one line of the table's file: `{"extension": "-m tcp", "scenario": …}`.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Throws: `ScenarioError` if the line is invalid.
  public func row(_ line: JSONValue, now: Double) throws(ScenarioError) -> Row {
    guard let name = line["extension"]?.text, let value = line["scenario"] else {
      throw ScenarioError(path: "", reason: "a line needs an extension and a scenario")
    }
    let scenario = try Scenario(ExtensionTable.timed(value, now: now))
    let family: Family = scenario.rules6 == nil ? .ipv4 : .ipv6
    var row = Row(name: name, family: family)
    guard let fuzzer = fuzzers.first(where: { $0.host.family == family }), let examination = fuzzer.examine(scenario, limit: 4) else {
      throw ScenarioError(path: name, reason: "there is no extension of this name")
    }
    if let error = examination.kernel.error {
      row.refusal = fuzzer.refused[name] ?? error
      return row
    }
    var tally = FuzzTally()
    tally.note(examination.kernel, engine: examination.engine, fuzzer.ruleset(scenario))
    let counts = tally.extensions[name] ?? FuzzTally.Counts()
    (row.matched, row.mismatched, row.differences) = (counts.matched, counts.mismatched, examination.differences)
    row.isUnknown = examination.engine.steps.contains { $0.packets.contains { $0.verdict.kind == .unknown } }
    if name.hasPrefix("-j") {
      row.hasEffect = try hasEffect(value, name, now: now, kernel: examination.kernel, fuzzer)
    }
    return row
  }

  private func hasEffect(
    _ value: JSONValue, _ name: String, now: Double, kernel: LabResult, _ fuzzer: Fuzzer
  ) throws(ScenarioError) -> Bool {
    guard case .object(var without) = value else { return false }
    for member in ["rules", "rules6"] {
      guard let text = without[member]?.text else { continue }
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        line.firstRange(of: " \(name)").map { String(line[..<$0.lowerBound]) } ?? String(line)
      }
      without[member] = .string(lines.joined(separator: "\n"))
    }
    let scenario = try Scenario(ExtensionTable.timed(.object(without), now: now))
    guard let other = fuzzer.examine(scenario) else { return false }
    let differences = LabComparison(scenario).differences(kernel.json, other.kernel.json, limit: 8)
    return differences.contains { !$0.path.hasPrefix("counters") }
  }

  /// Replaces `{time-600}` in rules by the UTC time of day that many seconds before now.
  private static func timed(_ scenario: JSONValue, now: Double) -> JSONValue {
    guard case .object(var object) = scenario else { return scenario }
    for member in ["rules", "rules6"] {
      guard let text = object[member]?.text, text.contains("{time") else { continue }
      var result = ""
      var rest = text[...]
      while let start = rest.firstRange(of: "{time"), let end = rest[start.upperBound...].firstIndex(of: "}") {
        let seconds = (Int(now) + (Int(rest[start.upperBound..<end]) ?? 0)) % 86400
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        result += rest[..<start.lowerBound] + clock.joined(separator: ":")
        rest = rest[rest.index(after: end)...]
      }
      object[member] = .string(result + rest)
    }
    return .object(object)
  }
}
