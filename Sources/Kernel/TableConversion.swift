public import Compiler
public import Wire
public import XTables

extension KernelTable {
  /// Converts a typed table to the form that libiptc takes, with the masks needed to compare it when it is read back.
  public init(_ table: Table) {
    self.init(
      family: table.family, name: table.name.rawValue,
      chains: table.chainsInSaveOrder.map { chain in
        KernelChain(
          name: chain.name, policy: chain.policy.flatMap { KernelChain.Policy(rawValue: $0.rawValue) },
          counters: KernelCounters(packets: chain.counters.packets, bytes: chain.counters.bytes),
          rules: chain.rules.map { KernelRule($0, table.family) })
      })
  }
}

extension KernelRule {
  /// Converts a typed rule to an entry's bytes, with a mask of the bytes that the kernel uses for itself.
  public init(_ rule: Rule, _ family: AddressFamily) {
    let jump: String? =
      switch rule.target {
      case .none, .use: nil
      case .verdict(let verdict): verdict.rawValue
      case .jump(let chain), .goto(let chain): chain
      }
    var symbolic = rule
    if case .verdict = rule.target { symbolic.target = .none }
    self.init(entry: EntryEncoder(family: family).entry(symbolic), jump: jump, mask: Self.mask(rule, family))
  }

  /// The mask: 0 for the bytes at the end of a match's or target's structure that the kernel uses for itself.
  private static func mask(_ rule: Rule, _ family: AddressFamily) -> [UInt8]? {
    var uses = rule.matches
    if case .use(let use) = rule.target { uses.append(use) }
    guard uses.contains(where: { $0.descriptor.userSize < $0.descriptor.size }) else { return nil }
    var mask = [UInt8](repeating: 0xff, count: EntryLayout(family).size)
    for use in uses {
      mask += [UInt8](repeating: 0xff, count: 32 + use.descriptor.userSize)
      mask += [UInt8](repeating: 0, count: use.descriptor.size - use.descriptor.userSize)
    }
    if case .use = rule.target { return mask }
    return mask + [UInt8](repeating: 0xff, count: EntryLayout.standardTargetSize)
  }
}

extension TableBlob {
  /// Converts the kernel's table for ``TableDecompiler``; nil if the name is not one of the five known tables.
  public init?(_ raw: RawTable) {
    guard let name = TableName(rawValue: raw.name) else { return nil }
    self.init(
      name: name, family: raw.family, validHooks: raw.validHooks, hookEntries: raw.hookEntries,
      underflows: raw.underflows, entryCount: raw.entryCount, entries: raw.entries)
  }
}

extension RawTable {
  /// The table as typed rules.
  ///
  /// - Throws: `KernelError` if the table's name is unknown or an entry cannot be decoded.
  public func typed(_ registry: Registry) throws(KernelError) -> Table {
    guard let blob = TableBlob(self) else {
      throw KernelError(.malformed("there is no table of this name"), family: family, table: name)
    }
    do throws(DecompileError) {
      return try TableDecompiler(registry: registry).decompile(blob)
    } catch {
      throw KernelError(.malformed("the entry at offset \(error.offset) \(error.message)"), family: family, table: name)
    }
  }
}

extension RawTable {
  /// The kernel's form of typed rules, as iptables would commit them.
  ///
  /// - Precondition: `TableValidator` found no error.
  public init(_ table: Table) {
    let blob = TableCompiler().compile(table)
    self.init(
      family: blob.family, name: blob.name.rawValue, validHooks: blob.validHooks, hookEntries: blob.hookEntries,
      underflows: blob.underflows, entryCount: blob.entryCount, entries: blob.entries)
  }
}
