public import Compiler
public import Wire
public import XTables

/// A part of the kernel that holds the tables of iptables, in the network namespace of the calling thread. ``LegacyTables`` is the one of
/// ip_tables and ip6_tables.
///
/// A table goes in and out as a `TableBlob`, the compact form in which a table of a million rules is compiled, so that no table is held
/// twice. Whatever cannot be expressed as such a table is listed by ``others()``.
public protocol KernelTables: Sendable {
  /// Reads the tables in use of a family with their counters, and passes each to `body` before the next is read.
  ///
  /// - Parameter name: the only table to read, which then need not be in use; nil for all.
  /// - Throws: `KernelError` if a table cannot be read, or what `body` throws.
  func read(_ family: Family, only name: TableName?, _ body: (TableBlob) throws(KernelError) -> Void) throws(KernelError)

  /// The names of the user chains of a table.
  ///
  /// - Throws: `KernelError` if there is no such table or it cannot be read.
  func chainNames(_ family: Family, _ name: TableName) throws(KernelError) -> [String]

  /// Replaces tables, all or none: if the kernel refuses one, those replaced before it are restored with their counters. The tables may
  /// be of both families. The caller holds the ``XtablesLock``.
  ///
  /// - Throws: `KernelError` with the table, the rule if it was found, and the tables that could not be restored.
  func replace(_ tables: [TableBlob], _ options: ReplaceOptions) throws(KernelError)

  /// The rules of the network namespace outside the tables that ``read(_:only:_:)`` can read. They decide on packets too: a packet passes
  /// only if no part of the kernel drops it.
  ///
  /// - Throws: `KernelError` if the kernel denies access.
  func others() throws(KernelError) -> [OtherRules]

  /// Undoes a change that was interrupted in this network namespace, as ``ReplaceOptions/state`` recorded it. The caller holds the
  /// ``XtablesLock``, which the change held too.
  ///
  /// - Parameter registry: knows which bytes of a match or target the kernel uses for itself.
  /// - Returns: what was done; nil if there was nothing to do.
  /// - Throws: `KernelError` if the record cannot be read or a table cannot be put back. The record is then kept.
  func recover(_ state: StateDirectory, _ registry: Registry) throws(KernelError) -> ChangeRecovery?
}

extension KernelTables {
  /// Reads one table with its counters. If the kernel knows the table but it is not in use yet, reading may create it.
  ///
  /// - Throws: `KernelError` if the kernel has no such table or denies access.
  public func table(_ family: Family, _ name: TableName) throws(KernelError) -> TableBlob {
    var found: TableBlob?
    try read(family, only: name) { found = $0 }
    guard let found else { throw KernelError(.cannotRead, family: family, table: name.rawValue) }
    return found
  }

  /// Reads the table for the names of its user chains.
  public func chainNames(_ family: Family, _ name: TableName) throws(KernelError) -> [String] {
    try table(family, name).chainNames()
  }
}

/// Options of ``KernelTables/replace(_:_:)``.
public struct ReplaceOptions {
  /// Keeps the given counters of rules and policies, as `iptables-restore -c` does. Otherwise they start at 0.
  public var keepsCounters = false
  /// If set, an entry that the table had before keeps its counters, and a table that is the same is not written; in nf_tables, such a rule
  /// is not written either. The registry knows which bytes of a match or target the kernel uses for itself. With ``keepsCounters``, other entries have the given counters.
  public var carriesCounters: Registry?
  /// The tables from which the new ones were made, if they were: a table that another program has changed since is not replaced.
  public var basis: [TableBlob] = []
  /// Makes the new tables of a family anew from its loaded ones, in the same order; nil if the caller has to look at the loaded ones first.
  /// nf_tables calls it where ``basis`` is out of date: there is no lock that keeps other programs out between reading and replacing.
  public var renewed: (Ruleset) -> [TableBlob]? = { _ in nil }
  /// Where the change is recorded before it begins, so that ``KernelTables/recover(_:_:)`` can undo it after an interruption. Nil if the
  /// tables end with this process.
  public var state: StateDirectory?
  /// How the change is noted in the history of ``state``; nil if it is not.
  public var outcome: StateDirectory.Outcome? = .applied
  /// The ipsets that change with the tables. The caller has begun that change, and finishes it when the tables are replaced; if they are
  /// not, it has been undone.
  public var sets: SetChange?
  /// Loads the tables into a temporary network namespace first, so that the kernel refuses them there. Has no effect in nf_tables, which
  /// replaces all or none.
  public var triesFirst = false
  /// The places, among the tables to replace, of those to delete: before the change that is undone there were none. Only nf_tables can
  /// be without a table.
  package var deleted: Set<Int> = []
  /// If set, the tables are read back after all were replaced, and compared. The registry knows which bytes of a match or target the
  /// kernel uses for itself.
  public var comparison: Registry?
  /// The typed form of the table at an index, if the caller can make it. It is called only to find the rule that the kernel refused.
  public var typed: (Int) -> Table?

  /// Creates options; by default, counters start at 0, and neither a comparison nor the search for a refused rule is made.
  public init(keepsCounters: Bool = false, comparison: Registry? = nil, typed: @escaping (Int) -> Table? = { _ in nil }) {
    self.keepsCounters = keepsCounters
    self.comparison = comparison
    self.typed = typed
  }
}

extension ReplaceOptions {
  init(sets: SetChange, in state: StateDirectory?) {
    self.init()
    (self.sets, self.state) = (sets, state)
  }

  /// Whether ipsets change with the tables.
  var changesSets: Bool { sets.map { !$0.isEmpty } ?? false }

  /// Undoes the change of the sets after an error before which no table was replaced, or after which all are put back.
  ///
  /// - Returns: the error, with the sets that could not be put back.
  func undoSets(after error: KernelError) -> KernelError {
    guard let sets, changesSets else { return error }
    var error = error
    error.notRestored += sets.goBack()
    if error.notRestored.isEmpty { try? state?.cancel() }
    return error
  }
}

/// Rules of the kernel outside the tables of a backend.
public struct OtherRules: Sendable, Hashable, CustomStringConvertible {
  /// The part of the kernel that holds them.
  public enum Holder: String, Sendable, Hashable {
    /// A table of ip_tables or ip6_tables that is none of the five known ones.
    case legacy = "ip_tables"
    /// A table of nf_tables with a chain at a hook.
    case nfTables = "nf_tables"
  }
  /// The part of the kernel that holds them.
  public let holder: Holder
  /// The family as nft(8) writes it, such as `ip`, `ip6` or `inet`.
  public let family: String
  /// The name of the table, which may hold any byte but zero.
  public let table: String

  /// Creates a description of a table.
  public init(_ holder: Holder, family: String, table: String) {
    self.holder = holder
    self.family = family
    self.table = table
  }

  /// For messages: `nf_tables table inet firewalld`.
  public var description: String { "\(holder.rawValue) table \(family) \(table)" }
}
