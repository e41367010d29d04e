import Diagnostics

/// The return stack of a table: the entries at which packets continue behind the jumps that led to the current chain.
struct JumpStack {
  /// Most packets are in few chains at once; for these nothing is allocated.
  private static let near = 16

  private var first = InlineArray<16, Int32>(repeating: 0)
  private var rest: [Int32] = []
  private(set) var depth = 0
  /// The number of jumps still allowed in the table.
  private var jumpsLeft = Limits.jumpsOfPacket

  mutating func reset() {
    depth = 0
    jumpsLeft = Limits.jumpsOfPacket
  }

  /// True if the packet has used up ``Limits/jumpsOfPacket``.
  var isSpent: Bool { jumpsLeft <= 0 }

  /// Adds an entry. Returns false, without a change, if the stack has `limit` entries or the packet may not jump any more.
  mutating func push(_ entry: Int, limit: Int) -> Bool {
    jumpsLeft &-= 1
    guard depth < limit, jumpsLeft > 0 else { return false }
    let entry = Int32(truncatingIfNeeded: entry)
    let far = depth - Self.near
    if far < 0 {
      first[depth] = entry
    } else if far < rest.count {
      rest[far] = entry
    } else {
      rest.append(entry)
    }
    depth += 1
    return true
  }

  /// Takes the last entry; nil if there is none.
  mutating func pop() -> Int? {
    guard depth > 0 else { return nil }
    depth -= 1
    return Int(depth < Self.near ? first[depth] : rest[depth - Self.near])
  }
}
