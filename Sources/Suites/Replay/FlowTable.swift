import Conntrack
import Wire

/// Values by the tuple of a flow. A tuple that was looked up recently is found without a hash table, because consecutive packets of captures
/// belong to few flows.
struct FlowTable<Value: Sendable>: Sendable {
  private var places: [Tuple: Int] = [:]
  /// The flows in the order in which they were added.
  private(set) var flows: [(tuple: Tuple, value: Value)] = []
  /// The place of a flow plus 1, by bits of a hash of its tuple; 0 for none. Any tuple may replace another: this is only a cache.
  private var recent = [UInt32](repeating: 0, count: 1 << Self.recentBits)

  private static var recentBits: Int { 14 }

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
      flows.append((tuple, initial()))
      places[tuple] = flows.count - 1
      place = flows.count - 1
    }
    guard let place else { return false }
    recent[line] = UInt32(truncatingIfNeeded: place &+ 1)
    change(&flows[place].value)
    return true
  }

  @inline(__always)
  private static func line(_ tuple: Tuple) -> Int {
    let addresses = tuple.sourceBits &* 3 ^ tuple.destinationBits
    let ports = UInt64(tuple.sourceID) << 16 | UInt64(tuple.destinationID)
    let word = UInt64(truncatingIfNeeded: addresses ^ addresses >> 64) ^ ports << 24 ^ UInt64(tuple.proto.rawValue)
    return Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 &- recentBits))
  }
}
