public import XTables

/// One packet's pass through one table, without hooks, host and counters: what an analysis claims of a table is tried with it.
public struct TableWalk: Sendable {
  /// An entry that matched the packet.
  public struct Hit: Sendable, Hashable {
    /// The index of the chain in the table.
    public let chain: Int
    /// The index of the rule in the chain; the number of its rules for the policy, or the end of a user chain.
    public let rule: Int
  }

  /// The result of the pass.
  public let outcome: TableOutcome
  /// The entries that matched, in order; at most ``limit``.
  public let hits: [Hit]
  /// The greatest number of recorded hits.
  public static let limit = 100_000
}

/// A table through which packets pass one after another, each as the first one: what rules remember is in the packet's world.
public final class TableWalker {
  /// The compiled table.
  public let program: TableProgram
  private let loaded: LoadedTable

  /// Creates a walker through a compiled table.
  public convenience init(_ program: TableProgram) { self.init(program, indexing: .whenWorthIt) }

  fileprivate init(_ program: TableProgram, indexing: ChainIndexing) {
    self.program = program
    loaded = LoadedTable(program, indexing: indexing, isCounting: false)
  }

  /// Passes a packet through the chain of its hook.
  public func walk(_ context: inout PacketContext) -> TableWalk {
    var stack = JumpStack()
    var observer = HitObserver()
    var outcome = program.run(&context, counting: loaded, stack: &stack, observer: &observer)
    while case .paused(let entry) = outcome {
      outcome = program.run(&context, counting: loaded, stack: &stack, observer: &observer, from: entry)
    }
    return TableWalk(
      outcome: outcome,
      hits: observer.entries.map {
        TableWalk.Hit(chain: Int(program.places[$0].chain), rule: Int(program.places[$0].number) - 1)
      })
  }
}

extension TableProgram {
  /// Passes one packet through the chain of its hook. For many packets a ``TableWalker`` finds their rules faster.
  public func walk(_ context: inout PacketContext) -> TableWalk { TableWalker(self, indexing: .never).walk(&context) }
}

/// Records the entries that a packet hits.
private struct HitObserver: TableObserver {
  var entries: [Int] = []

  mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext) {
    if entries.count < TableWalk.limit { entries.append(entry) }
  }
}
