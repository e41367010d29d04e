import XTables

/// Changes some parts of a ruleset, and replaces its interfaces by those of the fuzzed host.
struct RulesetMutation {
  private let interfaces: [String]
  private var draw: Draw
  private var renamed: [String: String] = [:]
  /// The limit for the number of rules: all counters are read for every packet.
  private static let mostRules = 60

  init(interfaces: [String], seed: UInt64) {
    self.interfaces = interfaces
    draw = Draw(seed: seed)
  }

  mutating func apply(to text: String) -> String {
    var lines: [String] = []
    var rules = 0
    for line in text.split(separator: "\n").map(String.init) {
      // Counters before a rule do not affect it.
      let isRule = line.hasPrefix("-A") || line.hasPrefix("[")
      guard isRule else {
        lines.append(line)
        continue
      }
      rules += 1
      if rules > Self.mostRules || draw.chance(0.08) { continue }
      let changed = mutated(line)
      lines.append(changed)
      if draw.chance(0.05) { lines.append(changed) }
      if draw.chance(0.05), lines.count > 2, lines[lines.count - 2].hasPrefix("-A") { lines.swapAt(lines.count - 1, lines.count - 2) }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private mutating func mutated(_ line: String) -> String {
    var words = line.split(separator: " ").map(String.init)
    if words.first?.hasPrefix("[") == true { words.removeFirst() }
    for index in words.indices.dropFirst() {
      switch words[index - 1] {
      case "-i", "-o": words[index] = interface(for: words[index])
      case "--dport", "--sport", "--dports", "--sports":
        if draw.chance(0.2) { words[index] = shifted(words[index]) }
      case "-j" where draw.chance(0.06):
        words[index] = ["ACCEPT": "DROP", "DROP": "ACCEPT", "RETURN": "ACCEPT"][words[index]] ?? words[index]
      default: break
      }
    }
    if draw.chance(0.05), let at = words.firstIndex(where: { ["-s", "-d", "-i", "-o", "--dport"].contains($0) }), words[at - 1] != "!" {
      words.insert("!", at: at)
    }
    return words.joined(separator: " ")
  }

  private mutating func interface(for name: String) -> String {
    guard name != "lo", name != "+" else { return name }
    if let known = renamed[name] { return known }
    let chosen = interfaces[renamed.count % interfaces.count]
    renamed[name] = chosen
    return chosen
  }

  /// The last number of a port list, increased or decreased by one.
  private mutating func shifted(_ ports: String) -> String {
    let parts = ports.split(separator: ",", omittingEmptySubsequences: false)
    guard let last = parts.last.flatMap({ Int($0) }), (1..<65535).contains(last) else { return ports }
    return (parts.dropLast().map(String.init) + ["\(last + draw.pick([-1, 1]))"]).joined(separator: ",")
  }
}
