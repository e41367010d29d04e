import Conntrack
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
    let entries = try EntryWalker(blob).entries()
    var table = Table(blob.name, blob.family)
    let heads = try chainHeads(blob, entries, &table)
    let names = Dictionary(heads.map { ($0.firstRule, $0.name) }) { first, _ in first }
    for (index, head) in heads.enumerated() {
      let end = index + 1 < heads.count ? heads[index + 1].headIndex : entries.count - 1
      guard head.firstIndex < end, let chain = table.index(of: head.name) else {
        throw DecompileError(offset: head.firstRule, "starts chain `\(head.name)', which has no final entry")
      }
      var rules: [Rule] = []
      for position in head.firstIndex..<(end - 1) {
        rules.append(try rule(entries[position], next: entries[position + 1].offset, chains: names, blob.family))
      }
      let last = entries[end - 1]
      guard case .standard(let code) = last.target, let verdict = StandardVerdict(code: code) else {
        throw DecompileError(offset: last.offset, "ends chain `\(head.name)' without a policy")
      }
      table.update(at: chain) { chain in
        chain.rules = rules
        if chain.isBuiltin {
          chain.policy = verdict
          chain.counters = last.counters
        }
      }
    }
    return table
  }

  /// Decodes a single entry of a rule.
  ///
  /// - Parameter label: the verdict or chain of a standard target, whose code means nothing outside its table; nil for a rule
  ///   without a target and for all other targets. The library that read the entry gives it.
  /// - Throws: a ``DecompileError`` if the bytes are not exactly one entry.
  public func decompile(_ entry: [UInt8], label: String?, _ family: Family) throws(DecompileError) -> Rule {
    let walked = try EntryWalker(entry, family).entries()
    guard walked.count == 1 else { throw DecompileError(offset: 0, "is not a single entry") }
    let raw = walked[0]
    guard case .standard = raw.target, let label else { return try rule(raw, next: 0, chains: [:], family) }
    var rule = try rule(raw, next: 0, chains: [0: ""], family)
    if let verdict = StandardVerdict(rawValue: label) {
      rule.target = .verdict(verdict)
    } else {
      rule.target = raw.isGoto ? .goto(label) : .jump(label)
    }
    return rule
  }

  private struct ChainHead {
    let name: String
    /// The index of the first entry of the chain: the error entry of a user chain, the first rule of a built-in chain.
    let headIndex: Int
    let firstIndex: Int
    let firstRule: Int
  }

  private func chainHeads(
    _ blob: TableBlob, _ entries: [RawEntry], _ table: inout Table
  ) throws(DecompileError) -> [ChainHead] {
    guard let last = entries.last, case .error = last.target else {
      throw DecompileError(offset: 0, "starts a table that does not end with an error entry")
    }
    guard blob.validHooks == blob.name.hookMask.rawValue else {
      throw DecompileError(offset: 0, "starts a table whose hooks are not those of \(blob.name.rawValue)")
    }
    let byOffset = Dictionary(entries.enumerated().map { ($1.offset, $0) }) { first, _ in first }
    var heads: [ChainHead] = []
    for hook in blob.name.hooks {
      let start = Int(blob.hookEntries[hook.rawValue])
      guard let index = byOffset[start] else {
        throw DecompileError(offset: start, "is the start of \(hook.name), but there is no entry")
      }
      heads.append(ChainHead(name: hook.name, headIndex: index, firstIndex: index, firstRule: start))
    }
    for (index, entry) in entries.dropLast().enumerated() {
      guard case .error(let name) = entry.target else { continue }
      guard table.addChain(name) else { throw DecompileError(offset: entry.offset, "declares chain `\(name)' a second time") }
      heads.append(
        ChainHead(name: name, headIndex: index, firstIndex: index + 1, firstRule: entries[index + 1].offset))
    }
    heads.sort { $0.headIndex < $1.headIndex }
    guard heads.first?.headIndex == 0 else { throw DecompileError(offset: 0, "is not part of a chain") }
    return heads
  }

  private func rule(
    _ entry: RawEntry, next: Int, chains: [Int: String], _ family: Family
  ) throws(DecompileError) -> Rule {
    var matches: [ExtensionUse] = []
    for raw in entry.matches { matches.append(try use(.match, raw, entry, family)) }
    let target: RuleTarget
    switch entry.target {
    case .standard(let code) where code >= 0:
      if Int(code) == next {
        target = .none
      } else if let chain = chains[Int(code)] {
        target = entry.isGoto ? .goto(chain) : .jump(chain)
      } else {
        throw DecompileError(offset: entry.offset, "jumps to offset \(code), where no chain starts")
      }
    case .standard(let code):
      guard let verdict = StandardVerdict(code: code) else {
        throw DecompileError(offset: entry.offset, "has the unknown verdict \(code)")
      }
      target = .verdict(verdict)
    case .error: throw DecompileError(offset: entry.offset, "is an error entry among rules")
    case .use(let raw): target = .use(try use(.target, raw, entry, family))
    }
    return Rule(header: entry.header, matches: matches, target: target, counters: entry.counters)
  }

  private func use(
    _ kind: ExtensionDescriptor.Kind, _ raw: RawExtension, _ entry: RawEntry, _ family: Family
  ) throws(DecompileError) -> ExtensionUse {
    // Only a bare word can be written as a name in a ruleset.
    guard StructureBytes.canName(kind, raw.name) else {
      throw DecompileError(offset: entry.offset, "contains a \(kind.rawValue) with an invalid name")
    }
    let found = registry.decode(kind, kernelName: raw.name, revision: raw.revision, raw.data, family)
    return ExtensionUse(found.descriptor, payload: found.payload)
  }
}
