public import Wire
internal import CNetfilter
internal import Glibc

/// The tables of the running kernel, in the network namespace of the calling thread.
public struct KernelTables: Sendable {
  /// What `apply` does beside replacing the tables.
  public struct ApplyOptions: Sendable, Equatable {
    /// Rules and policies start with the counters given, as `iptables-restore -c` has it; otherwise from zero.
    public var keepsCounters = false
    /// The tables are read back and compared when all are committed.
    public var verifies = true

    public init() {}
  }

  public init() {}

  /// Reads a table through libiptc. Opening a table that the kernel has but nobody used yet makes it come into being.
  public func read(_ family: AddressFamily, _ name: String) throws(KernelError) -> KernelTable {
    try TableHandle(family, name).read()
  }

  /// The tables in use, as `/proc/net/ip_tables_names` lists them. Where that is unreadable, as it is in a user namespace, those of
  /// the five usual names that the kernel knows: asking brings them into being.
  public func names(_ family: AddressFamily) -> [String] {
    let path = family == .ipv4 ? "/proc/thread-self/net/ip_tables_names" : "/proc/thread-self/net/ip6_tables_names"
    if let text = try? HostFile.read(path) { return text.split(separator: "\n").map(String.init) }
    return ["raw", "mangle", "nat", "filter", "security"].filter { (try? RawTable.info(family, $0)) != nil }
  }

  /// Replaces tables, all or none: when the kernel refuses one, those before it are set back to what they were, counters
  /// included. The caller holds the lock.
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

  /// Makes one table what is given, counters included.
  private func set(_ table: KernelTable) throws(KernelError) {
    let handle = try TableHandle(table.family, table.name)
    try handle.replace(by: table, keepsCounters: true)
    try handle.commit()
  }
}

extension KernelTables {
  /// Reads a table back and holds it against what was committed.
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
        throw otherwise("chain \(chain.name) has \(other.rules.count) rules, not \(chain.rules.count)", nil)
      }
      for (index, (rule, found)) in zip(chain.rules, other.rules).enumerated() where !rule.agrees(with: found, family: table.family) {
        throw otherwise("other bytes than committed", RuleReference(chain: chain.name, rule: index + 1))
      }
    }
    let named = Set(table.chains.map(\.name))
    if let extra = back.chains.first(where: { !named.contains($0.name) && ($0.policy == nil || !$0.rules.isEmpty) }) {
      throw otherwise("chain \(extra.name) is there as well", nil)
    }
  }
}
