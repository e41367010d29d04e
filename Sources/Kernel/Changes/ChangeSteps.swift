internal import Compiler
internal import Wire
internal import XTables

extension ChangeRecord.Step {
  /// The step that replaces a table; nil if the table is the same already.
  ///
  /// - Parameters:
  ///   - before: the loaded table; nil if there is none.
  ///   - stays: false if the table is to be written even if it is the same.
  /// - Throws: `KernelError` if another program has changed the table since the caller read it.
  init?(from before: TableBlob?, to after: TableBlob, _ options: ReplaceOptions, stays: Bool = true) throws(KernelError) {
    let empty = TableCompiler().compile(Table(after.name, after.family))
    let live = before ?? empty
    let registry = options.carriesCounters ?? options.comparison ?? Registry()
    if let basis = options.basis.first(where: { $0.name == after.name && $0.family == after.family }), !basis.isSame(as: live, registry) {
      throw KernelError(.changedMeanwhile, family: after.family, table: after.name.rawValue)
    }
    var origins = [ChangeRecord.Origin](repeating: options.keepsCounters ? .given : .zero, count: after.entryCount)
    if let registry = options.carriesCounters {
      do throws(DecompileError) {
        if before != nil, stays, try EntryKeys.areSame(live, after, registry) { return nil }
        origins = zip(try EntryKeys.sources(of: after, in: live, registry), origins).map { source, other in
          source.map { .entry($0) } ?? other
        }
      } catch {
        throw KernelError(error, in: live)
      }
    }
    self.init(before: live, after: after, origins: origins, existed: before != nil)
  }

  /// The counters that the entries of the new table begin with.
  ///
  /// - Parameter old: those of the old table's entries.
  func counters(from old: [Counters]) -> [Counters] {
    let own = after.allCounters
    return origins.enumerated().map { place, origin in
      switch origin {
      case .zero: .zero
      case .given: own[place]
      case .entry(let source): old[source]
      }
    }
  }
}

extension TableBlob {
  /// Whether another table has the same chains and entries in the same order.
  ///
  /// - Parameter registry: knows which bytes of a match or target the kernel uses for itself.
  func isSame(as other: TableBlob, _ registry: Registry) -> Bool {
    if hasSameEntries(as: other) { return true }
    guard let left = try? EntryKeys(self, registry), let right = try? EntryKeys(other, registry) else { return false }
    return left.keys == right.keys
  }
}
