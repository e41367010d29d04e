import AllocationCount

/// What one packet costs.
struct Cost {
  /// Time on a processor; what other processes take of it does not count.
  var nanoseconds = Double.infinity
  var allocations = Double.infinity

  /// The lowest cost of one of `count` packets over several rounds.
  static func lowest(rounds: Int, packets count: Int, _ body: () throws -> Void) rethrows -> Cost {
    var cost = Cost()
    for _ in 0..<rounds {
      let allocations = allocation_count()
      let start = ProcessStatus.processorTime
      try body()
      cost.nanoseconds = min(cost.nanoseconds, (ProcessStatus.processorTime - start) / Double(count))
      cost.allocations = min(cost.allocations, Double(allocation_count() - allocations) / Double(count))
    }
    return cost
  }
}

/// What has been printed so far, and which checks did not hold.
struct Findings {
  private(set) var failures: [String] = []

  func line(_ text: String, _ cost: Cost, goal: String = "") {
    let name = text + String(repeating: " ", count: max(58 - text.count, 0))
    print(name, "\(Int(cost.nanoseconds.rounded())) ns,", "\((cost.allocations * 1000).rounded() / 1000) allocations", goal)
  }

  mutating func check(_ holds: Bool, _ sentence: String) {
    print(holds ? "  ok:" : "  NOT SO:", sentence)
    if !holds { failures.append(sentence) }
  }
}
