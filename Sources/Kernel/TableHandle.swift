internal import CIp4tc
internal import CNetfilter
internal import Glibc
internal import Wire

/// A table opened through libiptc: a snapshot that can be read, changed, and committed.
@safe struct TableHandle: ~Copyable {
  private let library: Libiptc
  private let handle: OpaquePointer
  let family: AddressFamily
  let name: String

  init(_ family: AddressFamily, _ name: String) throws(KernelError) {
    guard !name.isEmpty, name.utf8.count < 32, !name.utf8.contains(0) else {
      throw KernelError(.malformed("this is not a valid table name"), family: family, table: name)
    }
    let library = Libiptc(family)
    errno = 0
    guard let handle = unsafe library.initialise(name) else {
      let error = SystemError.last
      throw KernelError(
        .cannotRead, family: family, table: name, error: error, message: TableHandle.message(library, error))
    }
    self.library = library
    unsafe self.handle = handle
    self.family = family
    self.name = name
  }

  deinit { unsafe library.free(handle) }

  private static func message(_ library: Libiptc, _ error: SystemError) -> String? {
    unsafe library.message(error.number).map { unsafe String(cString: $0) }
  }

  private func failure(_ reason: KernelError.Reason = .refused, rule: RuleReference? = nil) -> KernelError {
    let error = SystemError.last
    return KernelError(
      reason, family: family, table: name, rule: rule, error: error, message: TableHandle.message(library, error))
  }

  // MARK: Reading

  func chainNames() -> [String] {
    var names: [String] = []
    var next = unsafe library.firstChain(handle)
    while let text = unsafe next {
      unsafe names.append(String(cString: text))
      unsafe next = library.nextChain(handle)
    }
    return names
  }

  func isChain(_ chain: String) -> Bool { unsafe library.isChain(chain, handle) }

  func isBuiltin(_ chain: String) -> Bool { unsafe library.isBuiltin(chain, handle) }

  /// The table with all its counters.
  func read() throws(KernelError) -> KernelTable {
    var chains: [KernelChain] = []
    for name in chainNames() {
      var chain = KernelChain(name: name)
      if isBuiltin(name) {
        var counters = xt_counters()
        guard let policy = unsafe library.policy(name, &counters, handle) else { throw failure(.cannotRead) }
        chain.policy = unsafe KernelChain.Policy(rawValue: String(cString: policy)) ?? .accept
        chain.counters = KernelCounters(packets: counters.pcnt, bytes: counters.bcnt)
      }
      chain.rules = try rules(of: name)
      chains.append(chain)
    }
    return KernelTable(family: family, name: name, chains: chains)
  }

  private func rules(of chain: String) throws(KernelError) -> [KernelRule] {
    let layout = EntryLayout(family)
    var rules: [KernelRule] = []
    var next = unsafe library.firstRule(chain, handle)
    while let entry = unsafe next {
      let size = Int(unsafe entry.loadUnaligned(fromByteOffset: layout.nextOffset, as: UInt16.self))
      let target = Int(unsafe entry.loadUnaligned(fromByteOffset: layout.targetOffset, as: UInt16.self))
      guard target >= layout.size, size >= target + 32, let label = unsafe library.target(entry, handle) else {
        throw failure(.cannotRead, rule: RuleReference(chain: chain, rule: rules.count + 1))
      }
      var rule = KernelRule(entry: unsafe [UInt8](UnsafeRawBufferPointer(start: entry, count: size)))
      rule.cleanNames(family)
      if rule.isStandard(family) {
        let name = unsafe String(cString: label)
        rule.jump = name.isEmpty ? nil : name
        rule.clearVerdict(family)
      }
      rules.append(rule)
      unsafe next = library.nextRule(entry, handle)
    }
    return rules
  }

  // MARK: Changing

  /// Replaces the table. Chains that the new table lacks are deleted; built-in ones are emptied and get the policy ACCEPT instead.
  func replace(by table: KernelTable, keepsCounters: Bool) throws(KernelError) {
    let existing = chainNames()
    for chain in existing { guard unsafe library.flush(chain, handle) else { throw failure() } }
    for chain in existing where !isBuiltin(chain) {
      guard unsafe library.deleteChain(chain, handle) else { throw failure() }
    }
    let named = Set(table.chains.map(\.name))
    for chain in existing where isBuiltin(chain) && !named.contains(chain) {
      try setPolicy(.accept, KernelCounters(), of: chain)
    }
    for chain in table.chains {
      if let policy = chain.policy {
        guard isBuiltin(chain.name) else {
          throw KernelError(.malformed("\(chain.name) is not a built-in chain and has no policy"), family: family, table: name)
        }
        try setPolicy(policy, keepsCounters ? chain.counters : KernelCounters(), of: chain.name)
      } else if !isBuiltin(chain.name) {
        try create(chain.name)
      }
    }
    for chain in table.chains {
      for (index, rule) in chain.rules.enumerated() {
        try append(rule, to: RuleReference(chain: chain.name, rule: index + 1), keepsCounters: keepsCounters)
      }
    }
  }

