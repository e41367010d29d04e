import Documents

/// Shrinks a scenario while it keeps a property: engine and kernel give different answers.
///
/// Works on the scenario's JSON: removes steps, then tables, rules, words of rules, parts of the host, and members of steps. Engine and kernel
/// answer every candidate.
struct Shrinker {
  /// True if a smaller scenario keeps the property.
  let keeps: (JSONValue) -> Bool
  /// True if the time is up.
  private let isOver: () -> Bool
  /// The number of candidates still allowed.
  private(set) var budget: Int

  init(budget: Int = 600, isOver: @escaping () -> Bool = { false }, keeps: @escaping (JSONValue) -> Bool) {
    self.budget = budget
    self.isOver = isOver
    self.keeps = keeps
  }

  mutating func shrunk(_ scenario: JSONValue) -> JSONValue {
    guard case .object(var best) = scenario else { return scenario }
    var size = 0
    repeat {
      size = JSONValue.object(best).description.utf8.count
      shrinkSteps(&best)
      shrinkRules(&best)
      shrinkWords(&best)
      for name in ["queues", "sockets", "ipset", "mode", "sysctl"] { attempt(&best) { $0[name] = nil } }
      shrinkHost(&best)
      shrinkPackets(&best)
    } while JSONValue.object(best).description.utf8.count < size && budget > 0 && !isOver()
    return .object(best)
  }

  @discardableResult
  private mutating func attempt(_ best: inout JSONObject, _ change: (inout JSONObject) -> Void) -> Bool {
    var candidate = best
    change(&candidate)
    guard budget > 0, candidate != best, !isOver() else { return false }
    budget -= 1
    guard keeps(.object(candidate)) else { return false }
    best = candidate
    return true
  }

  /// Removes runs of elements, longest first.
  private mutating func drop(from count: Int, in best: inout JSONObject, _ remove: (inout JSONObject, Range<Int>) -> Void) {
    var count = count
    var length = max(1, count / 2)
    while length >= 1 {
      var at = count - length
      while at >= 0 {
        if attempt(&best, { remove(&$0, at..<at + length) }) { count -= length }
        at = min(at - length, count - length)
      }
      length /= 2
    }
  }

  private mutating func shrinkSteps(_ best: inout JSONObject) {
    drop(from: best["steps"]?.elements?.count ?? 0, in: &best) { scenario, range in
      var steps = scenario["steps"]?.elements ?? []
      steps.removeSubrange(range)
      scenario["steps"] = .array(steps)
    }
  }

  private mutating func shrinkRules(_ best: inout JSONObject) {
    for name in ["rules", "rules6"] {
      guard let text = best[name]?.text else { continue }
      // First whole tables.
      for table in text.split(separator: "*").map(String.init) {
        attempt(&best) { $0[name] = .string(($0[name]?.text ?? "").replacing("*" + table, with: "")) }
      }
      let lines = (best[name]?.text ?? "").split(separator: "\n").map(String.init)
      let droppable = { (line: String) in line.hasPrefix("-A") || line.hasPrefix(":") && line.contains(" - ") }
      drop(from: lines.count(where: droppable), in: &best) { scenario, range in
        let lines = (scenario[name]?.text ?? "").split(separator: "\n").map(String.init)
        let places = lines.indices.filter { droppable(lines[$0]) }
        let gone = Set(range.compactMap { places.indices.contains($0) ? places[$0] : nil })
        scenario[name] = .string(lines.indices.filter { !gone.contains($0) }.map { lines[$0] + "\n" }.joined())
      }
    }
  }

  /// Removes words of rules, one to three at a time.
  private mutating func shrinkWords(_ best: inout JSONObject) {
    for name in ["rules", "rules6"] {
      guard let count = best[name]?.text?.split(separator: "\n").count else { continue }
      for line in 0..<count {
        for length in [4, 3, 2, 1] {
          var at = 2
          while at + length <= Self.words(best, name, line).count {
            if !attempt(&best, { Self.removeWords(&$0, name, line, at..<at + length) }) { at += 1 }
          }
        }
        attempt(&best) { scenario in
          Self.edit(&scenario, name, line) { $0.hasPrefix(":") ? $0.replacing(" DROP ", with: " ACCEPT ") : $0 }
        }
      }
    }
  }

  private static func words(_ scenario: JSONObject, _ name: String, _ line: Int) -> [Substring] {
    let lines = (scenario[name]?.text ?? "").split(separator: "\n")
    return lines.indices.contains(line) && lines[line].hasPrefix("-A") ? lines[line].split(separator: " ") : []
  }

  private static func removeWords(_ scenario: inout JSONObject, _ name: String, _ line: Int, _ range: Range<Int>) {
    edit(&scenario, name, line) { text in
      var words = text.split(separator: " ")
      words.removeSubrange(range)
      return words.joined(separator: " ")
    }
  }

  private static func edit(_ scenario: inout JSONObject, _ name: String, _ line: Int, _ change: (String) -> String) {
    var lines = (scenario[name]?.text ?? "").split(separator: "\n").map(String.init)
    guard lines.indices.contains(line) else { return }
    lines[line] = change(lines[line])
    scenario[name] = .string(lines.map { $0 + "\n" }.joined())
  }

  /// Removes commands, sysctls and sockets of the host.
  private mutating func shrinkHost(_ best: inout JSONObject) {
    drop(from: best["topology"]?["setup"]?.elements?.count ?? 0, in: &best) { scenario, range in
      guard case .object(var topology)? = scenario["topology"], var setup = topology["setup"]?.elements else { return }
      setup.removeSubrange(range)
      topology["setup"] = .array(setup)
      scenario["topology"] = .object(topology)
    }
    drop(from: best["sockets"]?.elements?.count ?? 0, in: &best) { scenario, range in
      guard var sockets = scenario["sockets"]?.elements else { return }
      sockets.removeSubrange(range)
      scenario["sockets"] = .array(sockets)
    }
    guard case .object(let sysctls)? = best["sysctl"] else { return }
    for member in sysctls.members {
      attempt(&best) { scenario in
        guard case .object(var sysctls)? = scenario["sysctl"] else { return }
        sysctls[member.name] = nil
        scenario["sysctl"] = .object(sysctls)
      }
    }
  }

  /// Removes unneeded members of steps.
  private mutating func shrinkPackets(_ best: inout JSONObject) {
    let needed: Set<String> = ["in", "local", "src", "dst", "proto", "sleep"]
    for index in (best["steps"]?.elements ?? []).indices {
      guard case .object(let step)? = best["steps"]?.elements?[index] else { continue }
      for member in step.members where !needed.contains(member.name) {
        attempt(&best) { scenario in
          guard var steps = scenario["steps"]?.elements, case .object(var step) = steps[index] else { return }
          step[member.name] = nil
          steps[index] = .object(step)
          scenario["steps"] = .array(steps)
        }
      }
    }
  }
}
