public import Wire
public import XTables

/// The reason why a blob is not a table.
public struct DecompileError: Error, Sendable, Hashable {
  /// The offset in bytes of the faulty entry, from the start of the entries.
  public let offset: Int
  /// What is wrong, as the second half of a sentence about the entry: `is cut short`.
  public let message: String

  /// Creates an error about the entry at `offset`.
  public init(offset: Int, _ message: String) {
    self.offset = offset
    self.message = message
  }
}

/// Decodes a table from the kernel's entries. The input is not trusted: every offset and size is checked before it is used.
///
/// The corresponding C function is `parse_table` of libiptc.
public struct TableDecompiler: Sendable {
  /// The extensions that decode matches and targets.
  public let registry: Registry

  /// Creates a decompiler. A match or target that is not in `registry` keeps its bytes.
  public init(registry: Registry) { self.registry = registry }

  /// Decodes a whole table.
  ///
  /// - Throws: a ``DecompileError`` if the blob breaks a rule of `translate_table`, or names a chain or verdict that does not
  ///   exist.
  public func decompile(_ blob: TableBlob) throws(DecompileError) -> Table {
    let chains = try blob.chains()
    let names = Dictionary(chains.map { ($0.rules.lowerBound, $0.name) }) { first, _ in first }
    var table = Table(blob.name, blob.family)
    for chain in chains where chain.hook == nil && !table.addChain(chain.name) {
      throw DecompileError(offset: chain.rules.lowerBound, "chain `\(chain.name)' stands twice")
    }
    let decoder = EntryDecoder(blob.entries, blob.layout)
    for chain in chains {
      guard let index = table.index(of: chain.name) else { continue }
      var rules: [Rule] = []
      rules.reserveCapacity(chain.ruleCount)
      try blob.forEachEntry(in: chain.rules) { place throws(DecompileError) in
        rules.append(try rule(try decoder.entry(place), place, chains: names, blob.family))
      }
      table.update(at: index) {
        $0.rules = rules
        guard chain.hook != nil else { return }
        $0.policy = chain.policy
        $0.counters = chain.counters
      }
    }
    return table
  }

  /// Decodes a single entry of a rule.
  ///
  /// - Parameter label: the verdict or chain of a standard target, whose code means nothing outside its table; empty for a rule without a
  ///   target. The library that read the entry gives it. If it is nil, the code must be a verdict, or the offset of the entry's end.
  /// - Throws: a ``DecompileError`` if the bytes are not exactly one entry.
  public func decompile(_ entry: [UInt8], label: String?, _ family: Family) throws(DecompileError) -> Rule {
    let layout = EntryLayout(family)
    let place = try layout.entry(at: 0, in: entry)
    guard place.end == entry.count else { throw DecompileError(offset: 0, "is not a single entry") }
    let raw = try EntryDecoder(entry, layout).entry(place)
    guard case .standard = raw.target, let label else { return try rule(raw, place, chains: [:], family) }
    let target: RuleTarget =
      if label.isEmpty {
        .none
      } else if let verdict = StandardVerdict(rawValue: label) {
        .verdict(verdict)
      } else {
        raw.isGoto ? .goto(label) : .jump(label)
      }
    return Rule(header: raw.header, matches: try uses(raw, place, family), target: target, counters: raw.counters)
  }

  func rule(
    _ entry: RawEntry, _ place: EntryExtent, chains: [Int: String], _ family: Family
  ) throws(DecompileError) -> Rule {
    let matches = try uses(entry, place, family)
    let target: RuleTarget
    switch entry.target {
    case .standard(let code) where code >= 0:
      if Int(code) == place.end {
        target = .none
      } else if let chain = chains[Int(code)] {
        target = entry.isGoto ? .goto(chain) : .jump(chain)
      } else {
        throw DecompileError(offset: place.start, "jumps to offset \(code), where no chain starts")
      }
    case .standard(let code):
      guard let verdict = StandardVerdict(code: code) else {
        throw DecompileError(offset: place.start, "has the unknown verdict \(code)")
      }
      target = .verdict(verdict)
    case .error: throw DecompileError(offset: place.start, "is an error entry among rules")
    case .use(let raw): target = .use(try use(.target, raw, place, family))
    }
    return Rule(header: entry.header, matches: matches, target: target, counters: entry.counters)
  }

  /// The matches of an entry.
  private func uses(_ entry: RawEntry, _ place: EntryExtent, _ family: Family) throws(DecompileError) -> [ExtensionUse] {
    var matches: [ExtensionUse] = []
    for raw in entry.matches { matches.append(try use(.match, raw, place, family)) }
    return matches
  }

  private func use(
    _ kind: ExtensionDescriptor.Kind, _ raw: RawExtension, _ place: EntryExtent, _ family: Family
  ) throws(DecompileError) -> ExtensionUse {
    // Only a bare word can be written as a name in a ruleset.
    guard StructureBytes.canName(kind, raw.name) else {
      throw DecompileError(offset: place.start, "contains a \(kind.rawValue) with an invalid name")
    }
    let found = registry.decode(kind, kernelName: raw.name, revision: raw.revision, raw.data, family)
    return ExtensionUse(found.descriptor, payload: found.payload)
  }
}
