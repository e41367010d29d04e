internal import CIp4tc
internal import CNetfilter
internal import Compiler
internal import Glibc
internal import Wire
internal import XTables

/// A table opened through libiptc: a snapshot that can be read, changed, and committed.
@safe final class TableHandle: EditableTable {
  private let library: Libiptc
  private let handle: OpaquePointer
  let family: Family
  let name: String

  init(_ family: Family, _ name: String) throws(KernelError) {
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

  func isExpressible(_ chain: String?) -> Bool { true }
  var hasOtherBaseChains: Bool { false }

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

  /// The policy of a built-in chain and its counters; nil for a user's chain.
  func policy(of chain: String) throws(KernelError) -> (verdict: StandardVerdict, counters: Counters)? {
    guard isBuiltin(chain) else { return nil }
    var counters = xt_counters()
    guard let policy = unsafe library.policy(chain, &counters, handle) else { throw failure(.cannotRead) }
    let verdict = unsafe StandardVerdict(rawValue: String(cString: policy)) ?? .accept
    return (verdict, Counters(packets: counters.pcnt, bytes: counters.bcnt))
  }

  /// The number of rules that jump to a user's chain.
  func references(to chain: String) throws(KernelError) -> Int {
    var count: UInt32 = 0
    guard unsafe library.references(&count, chain, handle) else { throw failure(.cannotRead) }
    return Int(count)
  }

  /// Decodes the rules of a chain one after the other.
  func forEachRule(of chain: String, _ registry: Registry, _ body: (Rule) throws(KernelError) -> Void) throws(KernelError) {
    let layout = EntryLayout(family)
    let decompiler = TableDecompiler(registry: registry)
    var number = 0
    var next = unsafe library.firstRule(chain, handle)
    while let entry = unsafe next {
      number += 1
      let size = Int(unsafe entry.loadUnaligned(fromByteOffset: layout.nextOffset, as: UInt16.self))
      guard size >= layout.size, let label = unsafe library.target(entry, handle) else {
        throw failure(.cannotRead, rule: RuleReference(chain: chain, rule: number))
      }
      let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: entry, count: size))
      let rule: Rule
      do throws(DecompileError) {
        rule = try decompiler.decompile(bytes, label: unsafe String(cString: label), family)
      } catch {
        throw KernelError(.malformed(error.message), family: family, message: "a rule \(error.message)")
      }
      try body(rule)
      unsafe next = library.nextRule(entry, handle)
    }
  }

  // MARK: Changing single rules, as the iptables commands do

  /// Passes a rule's entry to libiptc, with the label of its chain. libiptc takes the destination of a jump as the name of the target.
  private func put(
    _ rule: Rule, at place: RuleReference, _ body: (UnsafePointer<CChar>, UnsafeRawPointer) -> Bool
  ) throws(KernelError) {
    let (family, table) = (family, name)
    let malformed = { (text: String) in KernelError(.malformed(text), family: family, table: table, rule: place) }
    let encoder = EntryEncoder(family: family)
    guard place.chain.utf8.count < 32 else { throw malformed("\(place.chain) is too long for a chain") }
    guard encoder.size(rule) <= Int(UInt16.max) else { throw malformed("the rule takes more than \(UInt16.max) bytes") }
    var plain = rule
    var jump: String?
    switch rule.target {
    case .none, .use: break
    case .verdict(let verdict): (jump, plain.target) = (verdict.rawValue, .none)
    case .jump(let chain), .goto(let chain): jump = chain
    }
    var entry = encoder.entry(plain)
    if let jump {
      guard jump.utf8.count < EntryLayout.nameCapacity else { throw malformed("no jump to \(jump) can stand in an entry") }
      let at = entry.count - EntryLayout.standardTarget + EntryLayout.name
      entry.replaceSubrange(at..<(at + jump.utf8.count), with: jump.utf8)
    }
    // libiptc reads the label as a buffer of 32 bytes.
    var label = Array(place.chain.utf8CString) + [CChar](repeating: 0, count: 32)
    label.removeLast(label.count - 32)
    let isDone = unsafe entry.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return false }
      return unsafe label.withUnsafeBufferPointer { text in
        guard let text = text.baseAddress else { return false }
        return unsafe body(text, base)
      }
    }
    guard isDone else { throw failure(rule: place) }
  }

  func appendRule(_ rule: Rule, to chain: String) throws(KernelError) {
    try unsafe put(rule, at: RuleReference(chain: chain, rule: 0)) { [library, handle = unsafe handle] label, entry in
      unsafe library.append(label, entry, handle)
    }
  }

  func insertRule(_ rule: Rule, into chain: String, at number: Int) throws(KernelError) {
    try unsafe put(rule, at: RuleReference(chain: chain, rule: number)) { [library, handle = unsafe handle] label, entry in
      unsafe library.insert(label, entry, UInt32(number - 1), handle)
    }
  }

  func replaceRule(_ rule: Rule, in chain: String, at number: Int) throws(KernelError) {
    try unsafe put(rule, at: RuleReference(chain: chain, rule: number)) { [library, handle = unsafe handle] label, entry in
      unsafe library.replaceRule(label, entry, UInt32(number - 1), handle)
    }
  }

  /// Deletes the first rule that equals this one, or with `checkingOnly` checks that there is one. Bytes that the kernel uses for itself
  /// are not compared.
  func deleteRule(_ rule: Rule, in chain: String, checkingOnly: Bool) throws(KernelError) {
    let encoder = EntryEncoder(family: family)
    var mask = encoder.mask(rule) ?? [UInt8](repeating: 0xff, count: encoder.size(rule))
    let action = unsafe checkingOnly ? library.hasEqual : library.deleteEqual
    try unsafe put(rule, at: RuleReference(chain: chain, rule: 0)) { [handle = unsafe handle] label, entry in
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

  /// Does nothing: the built-in chains stay.
  func evictIdle() throws(KernelError) {}

  /// Does nothing more than flushing and deleting all chains did.
  func clear() throws(KernelError) {}

  func declareChain(_ chain: String) throws(KernelError) {
    if isChain(chain) { try flush(chain) } else { try createChain(chain) }
  }

  /// Does nothing: all built-in chains are there.
  func needChain(_ chain: String) throws(KernelError) {}

  func createChain(_ chain: String) throws(KernelError) {
    guard !chain.isEmpty, chain.utf8.count < 32, !chain.utf8.contains(0) else {
      throw KernelError(.malformed("\(chain) is not a valid chain name: a name has 1 to 31 bytes"), family: family, table: name)
    }
    guard unsafe library.createChain(chain, handle) else { throw failure() }
  }

  func deleteChain(_ chain: String) throws(KernelError) {
    guard unsafe library.deleteChain(chain, handle) else { throw failure() }
  }

  func renameChain(_ chain: String, to name: String) throws(KernelError) {
    guard unsafe library.renameChain(chain, name, handle) else { throw failure() }
  }

  func setPolicy(_ policy: String, of chain: String, _ counters: Counters?) throws(KernelError) {
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
