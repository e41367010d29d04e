internal import CNetfilter
internal import Glibc
public import Wire

/// The tables of the running kernel, in the network namespace of the calling thread.
public struct KernelTables: Sendable {
  /// Options of `apply`.
  public struct ApplyOptions: Sendable, Equatable {
    /// Keeps the given counters of rules and policies, as `iptables-restore -c` does. Otherwise they start at 0.
    public var keepsCounters = false
    /// Reads the tables back after all are committed, and compares them.
    public var verifies = true

    /// Creates the defaults: counters start at 0, tables are verified.
    public init() {}
  }

  /// Creates access to the calling thread's network namespace.
  public init() {}

  /// Reads a table through libiptc. If the kernel knows the table but it is not in use yet, opening it creates it.
  ///
  /// - Throws: `KernelError` if the kernel has no such table or denies access.
  public func read(_ family: AddressFamily, _ name: String) throws(KernelError) -> KernelTable {
    try TableHandle(family, name).read()
  }

  /// The tables in use, as listed in `/proc/net/ip_tables_names`. If that file is unreadable, as in a user namespace, those of the five
  /// known tables that the kernel has; querying them creates them.
  public func names(_ family: AddressFamily) -> [String] {
    let path = family == .ipv4 ? "/proc/thread-self/net/ip_tables_names" : "/proc/thread-self/net/ip6_tables_names"
    if let text = try? HostFile.read(path) { return text.split(separator: "\n").map(String.init) }
    return ["raw", "mangle", "nat", "filter", "security"].filter { (try? RawTable.info(family, $0)) != nil }
  }

  /// Replaces tables, all or none. If the kernel refuses a table, the tables replaced before it are restored with their counters. The
  /// caller holds the lock.
  ///
  /// - Throws: `KernelError` with the table, the rule if it was found, and the tables that could not be restored.
  public func apply(_ tables: [KernelTable], _ options: ApplyOptions = ApplyOptions()) throws(KernelError) {
    var earlier: [KernelTable] = []
    do throws(KernelError) {
      for table in tables {
        let handle = try TableHandle(table.family, table.name)
        let before = try handle.read()
        try handle.replace(by: table, keepsCounters: options.keepsCounters)
        do throws(KernelError) {
          try handle.commit()
        } catch {
          throw RefusalSearch(table, error).located
        }
        earlier.append(before)
      }
      if options.verifies {
        for table in tables { try verify(table) }
      }
    } catch {
      var refusal = error
      for table in earlier.reversed() {
        do throws(KernelError) { try set(table) } catch { refusal.notRestored.append("\(table.name) (\(error))") }
      }
      throw refusal
    }
  }

  /// Replaces one table, counters included.
  private func set(_ table: KernelTable) throws(KernelError) {
    let handle = try TableHandle(table.family, table.name)
    try handle.replace(by: table, keepsCounters: true)
    try handle.commit()
  }
}

extension KernelTables {
  /// Reads a table back and compares it with the committed one.
  private func verify(_ table: KernelTable) throws(KernelError) {
    let back = try read(table.family, table.name)
    let otherwise = { (text: String, rule: RuleReference?) in
      KernelError(.readsBackOtherwise(text), family: table.family, table: table.name, rule: rule)
    }
    let found = Dictionary(back.chains.map { ($0.name, $0) }) { first, _ in first }
    for chain in table.chains {
      guard let other = found[chain.name] else { throw otherwise("chain \(chain.name) is missing", nil) }
      if let policy = chain.policy, policy != other.policy {
        throw otherwise("the policy of \(chain.name) is \(other.policy?.rawValue ?? "none")", nil)
      }
      guard chain.rules.count == other.rules.count else {
        throw otherwise("chain \(chain.name) has \(other.rules.count) rules instead of \(chain.rules.count)", nil)
      }
      for (index, (rule, found)) in zip(chain.rules, other.rules).enumerated() where !rule.agrees(with: found, family: table.family) {
        throw otherwise("the rule has other bytes", RuleReference(chain: chain.name, rule: index + 1))
      }
    }
    let named = Set(table.chains.map(\.name))
    if let extra = back.chains.first(where: { !named.contains($0.name) && ($0.policy == nil || !$0.rules.isEmpty) }) {
      throw otherwise("there is an additional chain \(extra.name)", nil)
    }
  }
}
