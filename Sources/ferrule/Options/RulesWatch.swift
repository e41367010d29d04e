import Changes
import Glibc
import Kernel
import Wire
import XTables

/// Notices changes of the loaded rules, until SIGINT or SIGTERM.
struct RulesWatch {
  /// Who changed the rules.
  struct Authors {
    /// The transactions; nil where the kernel does not tell.
    var commits: [NftCommit]?
    /// False if some transactions were lost.
    var isComplete = true
  }

  private let kernel: ChosenBackend
  private let rulesets: [Ruleset]
  private let interval: Double
  private let stop = StopRequest()
  private var events: NftEvents?
  private var text: [[UInt8]]

  /// Begins to watch the tables that rulesets have.
  init(_ kernel: ChosenBackend, _ rulesets: [Ruleset], interval: Double) throws {
    self.kernel = kernel
    self.rulesets = rulesets
    self.interval = interval
    // Listening begins before the first reading, so that no change is missed.
    events = kernel.backend == .nft ? try NftEvents() : nil
    text = []
    text = try read()
  }

  /// Waits until the rules are others than at the last call; nil at the end.
  mutating func next() throws -> Authors? {
    var authors = Authors(commits: events.map { _ in [] })
    while !stop.isMade {
      if events != nil {
        guard try listen(&authors, waiting: 100) else { continue }
      } else {
        pause()
      }
      let now = try read()
      guard now != text else {
        authors = Authors(commits: events.map { _ in [] })
        continue
      }
      text = now
      // What was read may hold a transaction that is announced only now.
      _ = try listen(&authors, waiting: 20)
      return authors
    }
    return nil
  }

  /// Adds the transactions that touch the watched tables. Returns false if there was none.
  private mutating func listen(_ authors: inout Authors, waiting milliseconds: Int32) throws -> Bool {
    guard let commits = try events?.next(waiting: milliseconds) else {
      guard events != nil else { return false }
      authors.isComplete = false
      return true
    }
    let touching = commits.filter { commit in
      rulesets.contains { ruleset in
        let family = ruleset.family == .ipv4 ? "ip" : "ip6"
        return ruleset.tables.contains { commit.touches("\(family) \($0.name.rawValue)") }
      }
    }
    authors.commits?.append(contentsOf: touching)
    return !touching.isEmpty
  }

  private func pause() {
    var waited = 0.0
    while waited < interval, !stop.isMade {
      usleep(100_000)
      waited += 0.1
    }
  }

  private func read() throws -> [[UInt8]] {
    let kernel = try kernel.reread()
    return try rulesets.map { try KernelRules($0.family, kernel).text(counters: false) }
  }
}

/// A difference, and who made it.
struct WatchedDrift: Encodable {
  /// The transactions since the last line; nil where the kernel does not tell.
  private let by: [NftCommit]?
  /// False if there were more; nil if not.
  private let byIsComplete: Bool?
  private let drift: Drift

  init(_ authors: RulesWatch.Authors, _ drift: Drift) {
    by = authors.commits
    byIsComplete = authors.isComplete ? nil : false
    self.drift = drift
  }

  private enum CodingKeys: CodingKey { case by, byIsComplete }

  func encode(to encoder: any Encoder) throws {
    try drift.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(by, forKey: .by)
    try container.encodeIfPresent(byIsComplete, forKey: .byIsComplete)
  }
}
