public import Wire

/// An ipset: elements that packets are looked up by. The corresponding kernel structure is `ip_set`.
public struct AddressSet: Sendable {
  /// What is known of one element besides its values.
  public struct Entry: Sendable, Hashable {
    /// Nanoseconds on the world's clock; nothing where it stays.
    public var expires: UInt64?
    /// An exception: what it covers is not in the set.
    public var isException = false
    public var packets: UInt64 = 0
    public var bytes: UInt64 = 0
    /// What `SET --map-set` gives a packet.
    public var mark: UInt32 = 0
    public var markMask: UInt32 = 0
    public var priority: UInt32 = 0
    public var queue: UInt16 = 0
    /// The interface's name stands for all that begin so.
    public var isWildcard = false

    public init() {}
  }

  /// What a look-up found.
  public enum Answer: Sendable, Hashable {
    case absent
    case present(Entry)
    /// An exception covers it.
    case excepted(Entry)
  }

  public let name: String
  public let type: AddressSetType
  /// Nothing for sets of ports, hardware addresses and sets.
  public let family: AddressFamily?
  /// The bits of an address that count; all but for `netmask` and `bitmask`.
  public var mask: UInt128 = .max
  public var markMask: UInt32 = .max
  /// Seconds an element stays where nothing else is said; nothing where the set has no timeouts.
  public var timeout: UInt32?
  public var countsPackets = false
  /// Elements have what `SET --map-set` gives a packet. Kernel: `IPSET_FLAG_WITH_SKBINFO`.
  public var carriesPacketInfo = false
  /// A full set gives up an element for a new one. Kernel: `IPSET_FLAG_WITH_FORCEADD`.
  public var forcesAdding = false
  public var capacity = 65536
  /// The only numbers a bitmap holds.
  public var range: ClosedRange<UInt128> = 0...UInt128.max
  /// The members of a `list:set`, in their order.
  public var members: [String] = []
  private var entries: [[AddressSetValue]: Entry] = [:]
  /// How many elements have networks of each length, by dimension.
  private var prefixes: [[Int: Int]]

  public init(name: String, type: AddressSetType, family: AddressFamily?) {
    self.name = name
    self.type = type
    self.family = family
    prefixes = Array(repeating: [:], count: type.dimensions.count)
  }

  public var count: Int { entries.count }

  /// All elements, in no order.
  public var elements: [(values: [AddressSetValue], entry: Entry)] { entries.map { ($0.key, $0.value) } }

  public func entry(_ values: [AddressSetValue]) -> Entry? { entries[values] }

  /// Adds or replaces an element. False where the set is full.
  @discardableResult
  public mutating func insert(_ values: [AddressSetValue], _ entry: Entry) -> Bool {
    if entries[values] == nil {
      guard entries.count < capacity else { return false }
      countPrefixes(values, 1)
    }
    entries[values] = entry
    return true
  }

  public mutating func remove(_ values: [AddressSetValue]) {
    if entries.removeValue(forKey: values) != nil { countPrefixes(values, -1) }
  }

  private mutating func countPrefixes(_ values: [AddressSetValue], _ change: Int) {
    for (index, value) in values.enumerated() {
      guard case .network(_, let prefix) = value, type.dimensions[index] == .network else { continue }
      prefixes[index][prefix, default: 0] += change
      if prefixes[index][prefix] == 0 { prefixes[index][prefix] = nil }
    }
  }

  /// The element that covers the values, the narrowest network first. The corresponding kernel function is
  /// `mtype_test_cidrs`.
  public func lookUp(_ values: [AddressSetValue], now: UInt64) -> (values: [AddressSetValue], answer: Answer) {
    for candidate in candidates(values) {
      guard let entry = entries[candidate], entry.expires.map({ $0 > now }) ?? true else { continue }
      return (candidate, entry.isException ? .excepted(entry) : .present(entry))
    }
    return (values, .absent)
  }

  /// The values with every length of network the set holds in the places of networks.
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

  /// The length of network an address of a packet is added with: the longest there is, or all of it.
  func addedPrefix(_ dimension: Int) -> Int {
    let bits = family?.addressBits ?? 128
    return type.dimensions[dimension] == .network ? prefixes[dimension].keys.max() ?? bits : bits
  }
}
