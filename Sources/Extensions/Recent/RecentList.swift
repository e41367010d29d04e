import Wire
import XTables

/// A list of `recent`: addresses with the times at which they were seen. The corresponding kernel structure is `recent_table`.
struct RecentList {
  private struct Entry {
    let address: IPAddress
    var ttl: UInt8
    /// A ring buffer of ticks.
    var stamps: [UInt64]
    /// The index of the next entry in the ring.
    var next: Int

    var last: UInt64 { stamps[next - 1] }
  }

  /// `ip_list_tot`: the maximum number of addresses of a list.
  private static let capacity = 100

  private let mask: InetAddress
  /// The addresses, least recently seen first.
  private var entries: [Entry] = []
  /// The number of timestamps per address: a power of two.
  private var room = 32

  init(mask: InetAddress) { self.mask = mask }

  mutating func reserve(hits: Int) {
    while room < hits { room *= 2 }
  }

  mutating func decide(_ info: RecentMatch.Info, _ address: IPAddress, _ family: Family, ttl: UInt8, _ now: UInt64) -> Bool {
    typealias Bit = RecentMatch.Bit
    let masked = IPAddress(family: family, bits: address.bits & mask.bits(family))
    let wanted = info.operation & Bit.ttl != 0 ? ttl : 0
    var result = info.invert != 0
    guard let index = entries.firstIndex(where: { $0.address == masked && ($0.ttl == wanted || wanted == 0 || $0.ttl == 0) })
    else {
      guard info.operation & Bit.set != 0 else { return result }
      if entries.count >= Self.capacity { entries.removeFirst() }
      entries.append(Entry(address: masked, ttl: ttl, stamps: [now], next: 1))
      return !result
    }
    switch info.operation & Bit.operations {
    case Bit.set: result.toggle()
    case Bit.remove:
      entries.remove(at: index)
      return !result
    default:
      let window = UInt64(info.seconds) * KernelTicks.perSecond
      let hits = entries[index].stamps.count { info.seconds == 0 || $0 &+ window >= now }
      if hits > 0, hits >= info.hits { result.toggle() }
      let updates = info.operation & Bit.update != 0 && result
      if info.operation & Bit.reap != 0, !(updates && index == 0), entries[0].last &+ window < now {
        entries.removeFirst()
        if index == 0 { return result }
        if updates { touch(index - 1, ttl, now) }
        return result
      }
      guard updates else { return result }
    }
    touch(index, ttl, now)
    return result
  }

  /// Records that an address was seen, and moves it to the end. The corresponding kernel function is `recent_entry_update`.
  private mutating func touch(_ index: Int, _ ttl: UInt8, _ now: UInt64) {
    var entry = entries.remove(at: index)
    entry.next &= room - 1
    if entry.next < entry.stamps.count { entry.stamps[entry.next] = now } else { entry.stamps.append(now) }
    entry.next += 1
    entry.ttl = ttl
    entries.append(entry)
  }
}
