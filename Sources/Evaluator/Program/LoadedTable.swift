import Wire
import XTables

/// Which chains of a table have an index, by which a packet is led past rules that cannot match it.
public enum ChainIndexing: Sendable {
  /// None: every rule is tested, as the kernel does. This is the reference for the others.
  case never
  /// Long chains whose rules have been tested often enough that an index would have taken less time.
  case whenWorthIt
  /// Every long chain, from the first packet on.
  case always
}

/// A loaded table with the counters since it was loaded.
final class LoadedTable {
  /// What is known of a long chain.
  private enum Search {
    /// No index: packets have walked past this many rules.
    case walked(Int)
    case indexed(ChainIndex)
  }

  /// A chain of at most this many rules has no index.
  static let shortChain = 64
  /// Testing a rule this often takes as long as putting it into an index.
  private static let walksWorthAnIndex = 500

  let program: TableProgram
  /// Its index among the loaded tables.
  let number: Int
  private var counts: [Counters]
  /// By chain; empty if no chain may have an index.
  private var searches: [Search] = []
  private let indexing: ChainIndexing
  /// Whether packets may be led to the next rule by an index.
  let isSearching: Bool
  /// Whether an index may read the source port of a packet that no rule tests.
  let readsSourcePorts: Bool

  /// - Parameter isCounting: whether the entries have counters.
  init(_ program: TableProgram, number: Int = 0, indexing: ChainIndexing = .whenWorthIt, isCounting: Bool = true) {
    self.program = program
    self.number = number
    self.indexing = indexing
    counts = isCounting ? program.freshCounters : []
    isSearching = indexing != .never && program.hasLongChains
    readsSourcePorts = program.matches.readsSourcePorts
    if isSearching { searches = Array(repeating: .walked(0), count: program.chainStarts.count) }
  }

  /// The counters, by entry; none if nothing is counted.
  var counters: [Counters] { counts }

  @inline(__always)
  func count(_ entry: Int, bytes: Int) {
    guard entry < counts.count else { return }
    counts[entry].packets &+= 1
    counts[entry].bytes &+= UInt64(truncatingIfNeeded: bytes)
  }

  /// The first entry from `entry` on, in the same chain, that the packet may match. The rules before it fail the packet without any effect.
  @inline(never)
  func seek(_ entry: Int, _ head: PacketHead, _ bytes: borrowing [UInt8], _ cursor: inout RuleCursor) -> Int {
    let chain = Int(program.places[entry].chain)
    guard let index = index(of: chain, from: entry), cursor.isOpen || index.open(&cursor, head, bytes, from: entry) else {
      cursor.walk()
      return entry
    }
    cursor.search()
    return index.next(&cursor, from: entry)
  }

  /// The index of a chain, built if it is due; nil if the chain has none.
  @inline(__always)
  private func index(of chain: Int, from entry: Int) -> ChainIndex? {
    switch searches[chain] {
    case .indexed(let index): return index
    case .walked(let steps):
      let rules = program.rules(of: chain)
      let due = indexing == .always ? 0 : rules.count * Self.walksWorthAnIndex
      guard rules.count > Self.shortChain else { return nil }
      let walked = steps + rules.upperBound - entry
      guard walked >= due else {
        searches[chain] = .walked(walked)
        return nil
      }
      let index = ChainIndex(program, entries: rules)
      searches[chain] = .indexed(index)
      return index
    }
  }

  /// The index of a chain, for tests and measurements; nil if it has none yet.
  func index(of chain: Int) -> ChainIndex? {
    guard searches.indices.contains(chain), case .indexed(let index) = searches[chain] else { return nil }
    return index
  }
}
