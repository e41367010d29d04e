import Kernel
import Syntax
import Wire
import XTables

/// Executes `-L` and `-S`, also in `iptables-restore`: they show the table with the changes so far.
extension Session {
  /// `-L`. The corresponding C function is `list_entries`.
  mutating func list(
    _ editor: borrowing TableEditor, _ family: Family, chain: String?, number: Int?, _ flags: Command.Flags
  ) throws(KernelError) {
    let listing = Listing(
      family: family, names: names,
      style: .columns(
        isNumeric: flags.isNumeric, isVerbose: flags.verbosity > 0, isExact: flags.isExact,
        showsNumbers: flags.showsLineNumbers))
    for (index, chain) in try chains(editor, named: chain).enumerated() {
      if index > 0 { print("") }
      if number == nil {
        if let (policy, counters) = try editor.policy(of: chain) {
          print(listing.header(chain, policy: policy, counters))
        } else {
          print(listing.header(chain, references: try editor.references(to: chain)))
        }
        print(listing.columns)
      }
      try forEachRule(of: chain, number, editor) { session, rule, position in session.print(listing.line(rule, number: position)) }
    }
  }

  /// `-S`. The corresponding C function is `list_rules`.
  mutating func listRules(
    _ editor: borrowing TableEditor, _ family: Family, chain: String?, number: Int?, isVerbose: Bool
  ) throws(KernelError) {
    let chains = try chains(editor, named: chain)
    let printer = RulePrinter(family: family, names: names)
    for chain in chains where number == nil {
      guard let (policy, counts) = try editor.policy(of: chain) else {
        print("-N \(chain)")
        continue
      }
      print("-P \(chain) \(policy.rawValue)" + (isVerbose ? " -c \(counts.packets) \(counts.bytes)" : ""))
    }
    for chain in chains {
      try forEachRule(of: chain, number, editor) { session, rule, _ throws(KernelError) in
        try session.print(rule, of: chain, printer, counters: isVerbose)
      }
    }
  }

  /// Passes the rules of a chain with their numbers to `body`; only the one with a number if it is given.
  private mutating func forEachRule(
    of chain: String, _ only: Int?, _ editor: borrowing TableEditor,
    _ body: (inout Session, Rule, Int) throws(KernelError) -> Void
  ) throws(KernelError) {
    var position = 0
    try editor.forEachRule(of: chain, registry) { rule throws(KernelError) in
      position += 1
      if only == nil || only == position { try body(&self, rule, position) }
    }
  }

  /// Prints a rule as iptables-save does. A rule that cannot be printed ends the program in the middle of the line, as in iptables.
  mutating func print(
    _ rule: Rule, of chain: String, _ printer: RulePrinter, counters: Bool = false
  ) throws(KernelError) {
    guard let (kind, unknown) = rule.firstUnknown else {
      return print(printer.line(rule, chain: chain, counters: counters))
    }
    var begun = rule
    begun.target = .none
    if kind == .match { begun.matches = Array(rule.matches.prefix { $0.descriptor !== unknown }) }
    put(printer.line(begun, chain: chain, counters: counters && kind == .target))
    let message = "Can't find library for \(kind.rawValue) `\(unknown.name)'"
    throw KernelError(.malformed("a rule holds the unknown \(kind.rawValue) `\(unknown.name)'"), message: message)
  }

  private mutating func chains(_ editor: borrowing TableEditor, named chain: String?) throws(KernelError) -> [String] {
    if editor.hasOtherBaseChains {
      print("# Table `\(editor.tableName)' contains incompatible base-chains, use 'nft' tool to list them.")
    }
    if backend == .nft, !editor.isExpressible(chain) || chain.map({ !editor.isChain($0) }) ?? false {
      let place = chain.map { "chain `\($0)' in " } ?? ""
      let message = "\(versionLine): \(place)table `\(editor.tableName)' is incompatible, use 'nft' tool."
      throw KernelError(.malformed(message), message: message)
    }
    guard let chain else { return editor.chainNames }
    guard editor.isChain(chain) else {
      throw KernelError(.refused, error: SystemError(number: 2), message: "No chain/target/match by that name")
    }
    return [chain]
  }
}

extension Rule {
  /// The first match or target of the rule that cannot be printed, with its kernel name.
  fileprivate var firstUnknown: (kind: ExtensionDescriptor.Kind, ExtensionDescriptor)? {
    var uses = matches
    if case .use(let use) = target { uses.append(use) }
    for use in uses {
      if case .unknown(isNameKnown: false) = use.descriptor.origin { return (use.descriptor.kind, use.descriptor) }
    }
    return nil
  }
}
