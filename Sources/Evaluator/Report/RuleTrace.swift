public import Diagnostics
import XTables

/// How much of a packet's way through rules a report keeps.
public struct TraceExtent: Sendable, Hashable {
  /// Entries that are kept for one packet.
  public var entries: Int
  /// Whether the entries beyond that are counted each by itself: 8 bytes an entry of the table while the packet passes it.
  public var countsRest: Bool

  public init(entries: Int = Limits.traceEntries, countsRest: Bool = false) {
    self.entries = entries
    self.countsRest = countsRest
  }

  /// The entry that decided, and no other.
  public static let decider = TraceExtent(entries: 0)
}

/// The entries that a packet hit in one visit to a table, in their order: the first ones, up to a limit, and the last.
///
/// A packet can hit more than 2^30 entries where chains jump more than once to the same chain. What is kept of the entries between
/// the first ones and the last is how many there were, and with ``TraceExtent/countsRest`` how often each was hit.
public struct RuleTrace: Sendable {
  /// An entry that is not listed, and how often it was hit.
  public struct Rest: Sendable {
    public let step: RuleStep
    public let count: UInt64
  }

  private let program: TableProgram
  private let extent: TraceExtent
  private var first: [Int32] = []
  /// The last entry, where it is none of the first ones; else -1.
  private var last: Int32 = -1
  /// Entries that are not listed.
  public private(set) var omitted: UInt64 = 0
  /// By entry of the table, while the packet is in it; empty where nothing was omitted or nobody asks.
  private var counts: [UInt64] = []
  private var rest: [(entry: Int32, count: UInt64)] = []

  init(of program: TableProgram, _ extent: TraceExtent) {
    self.program = program
    self.extent = extent
  }

  @inline(__always)
  mutating func note(_ entry: Int) {
    if first.count < extent.entries {
      first.append(Int32(truncatingIfNeeded: entry))
    } else {
      noteBeyond(entry)
    }
  }

  private mutating func noteBeyond(_ entry: Int) {
    if last >= 0 {
      omitted &+= 1
      if extent.countsRest {
        if counts.isEmpty { counts = [UInt64](repeating: 0, count: program.entries.count) }
        counts[Int(last)] &+= 1
      }
    }
    last = Int32(truncatingIfNeeded: entry)
  }

  /// The packet has passed the table: keeps no more than what was hit.
  mutating func finish() {
    guard !counts.isEmpty else { return }
    for (entry, count) in counts.enumerated() where count > 0 { rest.append((Int32(truncatingIfNeeded: entry), count)) }
    counts = []
  }

  var isEmpty: Bool { first.isEmpty && last < 0 }

  /// How many entries are listed.
  var listedCount: Int { first.count + (last < 0 ? 0 : 1) }

  var lastStep: RuleStep? {
    if last >= 0 { return program.step(Int(last)) }
    return first.last.map { program.step(Int($0)) }
  }

  /// The entries that are listed. Where some are omitted, those stood before the last.
  public var steps: [RuleStep] {
    let listed = first.map { program.step(Int($0)) }
    return last < 0 ? listed : listed + [program.step(Int(last))]
  }

  /// The omitted entries, each once, in the table's order; empty without ``TraceExtent/countsRest``.
  public var omittedSteps: [Rest] { rest.map { Rest(step: program.step(Int($0.entry)), count: $0.count) } }
}
