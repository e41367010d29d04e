import Conntrack
package import Netfilter
package import XTables

/// A chain of a blob: where its entries are.
package struct BlobChain: Sendable {
  /// The chain's name.
  package let name: String
  /// The hook of a built-in chain; nil for a user chain.
  package let hook: Hook?
  /// The offsets of the rules in bytes. The entry that ends the chain follows them.
  package let rules: Range<Int>
  /// The number of rules.
  package let ruleCount: Int
  /// The verdict at the end of the chain: the policy, or RETURN in a user chain.
  package let policy: StandardVerdict
  /// The counters of the entry that ends the chain.
  package let counters: Counters
}

extension TableBlob {
  /// The layout of the entries.
  package var layout: EntryLayout { EntryLayout(family) }

  /// Passes each entry in a range of offsets to `body`, in order.
  ///
  /// - Throws: a ``DecompileError`` at the first entry that is not whole, or what `body` throws.
  package func forEachEntry(
    in range: Range<Int>? = nil, _ body: (EntryExtent) throws(DecompileError) -> Void
  ) throws(DecompileError) {
    let layout = layout
    var at = range?.lowerBound ?? 0
    let end = range?.upperBound ?? entries.count
    while at < end {
      let place = try layout.entry(at: at, in: entries)
      try body(place)
      at = place.end
    }
  }

  /// The chains in the order of their entries. The matches of the rules are not checked.
  ///
  /// The corresponding C function is libiptc's `parse_table`.
  /// - Throws: a ``DecompileError`` if an entry is not whole, or belongs to no chain, or if the blob has not exactly the built-in chains
  ///   of its table.
  package func chains() throws(DecompileError) -> [BlobChain] {
    guard !entries.isEmpty else { throw DecompileError(offset: 0, "the blob is empty") }
    guard validHooks == name.hookMask.rawValue else {
      throw DecompileError(offset: 0, "the hooks are not those of table \(name.rawValue)")
    }
    var scan = ChainScan(self)
    try forEachEntry { place throws(DecompileError) in try scan.add(place) }
    return try scan.finish()
  }

  /// The counters of a chain's rules, in order.
  ///
  /// - Throws: a ``DecompileError`` if the chain is not one of this blob.
  package func ruleCounters(_ chain: BlobChain) throws(DecompileError) -> [Counters] {
    var counters: [Counters] = []
    try forEachEntry(in: chain.rules) { counters.append(layout.counters(of: $0, in: entries)) }
    return counters
  }

  /// The chain and the number, from 1, of the rule whose entry begins at an offset; nil if no rule's entry begins there.
  package func rule(at offset: Int) -> (chain: String, number: Int)? {
    guard let chain = try? chains().first(where: { $0.rules.contains(offset) }) else { return nil }
    var number = 0
    var isFound = false
    try? forEachEntry(in: chain.rules.lowerBound..<offset + 1) { place in
      number += 1
      isFound = place.start == offset
    }
    return isFound ? (chain.name, number) : nil
  }
}

/// Finds the chains while it is given the entries in order.
private struct ChainScan {
  private struct Open {
    let name: String
    let hook: Hook?
    let first: Int
    var count = 0
    var last: EntryExtent?
  }

  private let blob: TableBlob
  private let layout: EntryLayout
  /// The built-in chains that have not begun, by offset.
  private var hooks: ArraySlice<(offset: Int, hook: Hook)>
  private var open: Open?
  private var chains: [BlobChain] = []
  private var isEnded = false

  init(_ blob: TableBlob) {
    self.blob = blob
    layout = blob.layout
    hooks = blob.name.hooks.map { (Int(blob.hookEntries[$0.rawValue]), $0) }.sorted { $0.0 < $1.0 }[...]
  }

  mutating func add(_ place: EntryExtent) throws(DecompileError) {
    if let name = layout.errorName(of: place, in: blob.entries) {
      try close()
      if place.end == blob.entries.count {
        isEnded = true
      } else {
        open = Open(name: name, hook: nil, first: place.end)
      }
      return
    }
    if let next = hooks.first, next.offset <= place.start {
      guard next.offset == place.start else { throw missing(next) }
      hooks.removeFirst()
      try close()
      open = Open(name: next.hook.name, hook: next.hook, first: place.start)
    }
    guard open != nil else { throw DecompileError(offset: place.start, "is not part of a chain") }
    open?.count += 1
    open?.last = place
  }

  private mutating func close() throws(DecompileError) {
    guard let chain = open.take() else { return }
    guard let last = chain.last else { throw DecompileError(offset: chain.first, "chain `\(chain.name)' has no end") }
    guard layout.isStandard(last, in: blob.entries), let code = layout.verdict(of: last, in: blob.entries),
      let policy = StandardVerdict(code: code)
    else { throw DecompileError(offset: last.start, "chain `\(chain.name)' does not end in a policy") }
    chains.append(
      BlobChain(
        name: chain.name, hook: chain.hook, rules: chain.first..<last.start, ruleCount: chain.count - 1, policy: policy,
        counters: layout.counters(of: last, in: blob.entries)))
  }

  private func missing(_ chain: (offset: Int, hook: Hook)) -> DecompileError {
    DecompileError(offset: chain.offset, "\(chain.hook.name) begins at no entry")
  }

  mutating func finish() throws(DecompileError) -> [BlobChain] {
    if let chain = hooks.first { throw missing(chain) }
    guard isEnded else { throw DecompileError(offset: 0, "starts a table that does not end with an error entry") }
    return chains
  }
}
