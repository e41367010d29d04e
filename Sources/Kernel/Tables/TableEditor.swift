public import Wire
public import XTables

/// A table of the kernel, opened to change single rules. Untouched rules keep their counters, including packets counted meanwhile.
///
/// The corresponding C functions are libiptc's `iptc_append_entry` and its relatives. Names that are too long for libiptc's buffers are
/// refused, never cut. The caller holds the lock.
public struct TableEditor: ~Copyable {
  private let handle: any EditableTable

  /// Opens a table of nf_tables, which need not exist.
  ///
  /// - Parameter registry: decodes the rules.
  /// - Throws: `KernelError` if the kernel has no nf_tables or denies access, or iptables has no such table.
  public init(ofNfTables name: String, _ family: Family, _ registry: Registry) throws(KernelError) {
    handle = try NftTableHandle(family, name, registry)
  }

  /// - Parameter modprobe: the program that loads the kernel's module if needed; nil for the system's.
  /// - Throws: `KernelError` if the kernel has no such table or denies access.
  public init(_ family: Family, _ name: String, modprobe: String? = nil) throws(KernelError) {
    do throws(KernelError) {
      handle = try TableHandle(family, name)
    } catch {
      guard KernelModule.load(family, by: modprobe) else { throw error }
      handle = try TableHandle(family, name)
    }
  }

  /// The policy of a built-in chain and its counters, `iptc_get_policy`; nil for a user's chain.
  ///
  /// - Throws: `KernelError` if libiptc has no policy of the chain.
  public func policy(of chain: String) throws(KernelError) -> (verdict: StandardVerdict, counters: Counters)? {
    try handle.policy(of: try checked(chain))
  }

  /// The number of rules that jump to a user's chain, `iptc_get_references`.
  ///
  /// - Throws: `KernelError` if the chain does not exist.
  public func references(to chain: String) throws(KernelError) -> Int { try handle.references(to: try checked(chain)) }

  /// Passes the rules of a chain to `body`, in order and with the changes made so far.
  ///
  /// - Parameter registry: decodes the matches and targets.
  /// - Throws: `KernelError` if a rule cannot be decoded, or what `body` throws.
  public func forEachRule(
    of chain: String, _ registry: Registry, _ body: (Rule) throws(KernelError) -> Void
  ) throws(KernelError) {
    try handle.forEachRule(of: try checked(chain), registry, body)
  }

  /// The name of the table.
  public var tableName: String { handle.name }

  /// False if a chain, or if nil any chain, has rules of nft(8) that iptables cannot express.
  public func isExpressible(_ chain: String? = nil) -> Bool { handle.isExpressible(chain) }

  /// True if the table has chains at hooks that are not those of iptables.
  public var hasOtherBaseChains: Bool { handle.hasOtherBaseChains }

  /// The names of all chains: built-in chains by hook, then the user's in byte order.
  public var chainNames: [String] { handle.chainNames() }

  /// True if the table has a chain of this name, `iptc_is_chain`.
  public func isChain(_ name: String) -> Bool { name.utf8.count < 32 && handle.isChain(name) }

  /// True if the table has a built-in chain of this name, `iptc_builtin`.
  public func isBuiltin(_ name: String) -> Bool { isChain(name) && handle.isBuiltin(name) }

  /// Appends a rule to a chain, `iptc_append_entry`.
  ///
  /// - Throws: `KernelError` if the chain does not exist, or the rule does not fit into an entry.
  public func append(_ rule: Rule, to chain: String) throws(KernelError) { try handle.appendRule(rule, to: chain) }

  /// Inserts a rule, `iptc_insert_entry`.
  ///
  /// - Parameter number: the new rule's position, from 1.
  /// - Throws: `KernelError` if the chain does not exist or is too short.
  public func insert(_ rule: Rule, into chain: String, at number: Int) throws(KernelError) {
    try handle.insertRule(rule, into: chain, at: number)
  }

  /// Replaces the rule with this number, from 1, `iptc_replace_entry`.
  ///
  /// - Throws: `KernelError` if there is no such rule.
  public func replace(_ rule: Rule, in chain: String, at number: Int) throws(KernelError) {
    try handle.replaceRule(rule, in: chain, at: number)
  }

