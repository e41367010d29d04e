import XTables

/// The properties of a packet by which the rules of a long chain are found. Each is a number of 32 bits, called its code.
enum IndexDimension {
  /// The addresses: an IPv4 address is its own code, an IPv6 address has its rank among those that the rules name.
  static let source = 0
  static let destination = 1
  /// The first two halves of the transport header: ports, or type and code of ICMP.
  static let firstHalf = 2
  static let secondHalf = 3
  static let `protocol` = 4
  /// The interfaces: the rank of the name among those that the rules name.
  static let input = 5
  static let output = 6
  static let count = 7
}

/// The codes of a packet, by dimension.
typealias PacketCodes = InlineArray<7, UInt32>

/// Codes from `low` to `high`.
struct CodeRange: BitwiseCopyable, Sendable {
  var low: UInt32
  var high: UInt32

  static let all = CodeRange(low: 0, high: .max)

  /// The codes in both ranges, which must overlap.
  func clipped(to other: CodeRange) -> CodeRange { CodeRange(low: max(low, other.low), high: min(high, other.high)) }
}

/// The order of numbers of 128 bits, so that the numbers of an interval have a range of ranks.
struct Ranks: Sendable {
  /// In ascending order: where intervals begin, and the first numbers behind their ends.
  private var starts: [UInt128] = []

  /// - Parameter intervals: those that have a range of ranks of their own.
  init(_ intervals: some Sequence<MatchBounds.Interval>) {
    for interval in intervals where !interval.isEmpty {
      if interval.low > 0 { starts.append(interval.low) }
      if interval.high < .max { starts.append(interval.high + 1) }
    }
    starts.sort()
    var count = 0
    for start in starts where count == 0 || starts[count - 1] != start {
      starts[count] = start
      count += 1
    }
    starts = Array(starts.prefix(count))
  }

  /// The bytes that it occupies.
  var size: Int { starts.capacity * 16 }

  /// How many starts are not greater than a number.
  func rank(_ number: UInt128) -> UInt32 {
    var (low, high) = (0, starts.count)
    while low < high {
      let middle = (low &+ high) >> 1
      if starts[middle] <= number { low = middle &+ 1 } else { high = middle }
    }
    return UInt32(truncatingIfNeeded: low)
  }

  /// The ranks of the numbers of one of the intervals.
  func range(_ interval: MatchBounds.Interval) -> CodeRange {
    let high = rank(interval.high)
    return CodeRange(low: rank(interval.low), high: high == starts.count ? .max : high)
  }
}
