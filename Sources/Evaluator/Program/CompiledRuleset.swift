public import XTables

/// The tables of a ruleset, compiled once for any number of simulators: each loads them with counters and memory of its own.
public struct CompiledRuleset: Sendable {
  /// The compiled tables, in the order of the ruleset. Their numbers in the ``ExtensionMemory`` follow each other.
  public let programs: [TableProgram]

  /// Compiles the tables of a ruleset.
  ///
  /// - Parameters:
  ///   - firstSlot: the number for the first match or target.
  ///   - usesNfTables: true if iptables-nft loads the tables.
  /// - Throws: `TableProgram.Failure` if a table cannot be compiled.
  public init(_ ruleset: Ruleset, firstSlot: Int = 0, usesNfTables: Bool = false) throws(TableProgram.Failure) {
    var programs: [TableProgram] = []
    var slot = firstSlot
    for table in ruleset.tables {
      let program = try TableProgram(table, firstSlot: slot, usesNfTables: usesNfTables)
      slot += program.slotCount
      programs.append(program)
    }
    self.programs = programs
  }

  /// The number after that of the last match or target; nil if there is no table.
  var nextSlot: Int? { programs.last.map { $0.firstSlot + $0.slotCount } }
}
