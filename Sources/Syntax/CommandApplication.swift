import Diagnostics
import Netfilter
public import XTables

extension Table {
  /// Changes the table as the command says. The corresponding C functions are those of libiptc.
  ///
  /// - Throws: an error with `legacyStatus` `otherProblem`, because `iptables` and `iptables-restore` exit with status 1.
  public mutating func apply(_ command: Command) throws(OptionError) {
    switch command.verb {
    case .newChain: try newChain(command)
    case .deleteChain: try deleteChains(command)
    case .renameChain(let name): try rename(command, to: name)
    case .policy(let policy): try setPolicy(command, policy)
    case .flush: try eachChain(command) { $0.rules = [] }
    case .zero:
      try eachChain(command) { chain in
        chain.counters = .zero
        for index in chain.rules.indices { chain.rules[index].counters = .zero }
      }
    case .list, .listRules: break
    default: try editRules(command)
    }
  }

  private func refuse(_ id: String, _ message: String, _ command: Command, hint: String? = nil) -> OptionError {
    OptionError(id, message, at: command.chainRange, hint: hint, legacyStatus: .otherProblem)
  }

  func chainIndex(_ command: Command) throws(OptionError) -> Int {
    let name = command.chain ?? ""
    guard let index = index(of: name) else {
      throw refuse(
        "unknown-chain", "there is no chain `\(name)' in table \(self.name.rawValue)", command, hint: hint(forMissing: name, command))
    }
    return index
  }

  /// What to write instead of the name of a chain that the table does not have.
  private func hint(forMissing name: String, _ command: Command) -> String {
    let folded = name.uppercased()
    if let hook = Hook(name: folded) {
      guard !self.name.hooks.contains(hook) else { return "did you mean \(folded)? The names of chains are case-sensitive" }
      let targets = command.rules.compactMap { rule -> [TableName]? in
        guard case .use(let use) = rule.target else { return nil }
        return use.descriptor.scope(family).tables
      }
      var tables = TableName.allCases.filter { $0.hooks.contains(hook) && $0 != .security }
      if let wanted = targets.first, tables.contains(where: wanted.contains) { tables = tables.filter(wanted.contains) }
      let names = tables.map { "*\($0.rawValue)" }.joined(separator: " or ")
      let spelled = name == folded ? "" : ", and its name is written \(folded)"
      return "\(folded) is a chain of other tables: move the rule between \(names) and its COMMIT\(spelled)"
    }
    if let known = chains.first(where: { $0.name.uppercased() == folded }) {
      return "did you mean \(known.name)? The names of chains are case-sensitive"
    }
    return Spelling.nearest(to: name, in: chains.map(\.name)).map { "did you mean \($0)?" } ?? "declare it with :\(name) - [0:0]"
  }

  private mutating func editRules(_ command: Command) throws(OptionError) {
    let index = try chainIndex(command)
    let count = chains[index].rules.count
    func check(_ number: Int, upTo limit: Int, _ what: String) throws(OptionError) {
      if number > limit {
        throw refuse("bad-rule-number", "Index of \(what) too big.", command, hint: "the chain has \(count) rules")
      }
    }
    switch command.verb {
    case .append: update(at: index) { $0.rules.append(contentsOf: command.rules) }
    case .insert(let number):
      try check(number, upTo: count + 1, "insertion")
      update(at: index) { chain in
        for rule in command.rules { chain.rules.insert(rule, at: number - 1) }
      }
    case .replace(let number):
      try check(number, upTo: count, "replacement")
      update(at: index) { $0.rules[number - 1] = command.rules[0] }
    case .deleteNumber(let number):
      try check(number, upTo: count, "deletion")
      update(at: index) { _ = $0.rules.remove(at: number - 1) }
    case .zeroNumber(let number):
      try check(number, upTo: count, "zeroing")
      update(at: index) { $0.rules[number - 1].counters = .zero }
    default:
      for rule in command.rules {
        guard let position = chains[index].rules.firstIndex(where: { $0.isSame(as: rule) }) else {
          throw refuse(
            "no-such-rule", "Bad rule (does a matching rule exist in that chain?).", command,
            hint: "write the rule as iptables-save prints it")
        }
        if command.verb == .delete { update(at: index) { _ = $0.rules.remove(at: position) } }
      }
    }
  }

  private mutating func newChain(_ command: Command) throws(OptionError) {
    if !addChain(command.chain ?? "", source: command.chainRange) {
      throw refuse("duplicate-chain", "Chain already exists.", command)
    }
  }

  private mutating func deleteChains(_ command: Command) throws(OptionError) {
    let doomed: [String]
    if command.chain == nil {
      doomed = chains.filter { !$0.isBuiltin }.map(\.name)
    } else {
      doomed = [chains[try chainIndex(command)].name]
    }
    for name in doomed {
      guard let index = index(of: name) else { continue }
      if chains[index].isBuiltin {
        throw refuse("delete-builtin", "Can't delete built-in chain", command)
      }
      if !chains[index].rules.isEmpty {
        throw refuse("chain-not-empty", "Directory not empty.", command, hint: "flush `\(name)' first")
      }
      if chains.contains(where: { $0.rules.contains { $0.target.chain == name } }) {
        throw refuse("chain-in-use", "Too many links.", command, hint: "delete the rules that jump to `\(name)' first")
      }
      removeChain(at: index)
    }
  }

  private mutating func rename(_ command: Command, to name: String) throws(OptionError) {
    let index = try chainIndex(command)
    if chains[index].isBuiltin { throw refuse("rename-builtin", "Can't rename built-in chain", command) }
    if self.index(of: name) != nil || StandardVerdict(rawValue: name) != nil {
      throw refuse("duplicate-chain", "File exists.", command)
    }
    renameChain(at: index, to: name)
  }

  private mutating func setPolicy(_ command: Command, _ policy: String) throws(OptionError) {
    let index = try chainIndex(command)
    guard chains[index].isBuiltin else { throw refuse("bad-policy", "Bad built-in chain name.", command) }
    guard let verdict = StandardVerdict(rawValue: policy), verdict == .accept || verdict == .drop else {
      throw refuse("bad-policy", "Bad policy name. Run `dmesg' for more information.", command)
    }
    update(at: index) { $0.policy = verdict }
  }

  private mutating func eachChain(_ command: Command, _ body: (inout Chain) -> Void) throws(OptionError) {
    if command.chain == nil {
      for index in chains.indices { update(at: index) { body(&$0) } }
    } else {
      update(at: try chainIndex(command)) { body(&$0) }
    }
  }
}
