public import Wire

/// An ipset. The corresponding kernel structure is `ip_set`.
public struct AddressSet: Sendable {
  /// The data of one element besides its values.
  public struct Entry: Sendable, Hashable {
    /// When the element expires, in nanoseconds on the world's clock; nil if it does not.
    public var expires: UInt64?
    /// Whether the element is an exception (`nomatch`): what it covers is not in the set.
    public var isException = false
    /// The number of packets that matched the element.
    public var packets: UInt64 = 0
    /// The number of bytes of those packets.
    public var bytes: UInt64 = 0
    /// The mark that `SET --map-set` gives to a packet (`skbmark`).
    public var mark: UInt32 = 0
    /// The bits of the packet's mark that `mark` replaces.
    public var markMask: UInt32 = 0
    /// The priority that `SET --map-set` gives to a packet (`skbprio`).
    public var priority: UInt32 = 0
    /// The hardware queue that `SET --map-set` gives to a packet (`skbqueue`).
    public var queue: UInt16 = 0
    /// Whether the interface name of the element is a prefix (`wildcard`).
    public var isWildcard = false

    /// Creates the data of an element that does not expire and has counted nothing.
    public init() {}
  }

  /// The result of a look-up.
  public enum Answer: Sendable, Hashable {
    /// No element covers the values.
    case absent
    /// An element covers the values.
    case present(Entry)
    /// An exception covers the values.
    case excepted(Entry)
  }

  /// The name: at most 31 bytes.
  public internal(set) var name: String
  /// The type, which decides what the elements are made of.
  public let type: AddressSetType
  /// The family of the addresses; nil for sets of ports, hardware addresses and sets.
  public let family: Family?
  /// The bits of an address that are compared; not all with `netmask` or `bitmask`.
  public var mask: UInt128 = .max
  /// The bits of a mark that are compared (`markmask`).
  public var markMask: UInt32 = .max
  /// The default time to live of elements in seconds; nil if the set has no timeouts.
  public var timeout: UInt32?
  /// Whether elements count packets and bytes (`counters`).
  public var countsPackets = false
  /// Whether elements have a mark, priority and queue (`skbinfo`). Kernel: `IPSET_FLAG_WITH_SKBINFO`.
  public var carriesPacketInfo = false
  /// Whether a full set removes an element to add a new one (`forceadd`). Kernel: `IPSET_FLAG_WITH_FORCEADD`.
  public var forcesAdding = false
  /// Whether elements may have comments. Kernel: `IPSET_FLAG_WITH_COMMENT`.
  public var keepsComments = false
  /// The comments of elements, without quotes.
  public private(set) var comments: [[AddressSetValue]: String] = [:]
  /// The size of the hash table at the beginning (`hashsize`), or the room for members of a `list:set` (`size`); nil for the kernel's own.
  public var size: UInt32?
  /// The largest number of elements (`maxelem`).
  public var capacity = 65536
  /// The range of values of a bitmap.
  public var range: ClosedRange<UInt128> = 0...UInt128.max
  /// A set in a `list:set`. Kernel: `set_elem`.
  public struct Member: Sendable, Hashable {
    /// The name of the set.
    public let name: String
    /// The data that the list stores for it, such as the list's own counters.
    public var entry: Entry

    /// Creates a member.
    public init(_ name: String, _ entry: Entry) {
      self.name = name
      self.entry = entry
    }
  }

  /// The members of a `list:set` in order.
  public var members: [Member] = []
  /// The names of the members of a `list:set` in order.
  public var memberNames: [String] { members.map(\.name) }
  private var entries: [[AddressSetValue]: Entry] = [:]
  /// The number of elements with each prefix length, by dimension.
  private var prefixes: [[Int: Int]]

  /// Creates an empty set. `family` is nil for a type without addresses.
  public init(name: String, type: AddressSetType, family: Family?) {
    self.name = name
    self.type = type
    self.family = family
    prefixes = Array(repeating: [:], count: type.dimensions.count)
  }

  /// The number of elements, expired ones included.
  public var count: Int { entries.count }

  /// All elements, in no particular order.
  public var elements: [(values: [AddressSetValue], entry: Entry)] { entries.map { ($0.key, $0.value) } }

  /// The element with exactly these values; nil if there is none.
  public func entry(_ values: [AddressSetValue]) -> Entry? { entries[values] }

  /// Adds or replaces an element. Returns false if the set is full.
  @discardableResult
  public mutating func insert(_ values: [AddressSetValue], _ entry: Entry) -> Bool {
    if entries[values] == nil {
      guard entries.count < capacity else { return false }
      countPrefixes(values, 1)
    }
    entries[values] = entry
    return true
  }

  /// Sets the comment of an element.
  public mutating func comment(_ values: [AddressSetValue], _ text: String) { comments[values] = text }

  /// Removes the element with exactly these values, if there is one.
  public mutating func remove(_ values: [AddressSetValue]) {
    comments[values] = nil
    if entries.removeValue(forKey: values) != nil { countPrefixes(values, -1) }
  }

  private mutating func countPrefixes(_ values: [AddressSetValue], _ change: Int) {
    for (index, value) in values.enumerated() {
      guard case .network(_, let prefix) = value, type.dimensions[index] == .network else { continue }
      prefixes[index][prefix, default: 0] += change
      if prefixes[index][prefix] == 0 { prefixes[index][prefix] = nil }
    }
  }

  /// The element that covers the values; of several networks the narrowest. The corresponding kernel function is
  /// `mtype_test_cidrs`.
  public func lookUp(_ values: [AddressSetValue], now: UInt64) -> (values: [AddressSetValue], answer: Answer) {
    for candidate in candidates(values) {
      guard let entry = entries[candidate], entry.expires.map({ $0 > now }) ?? true else { continue }
      return (candidate, entry.isException ? .excepted(entry) : .present(entry))
    }
    return (values, .absent)
  }

  /// The values with every prefix length of the set in the dimensions that are networks.
  private func candidates(_ values: [AddressSetValue]) -> [[AddressSetValue]] {
    var found: [[AddressSetValue]] = [[]]
    for (index, value) in values.enumerated() {
      guard case .network(let bits, _) = value, type.dimensions[index] == .network, let family else {
        found = found.map { $0 + [value] }
        continue
      }
      let lengths = prefixes[index].keys.sorted(by: >)
      found = found.flatMap { head in
        lengths.map { head + [.network(bits & AddressMask.mask(prefix: $0, family), prefix: $0)] }
      }
    }
    return found
  }

  /// The prefix length with which an address of a packet is added: the longest in the set, or all bits.
  func addedPrefix(_ dimension: Int) -> Int {
    let bits = family?.addressBits ?? 128
    return type.dimensions[dimension] == .network ? prefixes[dimension].keys.max() ?? bits : bits
  }
}
