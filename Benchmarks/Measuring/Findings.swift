import AllocationCount

/// What one packet costs.
public struct Cost {
  /// Time on a processor; what other processes take of it does not count.
  public var nanoseconds = Double.infinity
  public var allocations = Double.infinity

  public init() {}

  /// The lowest cost of one of `count` packets over several rounds.
  public static func lowest(rounds: Int, packets count: Int, _ body: () throws -> Void) rethrows -> Cost {
    var cost = Cost()
    for _ in 0..<rounds {
      let allocations = allocation_count()
      let start = ProcessStatus.threadTime
      try body()
      cost.nanoseconds = min(cost.nanoseconds, (ProcessStatus.threadTime - start) / Double(count))
      cost.allocations = min(cost.allocations, Double(allocation_count() - allocations) / Double(count))
    }
    return cost
  }
}

extension Cost {
  /// Keeps the lower of both costs.
  public mutating func take(_ other: Cost) {
    nanoseconds = min(nanoseconds, other.nanoseconds)
    allocations = min(allocations, other.allocations)
  }
}

/// What has been printed so far, which checks did not hold, and which goals were missed.
public struct Findings {
  private var failures = 0
  private var missed = 0

  public init() {}

  public func line(_ text: String, _ cost: Cost) {
    line(text, "\(Int(cost.nanoseconds.rounded())) ns, \((cost.allocations * 1000).rounded() / 1000) allocations")
  }

  public func line(_ text: String, _ result: String) {
    print(text + String(repeating: " ", count: max(58 - text.count, 1)) + result)
  }

  /// What must hold on any machine.
  public mutating func check(_ holds: Bool, _ sentence: String) {
    print(holds ? "  ok:" : "  NOT SO:", sentence)
    if !holds { failures += 1 }
  }

  /// How quick it is to be. A machine that is slow or busy misses it without anything being wrong.
  public mutating func goal(_ isReached: Bool, _ sentence: String) {
    print(isReached ? "  ok:" : "  MISSED:", sentence)
    if !isReached { missed += 1 }
  }

  /// Says what came of it all, and ends the process: with status 1 where a check did not hold.
  public func end() -> Never {
    print(
      failures == 0 ? "every check holds;" : "\(failures) checks do not hold;",
      missed == 0 ? "every goal is reached" : "\(missed) goals were missed, which may be the machine's doing")
    ProcessStatus.end(failures == 0 ? 0 : 1)
  }
}
