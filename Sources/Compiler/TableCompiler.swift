import Conntrack
import Wire
public import XTables

/// Lays a table out as the kernel wants it: chains one after the other, jumps as offsets, an error entry at the end.
///
/// The corresponding C function is `iptcc_compile_table` of libiptc; user chains stand in its order, by name.
public struct TableCompiler: Sendable {
  public init() {}

  /// - Precondition: ``TableValidator`` found no error: every jump's chain exists, every entry fits.
  public func compile(_ table: Table) -> TableBlob {
    let encoder = EntryEncoder(family: table.family)
    let chains = table.chainsInSaveOrder
    let starts = chainStarts(chains, encoder)
    var entries: [UInt8] = []
    entries.reserveCapacity(starts.total)
    var hookEntries = [UInt32](repeating: 0, count: 5)
    var underflows = [UInt32](repeating: 0, count: 5)
    var count = 0
    for chain in chains {
      if !chain.isBuiltin {
        entries += encoder.errorEntry(chain.name)
        count += 1
      }
      if let hook = chain.hook { hookEntries[hook.rawValue] = UInt32(entries.count) }
      for rule in chain.rules { append(rule, encoder, starts.offsets, to: &entries) }
      if let hook = chain.hook { underflows[hook.rawValue] = UInt32(entries.count) }
      entries += encoder.policyEntry(chain.policy ?? .return, chain.isBuiltin ? chain.counters : .zero)
      count += chain.rules.count + 1
    }
    entries += encoder.errorEntry("ERROR")
    return TableBlob(
      name: table.name, family: table.family, validHooks: table.name.hookMask.rawValue, hookEntries: hookEntries,
      underflows: underflows, entryCount: count + 1, entries: entries)
  }

  /// Where the first rule of each chain will lie.
  private func chainStarts(_ chains: [Chain], _ encoder: EntryEncoder) -> (offsets: [String: Int32], total: Int) {
    let geometry = EntryGeometry(encoder.family)
    var offsets: [String: Int32] = [:]
    var at = 0
    for chain in chains {
      if !chain.isBuiltin { at += geometry.size + EntryGeometry.errorTarget }
      offsets[chain.name] = Int32(clamping: at)
      at += chain.rules.reduce(0) { $0 + encoder.size($1) } + geometry.size + EntryGeometry.standardTarget
    }
    return (offsets, at + geometry.size + EntryGeometry.errorTarget)
  }

  private func append(_ rule: Rule, _ encoder: EntryEncoder, _ starts: [String: Int32], to entries: inout [UInt8]) {
    encoder.append(rule, to: &entries)
    let verdictAt = entries.count - 8
    switch rule.target {
    case .none: entries.put(Int32(clamping: entries.count), at: verdictAt)
    case .jump(let chain), .goto(let chain): entries.put(starts[chain] ?? 0, at: verdictAt)
    case .verdict, .use: break
    }
  }
}