  private func setPolicy(_ policy: KernelChain.Policy, _ counters: KernelCounters, of chain: String) throws(KernelError) {
    var counters = xt_counters(pcnt: counters.packets, bcnt: counters.bytes)
    guard unsafe library.setPolicy(chain, policy.rawValue, &counters, handle) else { throw failure() }
  }

  private func create(_ chain: String) throws(KernelError) {
    guard !chain.isEmpty, chain.utf8.count < 32, !chain.utf8.contains(0) else {
      throw KernelError(.malformed("\(chain) is not a valid chain name: a name has 1 to 31 bytes"), family: family, table: name)
    }
    guard unsafe library.createChain(chain, handle) else { throw failure() }
  }

  private func append(_ rule: KernelRule, to place: RuleReference, keepsCounters: Bool) throws(KernelError) {
    try unsafe put(rule, at: place, keepsCounters: keepsCounters) { [library, handle = unsafe handle] label, entry in
      unsafe library.append(label, entry, handle)
    }
  }

  /// Passes a rule's entry to libiptc, with the label of its chain.
  private func put(
    _ rule: KernelRule, at place: RuleReference, keepsCounters: Bool,
    _ body: (UnsafePointer<CChar>, UnsafeRawPointer) -> Bool
  ) throws(KernelError) {
    let (family, table) = (family, name)
    let malformed = { (text: String) in KernelError(.malformed(text), family: family, table: table, rule: place) }
    guard place.chain.utf8.count < 32, rule.isWhole(family) else { throw malformed("the entry's offsets do not fit its bytes") }
    var rule = rule
    if !keepsCounters { rule.setCounters(KernelCounters(), family) }
    if let jump = rule.jump {
      guard rule.isStandard(family), jump.utf8.count < EntryLayout.nameLength else {
        throw malformed("this entry cannot contain a jump to \(jump)")
      }
      rule.setTargetName(jump, family)
    }
    // libiptc reads the label as a buffer of 32 bytes.
    var label = Array(place.chain.utf8CString) + [CChar](repeating: 0, count: 32)
    label.removeLast(label.count - 32)
    let isDone = unsafe rule.entry.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return false }
      return unsafe label.withUnsafeBufferPointer { text in
        guard let text = text.baseAddress else { return false }
        return unsafe body(text, base)
      }
    }
    guard isDone else { throw failure(rule: place) }
  }

  // MARK: Single changes, as the iptables commands make them

  func appendRule(_ rule: KernelRule, to chain: String) throws(KernelError) {
    try append(rule, to: RuleReference(chain: chain, rule: 0), keepsCounters: true)
  }

  func insertRule(_ rule: KernelRule, into chain: String, at number: Int) throws(KernelError) {
    try unsafe put(rule, at: RuleReference(chain: chain, rule: number), keepsCounters: true) {
      [library, handle = unsafe handle] label, entry in
      unsafe library.insert(label, entry, UInt32(number - 1), handle)
    }
  }

  func replaceRule(_ rule: KernelRule, in chain: String, at number: Int) throws(KernelError) {
    try unsafe put(rule, at: RuleReference(chain: chain, rule: number), keepsCounters: true) {
      [library, handle = unsafe handle] label, entry in
      unsafe library.replaceRule(label, entry, UInt32(number - 1), handle)
    }
  }

  /// Deletes the first rule that equals this one under its mask, or with `checkingOnly` checks that there is one.
  func deleteRule(_ rule: KernelRule, in chain: String, checkingOnly: Bool) throws(KernelError) {
    var mask = rule.mask ?? [UInt8](repeating: 0xff, count: rule.entry.count)
    let action = unsafe checkingOnly ? library.hasEqual : library.deleteEqual
    try unsafe put(rule, at: RuleReference(chain: chain, rule: 0), keepsCounters: true) { [handle = unsafe handle] label, entry in
      unsafe mask.withUnsafeMutableBufferPointer { bytes in
        guard let base = bytes.baseAddress else { return false }
        return unsafe action(label, entry, base, handle)
      }
    }
  }

  func message(of error: SystemError) -> String? { TableHandle.message(library, error) }

  /// Prints libiptc's internal state to standard output.
  func dump() {
    unsafe library.dump(handle)
    fflush(nil)
  }

  func deleteRule(in chain: String, at number: Int) throws(KernelError) {
    guard unsafe library.deleteRule(chain, UInt32(number - 1), handle) else { throw failure() }
  }

  func flush(_ chain: String) throws(KernelError) { guard unsafe library.flush(chain, handle) else { throw failure() } }

  func zero(_ chain: String) throws(KernelError) { guard unsafe library.zero(chain, handle) else { throw failure() } }

  func zeroRule(in chain: String, at number: Int) throws(KernelError) {
    guard unsafe library.zeroRule(chain, UInt32(number), handle) else { throw failure() }
  }

  func createChain(_ chain: String) throws(KernelError) { try create(chain) }

  func deleteChain(_ chain: String) throws(KernelError) {
    guard unsafe library.deleteChain(chain, handle) else { throw failure() }
  }

  func renameChain(_ chain: String, to name: String) throws(KernelError) {
    guard unsafe library.renameChain(chain, name, handle) else { throw failure() }
  }

  func setPolicy(_ policy: String, of chain: String, _ counters: KernelCounters?) throws(KernelError) {
    guard let counters else {
      guard unsafe library.setPolicy(chain, policy, nil, handle) else { throw failure() }
      return
    }
    var words = xt_counters(pcnt: counters.packets, bcnt: counters.bytes)
    guard unsafe library.setPolicy(chain, policy, &words, handle) else { throw failure() }
  }

  /// Commits the table. The kernel checks it as a whole and returns only an error number.
  func commit() throws(KernelError) {
    errno = 0
    guard unsafe library.commit(handle) else { throw failure() }
  }
}

