public import Diagnostics
import XTables

/// The limits for the recorded path through rules.
public struct TraceExtent: Sendable, Hashable {
  /// The number of entries recorded for one packet.
  public var entries: Int
  /// True if each omitted entry is counted separately. Costs 8 bytes for each entry of the table while the packet passes it.
  public var countsRest: Bool

  /// Creates limits; by default ``Limits/traceEntries`` entries.
  public init(entries: Int = Limits.traceEntries, countsRest: Bool = false) {
    self.entries = entries
    self.countsRest = countsRest
  }

  /// Records only the deciding entry.
  public static let decider = TraceExtent(entries: 0)
}

/// The entries that a packet hit in one pass through a table, in order: the first ones up to a limit, and the last.
///
/// Chains that jump repeatedly to the same chain can cause more than 2^30 hits. The entries between the first ones and the last are only
/// counted in total, and with ``TraceExtent/countsRest`` separately.
public struct RuleTrace: Sendable {
  /// An omitted entry, and how often it was hit.
  public struct Rest: Sendable {
    /// The entry.
    public let step: RuleStep
    /// How often it was hit.
    public let count: UInt64
  }

  private let program: TableProgram
  private let extent: TraceExtent
  private var first: [Int32] = []
  /// The last entry if it is not among the first ones, otherwise -1.
  private var last: Int32 = -1
  /// The number of omitted entries.
  public private(set) var omitted: UInt64 = 0
  /// Hits by entry while the packet is in the table; empty if none were omitted or they are not counted separately.
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

  /// Called when the packet has passed the table. Keeps the counts of the entries hit, and frees the rest.
  mutating func finish() {
    guard !counts.isEmpty else { return }
    for (entry, count) in counts.enumerated() where count > 0 { rest.append((Int32(truncatingIfNeeded: entry), count)) }
    counts = []
  }

  var isEmpty: Bool { first.isEmpty && last < 0 }

  /// The number of recorded entries.
  var listedCount: Int { first.count + (last < 0 ? 0 : 1) }

  var lastStep: RuleStep? {
    if last >= 0 { return program.step(Int(last)) }
    return first.last.map { program.step(Int($0)) }
  }

  /// The recorded entries. Omitted entries come before the last one.
  public var steps: [RuleStep] {
    let listed = first.map { program.step(Int($0)) }
    return last < 0 ? listed : listed + [program.step(Int(last))]
  }

  /// The omitted entries, each once, in table order; empty without ``TraceExtent/countsRest``.
  public var omittedSteps: [Rest] { rest.map { Rest(step: program.step(Int($0.entry)), count: $0.count) } }
}
