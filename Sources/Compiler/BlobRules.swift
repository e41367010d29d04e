internal import Wire
package import XTables

/// Decodes the rules of a table one after the other, for those who do not need them all at once: decoded, they take twice the memory of
/// the entries.
package struct BlobRules: Sendable {
  private let blob: TableBlob
  private let decompiler: TableDecompiler
  private let chains: [BlobChain]
  /// The names of the chains, by the offset of their first entry.
  private let names: [Int: String]
  /// The offsets of the rules of each chain.
  private let ranges: [String: Range<Int>]

  /// - Throws: a ``DecompileError`` if the table has no valid chains.
  package init(_ blob: TableBlob, _ registry: Registry) throws(DecompileError) {
    self.blob = blob
    decompiler = TableDecompiler(registry: registry)
    chains = try blob.chains()
    names = Dictionary(chains.map { ($0.rules.lowerBound, $0.name) }) { first, _ in first }
    ranges = Dictionary(chains.map { ($0.name, $0.rules) }) { first, _ in first }
  }

  /// The table with its chains and policies, and of the rules only one for each chain to which a chain leads.
  package func outline() throws(DecompileError) -> Table {
    var table = Table(blob.name, blob.family)
    let layout = blob.layout
    for chain in chains where chain.hook == nil && !table.addChain(chain.name) {
      throw DecompileError(offset: chain.rules.lowerBound, "chain `\(chain.name)' stands twice")
    }
    for chain in chains {
      guard let index = table.index(of: chain.name) else { continue }
      var targets: Set<String> = []
      try blob.forEachEntry(in: chain.rules) { place in
        if layout.isStandard(place, in: blob.entries), let code = layout.verdict(of: place, in: blob.entries), code >= 0,
          Int(code) != place.end, let target = names[Int(code)]
        {
          targets.insert(target)
        }
      }
      table.update(at: index) {
        $0.rules = targets.sorted().map { Rule(target: .jump($0)) }
        guard chain.hook != nil else { return }
        $0.policy = chain.policy
        $0.counters = chain.counters
      }
    }
    return table
  }

  /// Passes the rules of a chain to `body` in order, with their places from 0.
  ///
  /// - Parameter isWanted: whether the rule of a place is decoded. The others are left out.
  /// - Throws: a ``DecompileError`` if the bytes of a rule are invalid.
  package func forEachRule(
    of chain: String, where isWanted: (Int) -> Bool, _ body: (Int, Rule) throws(DecompileError) -> Void
  ) throws(DecompileError) {
    guard let range = ranges[chain] else { return }
    let decoder = EntryDecoder(blob.entries, blob.layout)
    var number = 0
    try blob.forEachEntry(in: range) { place throws(DecompileError) in
      if isWanted(number) {
        try body(number, try decompiler.rule(try decoder.entry(place), place, chains: names, blob.family))
      }
      number += 1
    }
  }
}
