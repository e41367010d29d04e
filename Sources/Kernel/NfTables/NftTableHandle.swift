internal import Compiler
internal import Glibc
internal import Netfilter
internal import Wire
internal import XTables

/// A table of nf_tables that the commands of iptables change rule by rule. The changes are kept, and made in one transaction: if another
/// program changes the ruleset first, they are made to what is loaded then.
///
/// The corresponding C functions are those of `nft.c`.
final class NftTableHandle: EditableTable {
  let family: Family
  private let tableName: TableName
  private let registry: Registry
  private var copy: NftTableCopy
  private var changes: [(inout NftTableCopy) throws(KernelError) -> Void] = []

  var name: String { tableName.rawValue }

  init(_ family: Family, _ name: String, _ registry: Registry) throws(KernelError) {
    guard let tableName = TableName(rawValue: name) else {
      throw KernelError(.cannotRead, family: family, table: name, message: "table '\(name)' does not exist")
    }
    (self.family, self.tableName, self.registry) = (family, tableName, registry)
    do throws(KernelError) { copy = try NftTableCopy(family, tableName, registry) } catch {
      guard error.error?.number == EPERM else { throw error }
      throw KernelError(
        .call("reading nf_tables"), error: error.error,
        message: "Could not fetch rule set generation id: Permission denied (you must be root)")
    }
  }

  private func change(_ change: @escaping (inout NftTableCopy) throws(KernelError) -> Void) throws(KernelError) {
    try change(&copy)
    changes.append(change)
  }

  // MARK: Reading

  func isExpressible(_ chain: String?) -> Bool { copy.isExpressible(chain) }
  var hasOtherBaseChains: Bool { copy.hasOtherBaseChains }
  func chainNames() -> [String] { copy.table.chainsInSaveOrder.map(\.name) }
  func isChain(_ chain: String) -> Bool { copy.table.index(of: chain) != nil }
  func isBuiltin(_ chain: String) -> Bool { copy.table[chain: chain]?.hook != nil }

  func policy(of chain: String) throws(KernelError) -> (verdict: StandardVerdict, counters: Counters)? {
    copy.table[chain: chain].flatMap { found in found.policy.map { ($0, found.counters) } }
  }

  func references(to chain: String) throws(KernelError) -> Int {
    copy.table.chains.reduce(0) { $0 + $1.rules.count { $0.target.chain == chain } }
  }

  func forEachRule(of chain: String, _ registry: Registry, _ body: (Rule) throws(KernelError) -> Void) throws(KernelError) {
    for rule in copy.table[chain: chain]?.rules ?? [] { try body(rule) }
  }

  func message(of error: SystemError) -> String? { nil }
  func dump() {}

  // MARK: Changing

  func appendRule(_ rule: Rule, to chain: String) throws(KernelError) {
    try change { copy throws(KernelError) in try copy.insert(rule, into: chain, at: nil) }
  }

  func insertRule(_ rule: Rule, into chain: String, at number: Int) throws(KernelError) {
    try change { copy throws(KernelError) in try copy.insert(rule, into: chain, at: number) }
  }

  func replaceRule(_ rule: Rule, in chain: String, at number: Int) throws(KernelError) {
    try change { copy throws(KernelError) in try copy.replace(rule, in: chain, at: number) }
  }

  func deleteRule(_ rule: Rule, in chain: String, checkingOnly: Bool) throws(KernelError) {
    try change { copy throws(KernelError) in
      let number = try copy.number(of: rule, in: chain)
      if !checkingOnly { try copy.delete(in: chain, at: number) }
    }
  }

  func deleteRule(in chain: String, at number: Int) throws(KernelError) {
    try change { copy throws(KernelError) in try copy.delete(in: chain, at: number) }
  }

  func flush(_ chain: String) throws(KernelError) { try change { copy throws(KernelError) in try copy.flush(chain) } }
  func zero(_ chain: String) throws(KernelError) { try change { copy throws(KernelError) in try copy.zero(chain, at: nil) } }

  func zeroRule(in chain: String, at number: Int) throws(KernelError) {
    try change { copy throws(KernelError) in try copy.zero(chain, at: number) }
  }

  func evictIdle() throws(KernelError) { try change { copy throws(KernelError) in copy.evictIdle() } }
  func clear() throws(KernelError) { try change { copy throws(KernelError) in copy.clear() } }
  func declareChain(_ chain: String) throws(KernelError) { try change { copy throws(KernelError) in try copy.declare(chain) } }
  func needChain(_ chain: String) throws(KernelError) { try change { copy throws(KernelError) in copy.need(chain) } }
  func createChain(_ chain: String) throws(KernelError) { try change { copy throws(KernelError) in try copy.create(chain) } }
  func deleteChain(_ chain: String) throws(KernelError) { try change { copy throws(KernelError) in try copy.remove(chain) } }

  func renameChain(_ chain: String, to name: String) throws(KernelError) {
    try change { copy throws(KernelError) in try copy.rename(chain, to: name) }
  }

  func setPolicy(_ policy: String, of chain: String, _ counters: Counters?) throws(KernelError) {
    try change { copy throws(KernelError) in try copy.setPolicy(policy, of: chain, counters) }
  }

  func commit() throws(KernelError) {
    var attempts = NftAttempts()
    while try !copy.commit() {
      try attempts.wait("committing to nf_tables")
      copy = try NftTableCopy(family, tableName, registry)
      for change in changes { try change(&copy) }
    }
  }
}
