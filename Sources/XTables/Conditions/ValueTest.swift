/// A test of one field's value.
public enum ValueTest: Sendable, Hashable {
  /// The value is within the range.
  case range(ClosedRange<UInt128>)
  /// `field & mask == value`.
  case masked(value: UInt128, mask: UInt128)

  /// Whether a value passes.
  public func holds(for value: UInt128) -> Bool {
    switch self {
    case .range(let range): range.contains(value)
    case .masked(let wanted, let mask): value & mask == wanted
    }
  }

  /// The least value of a range that passes; nil if none does.
  public func leastHolding(in range: ClosedRange<UInt128>) -> UInt128? {
    let least: UInt128? =
      switch self {
      case .range(let wanted): wanted.upperBound < range.lowerBound ? nil : max(wanted.lowerBound, range.lowerBound)
      case .masked(let value, let mask): Self.least(from: range.lowerBound, value, mask: mask)
      }
    return least.flatMap { range.contains($0) ? $0 : nil }
  }

  /// Whether some value of a range does not pass.
  public func mayFail(in range: ClosedRange<UInt128>) -> Bool {
    if !holds(for: range.lowerBound) || !holds(for: range.upperBound) { return true }
    guard case .masked(_, let mask) = self else { return false }
    // From the highest bit in which the ends differ downwards, the values between them have every pattern.
    let difference = range.lowerBound ^ range.upperBound
    return difference != 0 && mask & (UInt128.max >> UInt128(difference.leadingZeroBitCount)) != 0
  }

  /// The least number not below `start` whose bits under a mask equal `value`; nil if there is none.
  private static func least(from start: UInt128, _ value: UInt128, mask: UInt128) -> UInt128? {
    guard value & ~mask == 0 else { return nil }
    let nearest = value | start & ~mask
    let difference = nearest ^ start
    guard difference != 0 else { return nearest }
    let highest = UInt128(1) << UInt128(127 - difference.leadingZeroBitCount)
    // Greater than `start`: the free bits below the first difference are zero in the least number.
    if nearest > start { return value | start & ~mask & ~(highest - 1) }
    // Less than `start`: a free bit above the first difference must be set.
    let free = ~mask & ~start & ~(highest | (highest - 1))
    guard free != 0 else { return nil }
    let carry = UInt128(1) << UInt128(free.trailingZeroBitCount)
    return value | (start | carry) & ~mask & ~(carry - 1)
  }
}