extension KernelRule {
  private func targetOffset(_ family: AddressFamily) -> Int? {
    entry.hostWord(UInt16.self, at: EntryLayout(family).targetOffset).map { Int($0) }
  }

  /// True if the target is the kernel's standard target, a verdict or a jump, which has no name.
  func isStandard(_ family: AddressFamily) -> Bool {
    guard let at = targetOffset(family), let size = entry.hostWord(UInt16.self, at: at) else { return false }
    return Int(size) == EntryLayout.standardTargetSize && at + Int(size) <= entry.count && entry[at + EntryLayout.name] == 0
  }

  /// True if the entry's offsets lie within it and its target ends at the entry's end.
  func isWhole(_ family: AddressFamily) -> Bool {
    let layout = EntryLayout(family)
    guard let at = targetOffset(family), let end = entry.hostWord(UInt16.self, at: layout.nextOffset) else { return false }
    guard at >= layout.size, Int(end) == entry.count, let size = entry.hostWord(UInt16.self, at: at) else { return false }
    return size >= 32 && at + Int(size) <= entry.count && entry.count % 8 == 0
  }

  /// Clears the bytes after the final zero in the names of matches and targets. The kernel does not write them when the table is read, so
  /// they hold uninitialised memory of the reader.
  mutating func cleanNames(_ family: AddressFamily) {
    guard let target = targetOffset(family) else { return }
    var at = EntryLayout(family).size
    while at <= target, at + 32 <= entry.count, let size = entry.hostWord(UInt16.self, at: at) {
      let field = (at + EntryLayout.name)..<(at + EntryLayout.name + EntryLayout.nameLength)
      if let end = entry[field].firstIndex(of: 0) {
        for index in end..<field.upperBound { entry[index] = 0 }
      }
      guard size >= 32 else { return }
      at += Int(size)
    }
  }

  mutating func clearVerdict(_ family: AddressFamily) {
    guard let at = targetOffset(family) else { return }
    entry.setHostWord(UInt32(0), at: at + EntryLayout.verdict)
  }

  mutating func setTargetName(_ name: String, _ family: AddressFamily) {
    guard let at = targetOffset(family), at + EntryLayout.standardTargetSize <= entry.count else { return }
    for (index, byte) in name.utf8.enumerated() where index < EntryLayout.nameLength - 1 {
      entry[at + EntryLayout.name + index] = byte
    }
  }
}
