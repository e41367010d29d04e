public import Wire
internal import CNetfilter

/// A table as libiptc knows it: chains with rules, whose jumps name chains.
public struct KernelTable: Sendable, Equatable {
  public var family: AddressFamily
  public var name: String
  public var chains: [KernelChain]

  public init(family: AddressFamily, name: String, chains: [KernelChain]) {
    self.family = family
    self.name = name
    self.chains = chains
  }

  public subscript(chain name: String) -> KernelChain? { chains.first { $0.name == name } }
}

/// A chain of a table: a built-in one when it has a policy.
public struct KernelChain: Sendable, Equatable {
  public enum Policy: String, Sendable, Equatable { case accept = "ACCEPT", drop = "DROP" }
  public var name: String
  /// Nil for a chain of the user's.
  public var policy: Policy?
  /// Those of the policy.
  public var counters: KernelCounters
  public var rules: [KernelRule]

  public init(name: String, policy: Policy? = nil, counters: KernelCounters = KernelCounters(), rules: [KernelRule] = []) {
    self.name = name
    self.policy = policy
    self.counters = counters
    self.rules = rules
  }
}

/// Packets and bytes. The corresponding kernel structure is `xt_counters`.
public struct KernelCounters: Sendable, Hashable {
  public var packets: UInt64
  public var bytes: UInt64

  public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
    self.packets = packets
    self.bytes = bytes
  }
}

/// A rule: an `ipt_entry` or `ip6t_entry` with its matches and its target, byte for byte.
public struct KernelRule: Sendable, Equatable {
  /// The entry. In a standard target the verdict and the name are zero; `jump` says where it leads.
  public var entry: [UInt8]
  /// For a standard target: a verdict (`ACCEPT`, `DROP`, `QUEUE`, `RETURN`) or a chain; nil goes on with the next rule, and for
  /// every other target.
  public var jump: String?
  /// A byte for each of the entry, 0 where the kernel keeps something of its own and the bytes of a reading mean nothing. All
  /// bytes count when it is nil.
  public var mask: [UInt8]?

  public init(entry: [UInt8], jump: String? = nil, mask: [UInt8]? = nil) {
    self.entry = entry
    self.jump = jump
    self.mask = mask
  }

  /// Whether a rule read back is this one: the same bytes under this rule's mask, counters aside.
  public func agrees(with other: KernelRule, family: AddressFamily) -> Bool {
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

/// Where the fields of `ipt_entry` and `ip6t_entry` stand.
struct EntryLayout {
  let size: Int
  let targetOffset: Int
  let nextOffset: Int
  let counters: Int
  /// `comefrom`, in which the kernel notes what it found while it checked the table.
  let scratch: Range<Int>
  /// `sizeof(struct xt_standard_target)`, and where its verdict stands.
  static let standardTargetSize = 40, verdict = 32
  /// Where the name stands in a match's or target's header, and how long it may be with its final zero.
  static let name = 2, nameLength = 29

  init(_ family: AddressFamily) {
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
  /// The counters in the entry; zeros when it is too short to have any.
  public func counters(_ family: AddressFamily) -> KernelCounters {
    let at = EntryLayout(family).counters
    return KernelCounters(packets: entry.hostWord(UInt64.self, at: at) ?? 0, bytes: entry.hostWord(UInt64.self, at: at + 8) ?? 0)
  }

  /// Sets the counters in the entry.
  public mutating func setCounters(_ counters: KernelCounters, _ family: AddressFamily) {
    let at = EntryLayout(family).counters
    entry.setHostWord(counters.packets, at: at)
    entry.setHostWord(counters.bytes, at: at + 8)
  }
}
