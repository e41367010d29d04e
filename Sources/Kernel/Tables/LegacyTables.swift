public import Compiler
internal import Glibc
public import Wire
public import XTables

/// The tables of ip_tables and ip6_tables, in the network namespace of the calling thread. Each table is passed whole in one call, so
/// time and memory grow only with its size.
public struct LegacyTables: KernelTables {
  private let calls: any TableCalls

  /// Creates access to the calling thread's network namespace.
  public init() { calls = KernelTableCalls() }

  /// - Parameter calls: makes the calls of the kernel that replace tables.
  package init(calls: some TableCalls) { self.calls = calls }

  /// The names of the tables in use, as listed in `/proc/net/ip_tables_names`; nil if that file is unreadable, as in a user namespace.
  private func listedNames(_ family: Family) -> [String]? {
    let path = family == .ipv4 ? "/proc/thread-self/net/ip_tables_names" : "/proc/thread-self/net/ip6_tables_names"
    return (try? HostFile.read(path))?.split(separator: "\n").map(String.init)
  }

  /// The known tables in use, in the kernel's order. If the kernel does not list them, those that it has; asking for them creates them.
  package func names(_ family: Family) -> [TableName] {
    if let listed = listedNames(family) { return listed.compactMap { TableName(rawValue: $0) } }
    guard let socket = try? TableSocket(family) else { return [] }
    return TableName.allCases.filter { socket.has($0) }
  }

  /// If the kernel lists no table and the process is not root, filter is read, which throws the reason.
  public func read(
    _ family: Family, only name: TableName?, _ body: (TableBlob) throws(KernelError) -> Void
  ) throws(KernelError) {
    var names = name.map { [$0] } ?? names(family)
    if names.isEmpty {
      guard geteuid() != 0 else { return }
      names = [.filter]
    }
    let socket = try TableSocket(family)
    for name in names { try body(try socket.read(name)) }
  }

  /// Replaces one table after the other. If that fails, those already replaced are put back first, and only then is the refused rule searched.
  public func replace(_ tables: [TableBlob], _ options: ReplaceOptions) throws(KernelError) {
    var options = options
    let record: ChangeRecord
    do throws(KernelError) {
      if options.triesFirst {
        try TableTrial(tables, options).run()
        // What the trial accepted has no rule to search for.
        options.typed = { _ in nil }
      }
      record = try self.record(of: tables, options)
    } catch {
      throw options.undoSets(after: error)
    }
    guard !record.steps.isEmpty || options.changesSets else { return }
    do throws(KernelError) {
      try HeldSignals.during { () throws(KernelError) in try commit(record, options) }
    } catch {
      let place = tables.firstIndex { $0.family == error.family && $0.name.rawValue == error.table }
      guard error.reason == .refused, let table = place.flatMap(options.typed) else { throw error }
      throw RefusalSearch(table, error).located
    }
  }

  private func commit(_ record: ChangeRecord, _ options: ReplaceOptions) throws(KernelError) {
    let progress: ChangeProgress
    do throws(KernelError) {
      progress = if let state = options.state { try state.begin(record) } else { try ChangeProgress(of: record, at: nil) }
    } catch {
      throw options.undoSets(after: error)
    }
    let change = LegacyChange(
      record: record, progress: progress, calls: calls, registry: options.carriesCounters ?? options.comparison ?? Registry())
    do throws(KernelError) {
      try options.sets?.swap()
      try change.carryOut()
      for step in record.steps {
        guard let registry = options.comparison else { break }
        let back = try calls.read(step.after.family, step.after.name)
        // The kernel takes or refuses a table whole: with another number of entries, another program has changed it since.
        if back.entryCount == step.after.entryCount { try TableReadback(step.after, registry: registry).verify(back) }
      }
      if let outcome = options.outcome { try options.state?.end(outcome) } else { try options.state?.cancel() }
    } catch {
      var refusal = error
      refusal.notRestored = change.goBack().failed
      refusal.notRestored += options.sets?.goBack() ?? []
      // What could not be put back is left to the next command.
      if refusal.notRestored.isEmpty { try options.state?.cancel() }
      throw refusal
    }
  }

  /// The change that replaces the tables in use by these.
  private func record(of tables: [TableBlob], _ options: ReplaceOptions) throws(KernelError) -> ChangeRecord {
    var steps: [ChangeRecord.Step] = []
    for after in tables {
      let before = try calls.read(after.family, after.name)
      if let step = try ChangeRecord.Step(from: before, to: after, options) { steps.append(step) }
    }
    return ChangeRecord(steps: steps, sets: ChangedSets(options.sets))
  }

  /// Puts the tables back that an interrupted change replaced; one that another program has changed since is left.
  public func recover(_ state: StateDirectory, _ registry: Registry) throws(KernelError) -> ChangeRecovery? {
    try state.recover(registry, calls)
  }

  /// Tables of ip_tables and ip6_tables with unknown names, and the tables of nf_tables that have a chain at a hook.
  public func others() throws(KernelError) -> [OtherRules] {
    var others: [OtherRules] = []
    for family in Family.allCases {
      for name in listedNames(family) ?? [] where TableName(rawValue: name) == nil {
        others.append(OtherRules(.legacy, family: family == .ipv4 ? "ip" : "ip6", table: name))
      }
    }
    guard let ruleset = try NftReader.read() else { return others }
    for table in ruleset.tables where table.chains.contains(where: { $0.place != nil }) {
      others.append(OtherRules(.nfTables, family: table.familyName, table: table.name))
    }
    return others
  }
}

extension TableBlob {
  /// The names of the user chains, in order.
  ///
  /// - Throws: `KernelError` if the entries are not those of a table.
  public func chainNames() throws(KernelError) -> [String] {
    do throws(DecompileError) {
      return try chains().filter { $0.hook == nil }.map(\.name)
    } catch {
      throw KernelError(error, in: self)
    }
  }

  /// The table of the kernel as typed rules.
  ///
  /// - Throws: `KernelError` if an entry cannot be decoded.
  public func typed(_ registry: Registry) throws(KernelError) -> Table {
    do throws(DecompileError) {
      return try TableDecompiler(registry: registry).decompile(self)
    } catch {
      throw KernelError(error, in: self)
    }
  }
}
