/// A small random generator (splitmix64). Its whole state is its seed, so that a run can be repeated byte for byte.
public struct SeededRandom: RandomNumberGenerator, Equatable, Sendable {
  private var state: UInt64

  /// Creates a generator. The same seed gives the same numbers.
  public init(seed: UInt64) { state = seed }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
