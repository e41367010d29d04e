public import XTables

/// Compiles a table into the kernel's form: the chains one after the other, jumps as offsets, an error entry at the end.
///
/// The corresponding C function is `iptcc_compile_table` of libiptc. User chains are sorted by name, as there.
public struct TableCompiler: Sendable {
  /// Creates a compiler; it has no settings.
  public init() {}

  /// The blob of a table.
  ///
  /// - Precondition: ``TableValidator`` found no error: every jump's chain exists, and every entry fits into 65,535 bytes.
  public func compile(_ table: Table) -> TableBlob {
    let encoder = EntryEncoder(family: table.family)
    // The sum includes room for the entries around the rules.
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
