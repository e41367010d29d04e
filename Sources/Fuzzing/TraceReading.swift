import XTables

/// Reads from the kernel's trace which rules a packet reached and which of them it matched.
///
/// The trace names the rules that matched and the ends of chains. The rules in between were tried and did not match.
struct TraceReading {
  struct Visit: Hashable {
    let table: String
    let chain: String
    /// From 1.
    let number: Int
    let matched: Bool
  }

  private let ruleset: Ruleset

  init(_ ruleset: Ruleset) { self.ruleset = ruleset }

  func visits(_ trace: [String]) -> [Visit] {
    var visits: [Visit] = []
    // The packet's position in the table of the previous line, and the return stack.
    var table = ""
    var stack: [(chain: String, next: Int)] = []
    for line in trace {
      let parts = line.split(separator: ":").map(String.init)
      guard parts.count == 4, let number = Int(parts[3]) else { continue }
      let chain = parts[1]
      if parts[0] != table || stack.last?.chain != chain {
        (table, stack) = (parts[0], [(chain, 1)])
      }
      guard let (_, next) = stack.popLast() else { continue }
      for missed in next..<max(next, number) { visits.append(Visit(table: table, chain: chain, number: missed, matched: false)) }
      // At the end of a chain, the packet returns to the calling chain.
      guard parts[2] == "rule" else { continue }
      visits.append(Visit(table: table, chain: chain, number: number, matched: true))
      switch rule(table, chain, number)?.target {
      case .jump(let other): stack += [(chain, number + 1), (other, 1)]
      case .goto(let other): stack.append((other, 1))
      case .verdict(.return): break
      default: stack.append((chain, number + 1))
      }
    }
    return visits
  }

  func rule(_ table: String, _ chain: String, _ number: Int) -> Rule? {
    guard let rules = TableName(rawValue: table).flatMap({ ruleset[table: $0] })?[chain: chain]?.rules, rules.indices.contains(number - 1)
    else {
      return nil
    }
    return rules[number - 1]
  }
}
