/// Bob Jenkins' lookup3 over 32-bit words. The kernel uses it to distribute flows over queues, addresses and marks.
///
/// The corresponding kernel functions are `jhash2` and `jhash_3words`.
public enum JenkinsHash {
  private static let start: UInt32 = 0xdead_beef

  /// `jhash2`: any number of words.
  public static func words(_ words: some RandomAccessCollection<UInt32>, initial: UInt32 = 0) -> UInt32 {
    var rest = words[...]
    let base = start &+ UInt32(truncatingIfNeeded: words.count) << 2 &+ initial
    var state = State(a: base, b: base, c: base)
    while rest.count > 3 {
      state.add(rest.prefix(3))
      state.mix()
      rest = rest.dropFirst(3)
    }
    guard !rest.isEmpty else { return state.c }
    state.add(rest)
    state.finish()
    return state.c
  }

  /// `jhash_3words`: equal to ``words(_:initial:)`` over three words.
  public static func words(_ a: UInt32, _ b: UInt32, _ c: UInt32, initial: UInt32) -> UInt32 {
    words([a, b, c], initial: initial)
  }

  private struct State {
    var a: UInt32
    var b: UInt32
    var c: UInt32

    mutating func add(_ words: some RandomAccessCollection<UInt32>) {
      for (index, word) in words.enumerated() {
        switch index {
        case 0: a &+= word
        case 1: b &+= word
        default: c &+= word
        }
      }
    }

    mutating func mix() {
      Self.step(&a, &c, b, 4)
      Self.step(&b, &a, c, 6)
      Self.step(&c, &b, a, 8)
      Self.step(&a, &c, b, 16)
      Self.step(&b, &a, c, 19)
      Self.step(&c, &b, a, 4)
    }

    private static func step(_ x: inout UInt32, _ y: inout UInt32, _ z: UInt32, _ turn: UInt32) {
      x &-= y
      x ^= rotated(y, turn)
      y &+= z
    }

    mutating func finish() {
      Self.fold(&c, b, 14)
      Self.fold(&a, c, 11)
      Self.fold(&b, a, 25)
      Self.fold(&c, b, 16)
      Self.fold(&a, c, 4)
      Self.fold(&b, a, 14)
      Self.fold(&c, b, 24)
    }

    private static func fold(_ x: inout UInt32, _ y: UInt32, _ turn: UInt32) {
      x ^= y
      x &-= rotated(y, turn)
    }

    private static func rotated(_ word: UInt32, _ turn: UInt32) -> UInt32 { word << turn | word >> (32 - turn) }
  }
}
