public import Compiler
internal import Glibc
public import Wire
public import XTables

/// The tables of ip_tables and ip6_tables, in the network namespace of the calling thread. Each table is passed whole in one call, so
/// time and memory grow only with its size.
public struct LegacyTables: KernelTables {
  /// Creates access to the calling thread's network namespace.
  public init() {}

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

  /// Replaces one table after the other; those before a refused one are restored.
  public func replace(_ tables: [TableBlob], _ options: ReplaceOptions) throws(KernelError) {
    var earlier: [TableBlob] = []
    do throws(KernelError) {
      for (index, table) in tables.enumerated() {
        let socket = try TableSocket(table.family)
        let before = try socket.read(table.name)
        do throws(KernelError) {
          try socket.replace(table)
          if options.keepsCounters { try socket.addCounters(of: table) }
        } catch {
          throw options.typed(index).map { RefusalSearch($0, error).located } ?? error
        }
        earlier.append(before)
      }
      if let registry = options.comparison {
        for table in tables { try TableReadback(table, registry: registry).verify() }
      }
    } catch {
      var refusal = error
      for table in earlier.reversed() {
        do throws(KernelError) {
          let socket = try TableSocket(table.family)
          try socket.replace(table)
          try socket.addCounters(of: table)
        } catch { refusal.notRestored.append("\(table.name.rawValue) (\(error))") }
      }
      throw refusal
    }
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
