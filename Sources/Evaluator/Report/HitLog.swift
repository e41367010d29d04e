import XTables

/// The rules and policies that one packet hits, without their texts: what totals and one line per packet need.
public struct HitLog: Sendable {
  /// An entry of a loaded table.
  public struct Hit: BitwiseCopyable, Hashable, Sendable {
    /// The index of the table among the loaded ones.
    public let table: Int32
    /// The index of the entry in the table.
    public let entry: Int32

    /// Creates a hit; parameters as the properties of the same names.
    public init(table: Int32, entry: Int32) {
      self.table = table
      self.entry = entry
    }
  }

  /// The hits in order, as ``PacketReport/steps`` has them: the first ones, and the last of each table.
  public private(set) var hits: [Hit] = []
  /// The last hit of all; it decided about the packet if a table dropped it.
  public private(set) var last: Hit?
  /// True if connection tracking found that the packet is INVALID.
  public internal(set) var isInvalid = false
  /// True if the packet left unchanged in size before anything else that it caused.
  public internal(set) var leftFirst = false
  /// How many more hits are listed.
  private var room = 0
  /// The last hit in the current table, if it is not listed.
  private var unlisted: Hit?

  /// Creates an empty log.
  public init() {}

  /// Empties the log for the next packet.
  mutating func clear(limit: Int) {
    hits.removeAll(keepingCapacity: true)
    (last, unlisted) = (nil, nil)
    (isInvalid, leftFirst) = (false, false)
    room = limit
  }

  /// Called before the packet enters a table.
  mutating func begin() { unlisted = nil }

  @inline(__always)
  mutating func note(_ hit: Hit) {
    last = hit
    if room > 0 {
      hits.append(hit)
      room &-= 1
    } else {
      unlisted = hit
    }
  }

  /// Called after the packet has left a table.
  mutating func end() {
    if let unlisted { hits.append(unlisted) }
  }
}

/// Notes the entries hit.
struct HitLogger: TableObserver {
  var log = HitLog()
  let table: Int32

  init(_ table: LoadedTable) { self.table = Int32(truncatingIfNeeded: table.number) }

  @inline(__always)
  mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext) {
    log.note(HitLog.Hit(table: table, entry: Int32(truncatingIfNeeded: entry)))
  }
}