  /// Deletes the first rule with the same bytes, ignoring bytes that the kernel uses for itself, `iptc_delete_entry`.
  ///
  /// - Throws: `KernelError` if no rule is equal.
  public func delete(_ rule: Rule, in chain: String) throws(KernelError) {
    try handle.deleteRule(rule, in: chain, checkingOnly: false)
  }

  /// Checks that a rule with the same bytes exists, `iptc_check_entry`.
  ///
  /// - Throws: `KernelError` if no rule is equal.
  public func check(_ rule: Rule, in chain: String) throws(KernelError) {
    try handle.deleteRule(rule, in: chain, checkingOnly: true)
  }

  /// libiptc's text for an error of the function called last.
  public func message(of error: SystemError) -> String? { handle.message(of: error) }

  /// Prints libiptc's internal state to standard output, as `iptables -vv` does.
  public func dump() { handle.dump() }

  /// Deletes the rule with this number, from 1, `iptc_delete_num_entry`.
  ///
  /// - Throws: `KernelError` if there is no such rule.
  public func delete(in chain: String, at number: Int) throws(KernelError) {
    try handle.deleteRule(in: try checked(chain), at: number)
  }

  /// Deletes all rules of a chain, `iptc_flush_entries`.
  ///
  /// - Throws: `KernelError` if the chain does not exist.
  public func flush(_ chain: String) throws(KernelError) { try handle.flush(try checked(chain)) }

  /// Sets the counters of a chain's rules and policy to 0, `iptc_zero_entries`.
  ///
  /// - Throws: `KernelError` if the chain does not exist.
  public func zero(_ chain: String) throws(KernelError) { try handle.zero(try checked(chain)) }

  /// Sets the counters of the rule with this number, from 1, to 0, `iptc_zero_counter`.
  ///
  /// - Throws: `KernelError` if there is no such rule.
  public func zero(in chain: String, at number: Int) throws(KernelError) {
    try handle.zeroRule(in: try checked(chain), at: number)
  }

  /// Deletes the built-in chains without rules and with the policy ACCEPT, where there can be a table without them: in nf_tables.
  public func evictIdle() throws(KernelError) { try handle.evictIdle() }

  /// Deletes what is left in a table whose chains were emptied and deleted: in nf_tables, the built-in chains with their policies, and what
  /// iptables cannot express.
  public func clear() throws(KernelError) { try handle.clear() }

  /// Creates an empty user's chain, or empties the one that exists when the changes are committed.
  ///
  /// - Throws: `KernelError` if the name is too long.
  public func declareChain(_ chain: String) throws(KernelError) { try handle.declareChain(chain) }

  /// Makes sure that a built-in chain exists: nf_tables has only those that something needed.
  public func needChain(_ chain: String) throws(KernelError) { try handle.needChain(chain) }

  /// Creates an empty user's chain, `iptc_create_chain`.
  ///
  /// - Throws: `KernelError` if the name is too long or in use.
  public func createChain(_ chain: String) throws(KernelError) { try handle.createChain(chain) }

  /// Deletes a user's chain, `iptc_delete_chain`.
  ///
  /// - Throws: `KernelError` if the chain is built in, has rules, or is jumped to.
  public func deleteChain(_ chain: String) throws(KernelError) { try handle.deleteChain(try checked(chain)) }

  /// Renames a user's chain, `iptc_rename_chain`.
  ///
  /// - Throws: `KernelError` if the chain does not exist, or the new name is too long or in use.
  public func renameChain(_ chain: String, to name: String) throws(KernelError) {
    try handle.renameChain(try checked(chain), to: try checked(name))
  }

  /// Sets a built-in chain's policy, and its counters if given, `iptc_set_policy`.
  ///
  /// - Throws: `KernelError` if the chain is not built in or the policy is not `ACCEPT` or `DROP`.
  public func setPolicy(_ policy: String, of chain: String, counters: Counters?) throws(KernelError) {
    try handle.setPolicy(policy, of: try checked(chain), counters)
  }

  /// Commits the changes to the kernel, `iptc_commit`. The editor must not be used afterwards.
  ///
  /// - Throws: `KernelError` if the kernel refuses the table.
  public func commit() throws(KernelError) { try handle.commit() }

  private func checked(_ name: String) throws(KernelError) -> String {
    guard name.utf8.count < 32, !name.utf8.contains(0) else {
      throw KernelError(.malformed("\(name) is too long for a chain name"), family: handle.family, table: handle.name)
    }
    return name
  }
}
