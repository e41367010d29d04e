internal import Wire
package import XTables

/// What identifies the entries of a table: their chain and content, without counters, offsets, and the bytes that the kernel uses for
/// itself. Two tables can so be compared whoever loaded them.
package struct EntryKeys: Sendable {
  /// The identity of one entry.
  package struct Key: Hashable, Sendable {
    /// The chain of the entry; empty for the entry that ends the table.
    package let chain: String
    /// The entry's bytes, and the name of the chain that it jumps to.
    fileprivate let content: [UInt8]
  }

  /// The keys in the order of the entries.
  package let keys: [Key]

  /// - Parameter registry: knows which bytes of a match or target the kernel uses for itself.
  /// - Throws: a ``DecompileError`` if the entries are not those of a table.
  package init(_ blob: TableBlob, _ registry: Registry) throws(DecompileError) {
    var keys: [Key] = []
    keys.reserveCapacity(blob.entryCount)
    try Self.forEachKey(of: blob, registry) { _, key in keys.append(key()) }
    self.keys = keys
  }

  /// Passes the place of each entry to `body`, with a function that makes its key.
  private static func forEachKey(
    of blob: TableBlob, _ registry: Registry, _ body: (EntryExtent, () -> Key) -> Void
  ) throws(DecompileError) {
    let chains = try blob.chains()
    let starts = Dictionary(chains.map { ($0.rules.lowerBound, $0.name) }) { first, _ in first }
    var masks = EntryMasks(blob.family, registry)
    var rest = chains[...]
    try blob.forEachEntry { place in
      while let chain = rest.first, chain.rules.upperBound < place.start { rest.removeFirst() }
      body(place) {
        if let name = blob.layout.errorName(of: place, in: blob.entries) {
          return Key(chain: place.end == blob.entries.count ? "" : name, content: [])
        }
        return Key(chain: rest.first?.name ?? "", content: content(of: place, in: blob, starts, &masks))
      }
    }
  }

  private static func content(
    of place: EntryExtent, in blob: TableBlob, _ chains: [Int: String], _ masks: inout EntryMasks
  ) -> [UInt8] {
    let layout = blob.layout
    var entry = Array(blob.entries[place.start..<place.end])
    for index in Array(layout.comeFrom) + Array(layout.counters) { entry[index] = 0 }
    if layout.isStandard(place, in: blob.entries), let code = layout.verdict(of: place, in: blob.entries), code >= 0 {
      let at = place.target - place.start + EntryLayout.extensionHeader
      for index in at..<at + 4 { entry[index] = 0 }
      if Int(code) != place.end { entry += Array((chains[Int(code)] ?? "\(code)").utf8) }
    }
    if let mask = masks.mask(of: Array(entry.prefix(place.end - place.start)), layout) {
      for index in mask.indices { entry[index] &= mask[index] }
    }
    return entry
  }

  /// Whether two tables have the same chains, in whatever order, with the same rules and policies.
  package static func areSame(_ left: TableBlob, _ right: TableBlob, _ registry: Registry) throws(DecompileError) -> Bool {
    guard left.entryCount == right.entryCount else { return false }
    let (left, right) = (try EntryKeys(left, registry).keys, try EntryKeys(right, registry).keys)
    return left == right || Dictionary(grouping: left, by: \.chain) == Dictionary(grouping: right, by: \.chain)
  }

  /// For each entry of a table, the position of the same entry in another table; nil if it has none. The first of equal entries is the first
  /// of the other table's.
  package static func sources(
    of table: TableBlob, in other: TableBlob, _ registry: Registry
  ) throws(DecompileError) -> [Int?] {
    var waiting: [Key: [Int]] = [:]
    // An entry of another size is another one: most entries of a new table need no key where the old one has few.
    var sizes: Set<Int> = []
    var index = 0
    var found: [(key: Key, index: Int)] = []
    try forEachKey(of: other, registry) { place, key in
      sizes.insert(place.end - place.start)
      found.append((key(), index))
      index += 1
    }
    for (key, index) in found.reversed() { waiting[key, default: []].append(index) }
    var sources: [Int?] = []
    sources.reserveCapacity(table.entryCount)
    try forEachKey(of: table, registry) { place, key in
      sources.append(sizes.contains(place.end - place.start) ? waiting[key()]?.popLast() : nil)
    }
    return sources
  }
}

/// The masks of entries by the kinds of their matches and target, on which alone they depend.
private struct EntryMasks {
  private let family: Family
  private let decompiler: TableDecompiler
  private var known: [[UInt8]: [UInt8]?] = [:]

  init(_ family: Family, _ registry: Registry) {
    self.family = family
    decompiler = TableDecompiler(registry: registry)
  }

  mutating func mask(of entry: [UInt8], _ layout: EntryLayout) -> [UInt8]? {
    let kinds = Self.kinds(in: entry, layout)
    if let mask = known[kinds] { return mask }
    let rule = try? decompiler.decompile(entry, label: "", family)
    let mask = rule.flatMap { EntryEncoder(family: family).mask($0) }.flatMap { $0.count == entry.count ? $0 : nil }
    known[kinds] = mask
    return mask
  }

  /// The headers of the matches and of the target: size, name and revision.
  private static func kinds(in entry: [UInt8], _ layout: EntryLayout) -> [UInt8] {
    var kinds: [UInt8] = []
    var at = layout.size
    while at + EntryLayout.extensionHeader <= entry.count, let size = entry.word(UInt16.self, at: at),
      Int(size) >= EntryLayout.extensionHeader
    {
      kinds += entry[at..<at + EntryLayout.extensionHeader]
      at += Int(size)
    }
    return kinds
  }
}
