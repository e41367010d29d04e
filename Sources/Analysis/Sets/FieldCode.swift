import Conntrack
import Netfilter
import Wire
import XTables

/// How the values of a field are written in levels of the diagram.
///
/// The values are the numbers of elementary intervals between the boundaries of all tests, or, if a test asks for single bits, their own
/// bits. The most significant bit has the lowest level. Numbers beyond the last interval stand for the last interval too.
struct FieldCode: Sendable {
  let field: Field
  let width: Int
  /// The first value of each interval, ascending from 0; nil if the code is the value's own bits.
  let starts: [UInt128]?
  /// The levels of the value, most significant bit first.
  let levels: Range<Int>
  /// The outcomes of reading that the levels of ``outcomeLevels`` number; the first is a value.
  let outcomes: [FieldOutcomes]
  let outcomeLevels: Range<Int>
  /// Whether the field is a name for what chance or state decides; see ``ChanceNames``.
  let isChance: Bool

  init(_ field: Field, _ collected: FieldTests.Collected, _ family: Family, at level: Int) {
    self.field = field
    isChance = field.name.hasPrefix(ChanceNames.prefix)
    width = collected.width
    let ends = [Hook.prerouting, .input, .forward, .output, .postrouting].flatMap { field.values(at: $0, family) }
    var cuts = collected.cuts
    let greatest = width >= 128 ? UInt128.max : (1 << UInt128(width)) - 1
    for range in ends {
      cuts.insert(range.lowerBound)
      if range.upperBound < UInt128.max { cuts.insert(range.upperBound + 1) }
    }
    starts = collected.needsBits ? nil : [0] + cuts.filter { $0 > 0 && $0 <= greatest }.sorted()
    let count = !collected.hasValues ? 0 : starts.map { Self.bits(for: $0.count) } ?? width
    levels = level..<(level + count)
    // A transport field's outcome follows from the fragment and the room; see ``PacketSpace``.
    var outcomes: [FieldOutcomes] = [.value]
    if field.transportExtent == nil {
      // A value is unknown only to a run that lacks a fact. The kernel has it, and the same one for every rule.
      outcomes = [.value, .absent, .malformed, .doomed].filter { field.traits.outcomes.contains($0) }
    }
    self.outcomes = outcomes
    outcomeLevels = levels.upperBound..<(levels.upperBound + Self.bits(for: outcomes.count))
  }

  /// The first level after the field.
  var end: Int { outcomeLevels.upperBound }

  /// The number of bits for numbers below `count`.
  private static func bits(for count: Int) -> Int { count < 2 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount }

  /// The number of the interval of a value.
  func rank(of value: UInt128, in starts: [UInt128]) -> Int {
    var (low, high) = (0, starts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= value { low = middle } else { high = middle }
    }
    return low
  }

  /// The values that a code stands for.
  func values(of code: UInt128) -> ClosedRange<UInt128> {
    guard let starts else { return code...code }
    let rank = min(Int(clamping: code), starts.count - 1)
    let greatest = width >= 128 ? UInt128.max : (1 << UInt128(width)) - 1
    return starts[rank]...(rank + 1 < starts.count ? starts[rank + 1] - 1 : greatest)
  }
}
