import Compiler
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
    let table = try editor.read()
    let listing = Listing(
      family: family, names: names,
      style: .columns(
        isNumeric: flags.isNumeric, isVerbose: flags.verbosity > 0, isExact: flags.isExact,
        showsNumbers: flags.showsLineNumbers))
    for (index, chain) in try chains(table, named: chain).enumerated() {
      if index > 0 { print("") }
      if number == nil {
        let references = table.chains.reduce(0) { sum, other in sum + other.rules.count { $0.jump == chain.name } }
        print(listing.header(chain, references: references))
        print(listing.columns)
      }
      for (position, entry) in chain.rules.enumerated() where number == nil || number == position + 1 {
        print(listing.line(try rule(entry, family), number: position + 1))
      }
    }
  }

  /// `-S`. The corresponding C function is `list_rules`.
  mutating func listRules(
    _ editor: borrowing TableEditor, _ family: Family, chain: String?, number: Int?, isVerbose: Bool
  ) throws(KernelError) {
    let chains = try chains(try editor.read(), named: chain)
    let printer = RulePrinter(family: family, names: names)
    for chain in chains where number == nil {
      guard let policy = chain.policy else {
        print("-N \(chain.name)")
        continue
      }
      let counters = isVerbose ? " -c \(chain.counters.packets) \(chain.counters.bytes)" : ""
      print("-P \(chain.name) \(policy.rawValue)\(counters)")
    }
    for chain in chains {
      for (position, entry) in chain.rules.enumerated() where number == nil || number == position + 1 {
        try print(try rule(entry, family), of: chain.name, printer, counters: isVerbose)
      }
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

  private func chains(_ table: KernelTable, named chain: String?) throws(KernelError) -> [KernelChain] {
    let chains = table.chains.filter { chain == nil || $0.name == chain }
    if chains.isEmpty {
      throw KernelError(.refused, error: SystemError(number: 2), message: "No chain/target/match by that name")
    }
    return chains
  }

  /// Decodes an entry of libiptc.
  func rule(_ entry: KernelRule, _ family: Family) throws(KernelError) -> Rule {
    do throws(DecompileError) {
      return try TableDecompiler(registry: registry).decompile(entry.entry, label: entry.jump, family)
    } catch {
      throw KernelError(.malformed(error.message), family: family, message: "a rule \(error.message)")
    }
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
