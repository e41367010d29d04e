public import Wire

/// A table of the kernel, opened to be changed rule by rule: what is not touched keeps its counters, even those that go on
/// counting meanwhile.
///
/// The corresponding C functions are libiptc's `iptc_append_entry` and its kin. Names are cut by nobody: what libiptc
/// would overrun is refused. The caller holds the lock.
public struct TableEditor: ~Copyable {
  private let handle: TableHandle

  /// - Parameter modprobe: the program that loads the kernel's module where there is none; nothing stands for the system's.
  public init(_ family: AddressFamily, _ name: String, modprobe: String? = nil) throws(KernelError) {
    do throws(KernelError) {
      handle = try TableHandle(family, name)
    } catch {
      guard KernelModule.load(family, by: modprobe) else { throw error }
      handle = try TableHandle(family, name)
    }
  }

  /// The table with the changes made so far.
  public func read() throws(KernelError) -> KernelTable { try handle.read() }

  /// The names of all chains: the built-in ones in the order of their hooks, then the user's in byte order.
  public var chainNames: [String] { handle.chainNames() }

  public func isChain(_ name: String) -> Bool { name.utf8.count < 32 && handle.isChain(name) }

  public func isBuiltin(_ name: String) -> Bool { isChain(name) && handle.isBuiltin(name) }

  public func append(_ rule: KernelRule, to chain: String) throws(KernelError) { try handle.appendRule(rule, to: chain) }

  /// - Parameter number: one-based.
  public func insert(_ rule: KernelRule, into chain: String, at number: Int) throws(KernelError) {
    try handle.insertRule(rule, into: chain, at: number)
  }

  public func replace(_ rule: KernelRule, in chain: String, at number: Int) throws(KernelError) {
    try handle.replaceRule(rule, in: chain, at: number)
  }

  /// Deletes the first rule of the same bytes, whatever the kernel keeps for itself in it.
  public func delete(_ rule: KernelRule, in chain: String) throws(KernelError) {
    try handle.deleteRule(rule, in: chain, checkingOnly: false)
  }

  /// Throws where no rule has the same bytes.
  public func check(_ rule: KernelRule, in chain: String) throws(KernelError) {
    try handle.deleteRule(rule, in: chain, checkingOnly: true)
  }

  /// libiptc's sentence on an error of the function that was called last.
  public func message(of error: SystemError) -> String? { handle.message(of: error) }

  /// Prints what libiptc holds to standard output, as `iptables -vv` does.
  public func dump() { handle.dump() }

  public func delete(in chain: String, at number: Int) throws(KernelError) {
    try handle.deleteRule(in: try checked(chain), at: number)
  }

  public func flush(_ chain: String) throws(KernelError) { try handle.flush(try checked(chain)) }

  public func zero(_ chain: String) throws(KernelError) { try handle.zero(try checked(chain)) }

  public func zero(in chain: String, at number: Int) throws(KernelError) {
    try handle.zeroRule(in: try checked(chain), at: number)
  }

  public func createChain(_ chain: String) throws(KernelError) { try handle.createChain(chain) }

  public func deleteChain(_ chain: String) throws(KernelError) { try handle.deleteChain(try checked(chain)) }

  public func renameChain(_ chain: String, to name: String) throws(KernelError) {
    try handle.renameChain(try checked(chain), to: try checked(name))
  }

  public func setPolicy(_ policy: String, of chain: String, counters: KernelCounters?) throws(KernelError) {
    try handle.setPolicy(policy, of: try checked(chain), counters)
  }

  /// Makes the whole table what is given, then what was done before is gone.
  public func replace(by table: KernelTable, keepsCounters: Bool) throws(KernelError) {
    try handle.replace(by: table, keepsCounters: keepsCounters)
  }

  /// Hands the changes to the kernel. Nothing may be done with the table afterwards.
  public func commit() throws(KernelError) { try handle.commit() }

  private func checked(_ name: String) throws(KernelError) -> String {
    guard name.utf8.count < 32, !name.utf8.contains(0) else {
      throw KernelError(.malformed("\(name) is too long for a chain"), family: handle.family, table: handle.name)
    }
    return name
  }
}
