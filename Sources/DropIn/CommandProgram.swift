import Conntrack
import Diagnostics
import Kernel
import Syntax
import Wire
import XTables

/// `iptables` and `ip6tables`; the corresponding C function is `do_command4`.
extension Session {
  mutating func command(_ arguments: [String], _ family: Family) throws(Exit) -> Int32 {
    let words = Self.tokens(arguments)
    let parser = CommandParser(registry: registry, names: names, family: family, isRestore: false)
    var chains: [TableName: Set<String>] = [:]
    let command: Command
    do throws(OptionError) {
      command = try parser.parse(words, table: .filter, range: SourceRange(0..<0)) { table, name in
        if chains[table] == nil {
          let read = try? KernelTables().read(family, table.rawValue)
          chains[table] = Set(read?.chains.map(\.name) ?? table.hooks.map(\.name))
        }
        return chains[table]?.contains(name) == true
      }
    } catch {
      throw failure(error)
    }
    if command.flags.showsVersion {
      print("\(program.name) v\(Self.version) (legacy)")
      return 0
    }
    if command.flags.showsHelp {
      print(Help.text(program.name, family, command.helpSubjects))
      return 0
    }
    let lock = try lock(command.flags.wait)
    try perform(command, family)
    withExtendedLifetime(lock) {}
    return 0
  }

  /// Arguments of a command line as tokens whose ranges fit into the line that joins them with blanks.
  static func tokens(_ arguments: [String]) -> [Token] {
    var at = 0
    return arguments.map { argument in
      let bytes = ArraySlice(argument.utf8)
      defer { at += bytes.count + 1 }
      return Token(bytes, at: SourceRange(at..<at + bytes.count))
    }
  }

  private mutating func perform(_ command: Command, _ family: Family) throws(Exit) {
    let table = command.table ?? TableName.filter.rawValue
    switch command.verb {
    case .list(let number):
      try list(table, family, chain: command.chain, number: number, command.flags)
      if !command.zeroesAfterListing { return }
    case .listRules(let number):
      try listRules(table, family, chain: command.chain, number: number, verbose: command.flags.verbosity > 0)
      if !command.zeroesAfterListing { return }
    default: break
    }
    let editor: TableEditor
    do throws(KernelError) { editor = try TableEditor(family, table) } catch { throw noTable(table, family, error) }
    do throws(KernelError) {
      try edit(editor, command, family)
      if command.verb == .check { return }
      try editor.commit()
    } catch {
      throw failure(error)
    }
  }

  private mutating func edit(
    _ editor: borrowing TableEditor, _ command: Command, _ family: Family
  ) throws(KernelError) {
    let chain = command.chain ?? ""
    let isVerbose = command.flags.verbosity > 0
    for rule in command.rules where isVerbose && command.verb.takesRule {
      print(Listing(family: family, names: names).verboseLine(rule))
    }
    let rules = command.rules.map { KernelRule($0, family) }
    switch command.verb {
    case .append: for rule in rules { try editor.append(rule, to: chain) }
    case .insert(let number): for rule in rules { try editor.insert(rule, into: chain, at: number) }
    case .replace(let number): try editor.replace(rules[0], in: chain, at: number)
    case .delete, .check: try editMatching(editor, rules, command, family)
    case .deleteNumber(let number): try editor.delete(in: chain, at: number)
    case .zeroNumber(let number): try editor.zero(in: chain, at: number)
    case .newChain: try editor.createChain(chain)
    case .renameChain(let name): try editor.renameChain(chain, to: name)
    case .policy(let policy):
      let counters = command.policyCounters
      try editor.setPolicy(
        policy, of: chain, counters: counters.map { KernelCounters(packets: $0.packets, bytes: $0.bytes) })
    case .flush:
      try eachChain(editor, command, "Flushing") { editor, name throws(KernelError) in try editor.flush(name) }
    case .zero, .list, .listRules:
      try eachChain(editor, command, "Zeroing") { editor, name throws(KernelError) in try editor.zero(name) }
    case .deleteChain:
      try eachChain(editor, command, "Deleting") { editor, name throws(KernelError) in try editor.deleteChain(name) }
    }
  }

  /// `-D` and `-C` look for the first rule of the same bytes, whatever the kernel keeps for itself in it.
  private func editMatching(
    _ editor: borrowing TableEditor, _ rules: [KernelRule], _ command: Command, _ family: Family
  ) throws(KernelError) {
    for rule in rules {
      let chain = try editor.read()[chain: command.chain ?? ""]
      guard let index = chain?.rules.firstIndex(where: { rule.agrees(with: $0, family: family) }) else {
        throw KernelError(
          .refused, family: family, error: SystemError(number: 2),
          message: "Bad rule (does a matching rule exist in that chain?)")
      }
      if command.verb == .delete { try editor.delete(in: command.chain ?? "", at: index + 1) }
    }
  }

  /// The chain named, or all of them; `-X` passes over the built-in ones.
  private mutating func eachChain(
    _ editor: borrowing TableEditor, _ command: Command, _ doing: String,
    _ body: (borrowing TableEditor, String) throws(KernelError) -> Void
  ) throws(KernelError) {
    let isVerbose = command.flags.verbosity > 0
    if let chain = command.chain {
      if isVerbose { print("\(doing) chain `\(chain)'") }
      return try body(editor, chain)
    }
    for chain in try editor.read().chains where doing != "Deleting" || chain.policy == nil {
      if isVerbose { print("\(doing) chain `\(chain.name)'") }
      try body(editor, chain.name)
    }
  }
}
