internal import CNetfilter
public import Wire

/// A table as libiptc presents it: chains with rules whose jumps name chains.
public struct KernelTable: Sendable, Equatable {
  /// The family of the table.
  public var family: Family
  /// The table's name, such as `filter`.
  public var name: String
  /// The chains: the built-in ones by hook, then the user's.
  public var chains: [KernelChain]

  /// Creates a table from chains in the order in which they are to be created.
  public init(family: Family, name: String, chains: [KernelChain]) {
    self.family = family
    self.name = name
    self.chains = chains
  }

  /// The chain of this name, if the table has one.
  public subscript(chain name: String) -> KernelChain? { chains.first { $0.name == name } }
}

/// A chain of a table. A built-in chain has a policy.
public struct KernelChain: Sendable, Equatable {
  /// The verdict at the end of a built-in chain.
  public enum Policy: String, Sendable, Equatable {
    case accept = "ACCEPT"
    case drop = "DROP"
  }
  /// The chain's name, at most 31 bytes.
  public var name: String
  /// The policy of a built-in chain; nil for a user's chain.
  public var policy: Policy?
  /// The policy's counters.
  public var counters: KernelCounters
  /// The rules, in order.
  public var rules: [KernelRule]

  /// Creates a chain; without a policy, a user's chain.
  public init(name: String, policy: Policy? = nil, counters: KernelCounters = KernelCounters(), rules: [KernelRule] = []) {
    self.name = name
    self.policy = policy
    self.counters = counters
    self.rules = rules
  }
}

/// Packets and bytes. The corresponding kernel structure is `xt_counters`.
public struct KernelCounters: Sendable, Hashable {
  /// Packets counted.
  public var packets: UInt64
  /// Bytes counted, from the IP header on.
  public var bytes: UInt64

  /// Creates counters, 0 by default.
  public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
    self.packets = packets
    self.bytes = bytes
  }
}

/// A rule: an `ipt_entry` or `ip6t_entry` with its matches and its target, byte for byte.
public struct KernelRule: Sendable, Equatable {
  /// The entry. In a standard target, verdict and name are zero and `jump` holds the destination.
  public var entry: [UInt8]
  /// For a standard target: a verdict (`ACCEPT`, `DROP`, `QUEUE`, `RETURN`) or a chain. Nil continues with the next rule; also nil for
  /// every other target.
  public var jump: String?
  /// One byte for each byte of the entry: 0 if the kernel uses the byte for itself, so that its value is ignored. If nil, all bytes count.
  public var mask: [UInt8]?

  /// Creates a rule from an entry's bytes.
  public init(entry: [UInt8], jump: String? = nil, mask: [UInt8]? = nil) {
    self.entry = entry
    self.jump = jump
    self.mask = mask
  }

  /// True if a rule that was read back equals this one: the same bytes under this rule's mask, without counters.
  public func agrees(with other: KernelRule, family: Family) -> Bool {
    guard jump == other.jump, entry.count == other.entry.count, mask.map({ $0.count == entry.count }) ?? true else { return false }
    let layout = EntryLayout(family)
    let counters = layout.counters..<(layout.counters + 16)
    return entry.indices.allSatisfy { index in
      let significant = mask?[index] ?? 0xFF
      return entry[index] & significant == other.entry[index] & significant || counters.contains(index)
        || layout.scratch.contains(index)
    }
  }
}

/// The offsets of the fields in `ipt_entry` and `ip6t_entry`.
struct EntryLayout {
  let size: Int
  let targetOffset: Int
  let nextOffset: Int
  let counters: Int
  /// `comefrom`: the kernel's scratch field for its check of the table.
  let scratch: Range<Int>
  /// `sizeof(struct xt_standard_target)`, and the offset of its verdict.
  static let standardTargetSize = 40, verdict = 32
  /// The offset of the name in a match's or target's header, and its greatest length with the final zero.
  static let name = 2, nameLength = 29

  init(_ family: Family) {
    switch family {
    case .ipv4:
      size = MemoryLayout<ipt_entry>.size
      targetOffset = MemoryLayout<ipt_entry>.offset(of: \.target_offset) ?? 88
    case .ipv6:
      size = MemoryLayout<ip6t_entry>.size
      targetOffset = MemoryLayout<ip6t_entry>.offset(of: \.target_offset) ?? 140
    }
    nextOffset = targetOffset + 2
    counters = size - 16
    scratch = (targetOffset + 4)..<(targetOffset + 8)
  }
}

extension KernelRule {
  /// The counters in the entry; 0 if the entry is too short.
  public func counters(_ family: Family) -> KernelCounters {
    let at = EntryLayout(family).counters
    return KernelCounters(packets: entry.hostWord(UInt64.self, at: at) ?? 0, bytes: entry.hostWord(UInt64.self, at: at + 8) ?? 0)
  }

  /// Sets the counters in the entry.
  public mutating func setCounters(_ counters: KernelCounters, _ family: Family) {
    let at = EntryLayout(family).counters
    entry.setHostWord(counters.packets, at: at)
    entry.setHostWord(counters.bytes, at: at + 8)
  }
}
