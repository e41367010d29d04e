public import XTables

/// Lays a table out as the kernel wants it: chains one after the other, jumps as offsets, an error entry at the end.
///
/// The corresponding C function is `iptcc_compile_table` of libiptc; user chains stand in its order, by name.
public struct TableCompiler: Sendable {
  public init() {}

  /// - Precondition: ``TableValidator`` found no error: every jump's chain exists, every entry fits.
  public func compile(_ table: Table) -> TableBlob {
    let encoder = EntryEncoder(family: table.family)
    // Room for the entries around the rules, too.
    let capacity = table.chains.reduce(1 << 10) { $1.rules.reduce($0 + 512) { $0 + encoder.size($1) } }
    var log = EntryLog(table.family, capacity: capacity)
    for index in table.saveOrder {
      for rule in table.chains[index].rules {
        log.append(rule, to: index, jumpingTo: rule.target.chain.flatMap { table.index(of: $0) })
      }
    }
    return log.blob(table)
  }
}
