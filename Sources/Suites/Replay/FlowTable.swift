import Conntrack
import Wire

/// Values by the tuple of a flow. A tuple that was looked up recently is found without a hash table, because consecutive packets of captures
/// belong to few flows. A direction of a connection is found by its slot in the connection table.
struct FlowTable<Value: Sendable>: Sendable {
  private var places: [Tuple: Int] = [:]
  /// The flows in the order in which they were added.
  private(set) var flows: [Flow] = []

  /// Not a tuple, which the compiler copies by asking for its type.
  struct Flow: Sendable {
    let tuple: Tuple
    /// The ``position`` when it was added.
    let first: Int
    var value: Value
  }

  /// The place of a flow plus 1, by bits of a hash of its tuple; 0 for none. Any tuple may replace another: this is only a cache.
  private var recent = [UInt32](repeating: 0, count: 1 << Self.recentBits)

  private static var recentBits: Int { 14 }

  /// The place of the flow of each direction of a connection, by the slot of the connection.
  private var sides: [Side] = []

  private struct Side: BitwiseCopyable {
    var generation: UInt32 = 0
    var place: UInt32 = .max
  }

  /// The number of the current packet among all packets of the run.
  var position = 0

  /// The number of flows.
  var count: Int { flows.count }

  /// The value of a flow; nil if it has none.
  subscript(_ tuple: Tuple) -> Value? { places[tuple].map { flows[$0].value } }

  /// Changes the value of a flow. Returns false, without a change, for a new flow if there are as many as the limit already.
  ///
  /// - Parameter initial: the value of a new flow before the change.
  @inline(__always)
  mutating func update(_ tuple: Tuple, upTo limit: Int, initial: @autoclosure () -> Value, _ change: (inout Value) -> Void) -> Bool {
    let line = Self.line(tuple)
    let known = Int(recent[line]) &- 1
    if known >= 0, flows[known].tuple == tuple {
      change(&flows[known].value)
      return true
    }
    var place = places[tuple]
    if place == nil {
      guard flows.count < limit else { return false }
      flows.append(Flow(tuple: tuple, first: position, value: initial()))
      places[tuple] = flows.count - 1
      place = flows.count - 1
    }
    guard let place else { return false }
    recent[line] = UInt32(truncatingIfNeeded: place &+ 1)
    change(&flows[place].value)
    return true
  }

  /// As ``update(_:upTo:initial:_:)`` for a packet of a connection that is not translated.
  ///
  /// - Parameter tuple: that of the packet, which is asked for once for many packets.
  @inline(__always)
  mutating func update(
    _ handle: ConnectionHandle, _ direction: Direction, _ tuple: () -> Tuple?, upTo limit: Int, initial: @autoclosure () -> Value,
    _ change: (inout Value) -> Void
  ) -> Bool {
    let side = Int(handle.index) << 1 | Int(direction.rawValue)
    if side < sides.count, sides[side].generation == handle.generation, sides[side].place != .max {
      change(&flows[Int(sides[side].place)].value)
      return true
    }
    guard let tuple = tuple(), update(tuple, upTo: limit, initial: initial(), change), let place = places[tuple] else { return false }
    if side >= sides.count { sides += [Side](repeating: Side(), count: max(side + 1, 64)) }
    sides[side] = Side(generation: handle.generation, place: UInt32(truncatingIfNeeded: place))
    return true
  }

  /// Adds the flows of another table of the same run, none of which is in this one. If there are more than the limit, those that were added last
  /// are left out.
  ///
  /// - Returns: the flows that are left out.
  mutating func merge(_ other: FlowTable, upTo limit: Int) -> ArraySlice<Flow> {
    let all = (flows + other.flows).sorted { $0.first < $1.first }
    self = FlowTable()
    flows = Array(all.prefix(limit))
    for place in flows.indices { places[flows[place].tuple] = place }
    return all.dropFirst(limit)
  }

  @inline(__always)
  private static func line(_ tuple: Tuple) -> Int {
    let addresses = tuple.sourceBits &* 3 ^ tuple.destinationBits
    let ports = UInt64(tuple.sourceID) << 16 | UInt64(tuple.destinationID)
    let word = UInt64(truncatingIfNeeded: addresses ^ addresses >> 64) ^ ports << 24 ^ UInt64(tuple.proto.rawValue)
    return Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 &- recentBits))
  }
}
