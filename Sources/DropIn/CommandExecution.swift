import Kernel
import Syntax
import Wire
import XTables

/// Executes a command on an open table. The corresponding C functions are the second halves of `do_command4` and `do_command6`.
extension Session {
  /// - Throws: the refusal of libiptc. If libiptc refuses several parts of one command, the last refusal.
  mutating func perform(
    _ command: Command, _ editor: borrowing TableEditor, _ family: Family
  ) throws(KernelError) {
    guard command.flags.verbosity > 1 else { return try change(command, editor, family) }
    do throws(KernelError) {
      try change(command, editor, family)
      flush()
      editor.dump()
    } catch {
      flush()
      editor.dump()
      // The dump resets libiptc's record of the function that refused.
      var refusal = error
      refusal.message = error.error.flatMap { editor.message(of: $0) } ?? error.message
      throw refusal
    }
  }

  private mutating func change(
    _ command: Command, _ editor: borrowing TableEditor, _ family: Family
  ) throws(KernelError) {
    let isVerbose = command.flags.verbosity > 0
    let chain = command.chain ?? ""
    switch command.verb {
    case .append, .insert, .replace, .delete, .check: try performOnRules(command, editor, family)
    case .deleteNumber(let number): try editor.delete(in: chain, at: number)
    case .zeroNumber(let number): try editor.zero(in: chain, at: number)
    case .newChain: try editor.createChain(chain)
    case .renameChain(let name): try editor.renameChain(chain, to: name)
    case .policy(let policy):
      try editor.setPolicy(policy, of: chain, counters: command.policyCounters)
    case .flush: try flush(command.chain, editor, isVerbose: isVerbose)
    case .deleteChain: try deleteChains(command.chain, editor, isVerbose: isVerbose)
    case .zero: try zero(command.chain, editor, isVerbose: isVerbose)
    case .list(let number):
      try list(editor, family, chain: command.chain, number: number, command.flags)
      try zero(after: command, editor)
    case .listRules(let number):
      try listRules(editor, family, chain: command.chain, number: number, isVerbose: isVerbose)
      try zero(after: command, editor)
    }
  }

  private mutating func zero(after command: Command, _ editor: borrowing TableEditor) throws(KernelError) {
    switch command.zeroing {
    case .none: break
    case .chain: try zero(command.chain, editor, isVerbose: command.flags.verbosity > 0)
    case .rule(let number): try editor.zero(in: command.chain ?? "", at: number)
    }
  }

  private mutating func performOnRules(
    _ command: Command, _ editor: borrowing TableEditor, _ family: Family
  ) throws(KernelError) {
    let chain = command.chain ?? ""
    let listing = command.flags.verbosity > 0 ? Listing(family: family, names: names, style: .ruleLine) : nil
    var refusal: KernelError?
    for rule in command.rules {
      try checkAddresses(rule, family)
      if let listing { print(listing.ruleLine(rule)) }
      do throws(KernelError) {
        switch command.verb {
        case .append: try editor.append(rule, to: chain)
        case .insert(let number): try editor.insert(rule, into: chain, at: number)
        case .replace(let number): try editor.replace(rule, in: chain, at: number)
        case .delete: try editor.delete(rule, in: chain)
        default: try editor.check(rule, in: chain)
        }
      } catch {
        refusal = error
      }
    }
    if let refusal { throw refusal }
  }

  /// Refuses a rule in which an extension of libxtables has stored an address of its own process.
  private func checkAddresses(_ rule: Rule, _ family: Family) throws(KernelError) {
    var uses = rule.matches
    if case .use(let use) = rule.target { uses.append(use) }
    for use in uses where use.descriptor.isMeaningUnknown {
      do throws(OptionError) {
        try use.descriptor.check(use.payload, rule.site(in: .filter, family, hooks: []))
      } catch {
        throw KernelError(.malformed(error.message), message: error.message)
      }
    }
  }

  /// Empties a chain, or all chains.
  mutating func flush(_ chain: String?, _ editor: borrowing TableEditor, isVerbose: Bool) throws(KernelError) {
    try forEach(chain.map { [$0] } ?? editor.chainNames, "Flushing", isVerbose) { name throws(KernelError) in
      try editor.flush(name)
    }
  }

  /// Deletes a chain, or all user chains.
  mutating func deleteChains(_ chain: String?, _ editor: borrowing TableEditor, isVerbose: Bool) throws(KernelError) {
    let chains = chain.map { [$0] } ?? editor.chainNames.filter { !editor.isBuiltin($0) }
    try forEach(chains, "Deleting", isVerbose) { name throws(KernelError) in try editor.deleteChain(name) }
    if chain == nil { try editor.evictIdle() }
  }

  private mutating func zero(_ chain: String?, _ editor: borrowing TableEditor, isVerbose: Bool) throws(KernelError) {
    try forEach(chain.map { [$0] } ?? editor.chainNames, "Zeroing", isVerbose) { name throws(KernelError) in
      try editor.zero(name)
    }
  }

  /// Continues after a refusal, and throws the last one.
  private mutating func forEach(
    _ chains: [String], _ doing: String, _ isVerbose: Bool,
    _ body: (String) throws(KernelError) -> Void
  ) throws(KernelError) {
    var refusal: KernelError?
    for name in chains {
      if isVerbose { print("\(doing) chain `\(name)'") }
      do throws(KernelError) { try body(name) } catch { refusal = error }
    }
    if let refusal { throw refusal }
  }
}
