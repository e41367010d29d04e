import Compiler
import Kernel
import Syntax
import Wire
import XTables

/// Handles `iptables-restore --test` of a text without errors and notices.
extension Session {
  /// Whether the whole text is accepted without a message. This is decided without libiptc, which would keep every rule in memory.
  ///
  /// If not, the input is rewound, and a ``RestoreRun`` reads it and reports.
  func isSilentTest(of input: borrowing HostInput, _ options: RestoreOptions, _ family: Family) throws(Exit) -> Bool {
    guard options.isTest, !options.keepsExisting, !options.counters, options.verbosity == 0, options.table == nil,
      input.length != nil
    else { return false }
    let tables = try? silentTables(of: input, family)
    for table in tables ?? [] {
      let lock = try self.lock(options.wait)
      let isThere = (try? editor(family, table.rawValue, modprobe: options.modprobe)) != nil
      _ = consume lock
      guard isThere else {
        try? input.rewind()
        return false
      }
    }
    if tables == nil { try? input.rewind() }
    return tables != nil
  }

  private func silentTables(of input: borrowing HostInput, _ family: Family) throws(KernelError) -> [TableName]? {
    let parser = RulesetParser(registry: registry, names: names, family: family)
    var compiler = StreamCompiler(parser, keepsEntries: false)
    while true {
      let piece = try input.next()
      guard compiler.add(piece) else { return nil }
      if piece.isEmpty { return compiler.isSilent ? compiler.tableNames() : nil }
    }
  }
}
