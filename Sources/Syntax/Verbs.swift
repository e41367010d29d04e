import Conntrack
import Diagnostics
import Wire
import XTables

/// What each command letter takes, and what a finished line must not hold.
extension CommandRun {
  mutating func takeVerb(_ option: GlobalOption, word: Token, attached: Token?) throws(OptionError) {
    if inverted {
      throw OptionError("not-invertible", "unexpected '!' flag", at: invertedAt ?? word.range)
    }
    if option == .zero, verbOption == .list || verbOption == .listRules {
      zeroesAfterListing = true
      return
    }
    if verb != nil {
      throw OptionError(
        "two-commands", "Cannot use -\(option.letter) with -\(verbOption?.letter ?? option.letter)\n", at: word.range,
        hint: "a line holds one command")
    }
    verbOption = option
    chain = option.argument == .required ? try argument(after: word, attached: attached) : attached ?? looseArgument()
    switch option {
    case .append: verb = .append
    case .check: verb = .check
    case .newChain:
      verb = .newChain
      if let chain { try checkNewName(chain) }
    case .deleteChain: verb = .deleteChain
    case .flush: verb = .flush
    case .delete: verb = try looseNumber().map { .deleteNumber($0) } ?? .delete
    case .insert: verb = .insert(at: try looseNumber() ?? 1)
    case .replace:
      guard let number = try looseNumber() else {
        throw OptionError("missing-argument", "-R requires a rule number", at: word.range)
      }
      verb = .replace(at: number)
    case .zero: verb = try looseNumber().map { .zeroNumber($0) } ?? .zero
    case .list: verb = .list(number: try looseNumber())
    case .listRules: verb = .listRules(number: try looseNumber())
    case .renameChain:
      guard let name = looseArgument() else {
        throw OptionError("missing-argument", "-E requires old-chain-name and new-chain-name", at: word.range)
      }
      verb = .renameChain(to: name.string)
    default:
      guard let policy = looseArgument() else {
        throw OptionError("missing-argument", "-P requires a chain and a policy", at: word.range)
      }
      verb = .policy(policy.string)
    }
  }

  private mutating func looseNumber() throws(OptionError) -> Int? {
    guard let token = looseArgument() else { return nil }
    guard let number = token.unsigned, let rule = Int(exactly: number), rule >= 1, rule <= Int(Int32.max) else {
      throw OptionError("bad-rule-number", "Invalid rule number `\(token.string)'", at: token.range)
    }
    return rule
  }

  /// The corresponding C function is `assert_valid_chain_name`.
  private func checkNewName(_ name: Token) throws(OptionError) {
    if name.bytes.count >= 29 {
      throw OptionError("long-chain-name", "chain name `\(name.string)' too long (must be under 29 chars)", at: name.range)
    }
    if let first = name.bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "!") {
      throw OptionError("bad-chain-name", "chain name not allowed to start with `\(Character(UnicodeScalar(first)))'\n", at: name.range)
    }
    if parser.registry.target(named: name.string, parser.family) != nil || StandardVerdict(rawValue: name.string) != nil {
      throw OptionError("bad-chain-name", "chain name may not clash with target name\n", at: name.range)
    }
    if name.bytes.contains(where: { Lexer.isBlank($0) }) {
      throw OptionError("bad-chain-name", "Invalid chain name `\(name.string)'", at: name.range)
    }
  }

  mutating func finish(isChain: (TableName, String) -> Bool) throws(OptionError) -> Command {
    if flags.isForOtherFamily || flags.showsVersion || flags.showsHelp {
      return command(.check, rules: [])
    }
    try checkNoDropInNat()
    let draft = builder.draft(family: parser.family, table: table)
    try builder.finishExtensions(draft)
    guard let verb else { throw OptionError("no-command", "no command specified", at: range) }
    if inverted {
      throw OptionError("dangling-negation", "nothing appropriate following !", at: invertedAt)
    }
    let isMultiple = builder.sources.count > 1 || builder.destinations.count > 1
    if isMultiple, !builder.header.inverted.isDisjoint(with: [.source, .destination]) {
      throw OptionError(
        "inverted-list", "! not allowed with multiple source or destination IP addresses",
        at: builder.range(of: .source) ?? builder.range(of: .destination))
    }
    try checkOptions(verb, isMultiple: isMultiple)
    guard verb.takesRule else { return command(verb, rules: []) }
    try checkInterfaces()
    let target = try resolveTarget(isChain: isChain)
    return command(verb, rules: try builder.finish(draft, target: target, source: range))
  }

  private func command(_ verb: Command.Verb, rules: [Rule]) -> Command {
    Command(
      verb: verb, zeroesAfterListing: zeroesAfterListing, chain: chain?.string, chainRange: chain?.range ?? range,
      rules: rules, table: tableWord?.string,
      policyCounters: builder.range(of: .counters) == nil ? nil : builder.counters, flags: flags, helpSubjects: helpSubjects)
  }

  private func checkNoDropInNat() throws(OptionError) {
    guard table == .nat, builder.jump?.string == "DROP" || verb == .policy("DROP") else { return }
    throw OptionError(
      "drop-in-nat",
      "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n",
      at: builder.jump?.range ?? range, hint: "only the first packet of a connection passes here: drop in filter or raw")
  }

  /// Which options go with which command; the corresponding C function is `generic_opt_check`.
  private func checkOptions(_ verb: Command.Verb, isMultiple: Bool) throws(OptionError) {
    let allowed: [GlobalOption] =
      switch verb {
      case .append, .insert, .replace: [.source, .destination, .protocol, .jump, .input, .output, .fragment, .counters]
      case .delete, .check: [.source, .destination, .protocol, .jump, .input, .output, .fragment]
      case .list: [.numeric, .exact, .lineNumbers]
      case .policy: [.counters]
      default: []
      }
    for (option, range) in builder.given where !allowed.contains(option) {
      throw OptionError("illegal-option", "Illegal option `-\(option.letter)' with this command", at: range)
    }
    if isMultiple, case .replace = verb {
      throw OptionError("replace-many", "Replacement rule does not specify a unique address", at: range)
    }
    if let chain, chain.bytes.count >= 29 {
      throw OptionError(
        "long-chain-name", "chain name `\(chain.string)' too long (must be under 29 chars)", at: chain.range)
    }
  }

  private func checkInterfaces() throws(OptionError) {
    switch chain?.string {
    case "PREROUTING", "INPUT":
      if let range = builder.range(of: .output) {
        throw OptionError(
          "wrong-interface-option", "Can't use -o with \(chain?.string ?? "")\n", at: range,
          hint: "a packet has no outgoing interface before it is routed")
      }
    case "POSTROUTING", "OUTPUT":
      if let range = builder.range(of: .input) {
        throw OptionError(
          "wrong-interface-option", "Can't use -i with \(chain?.string ?? "")\n", at: range,
          hint: "a packet on its way out has no incoming interface here")
      }
    default: break
    }
  }

  private func resolveTarget(isChain: (TableName, String) -> Bool) throws(OptionError) -> RuleTarget {
    guard let jump = builder.jump else { return .none }
    let name = jump.string
    if isChain(table, name) {
      if Hook(name: name) != nil {
        throw OptionError(
          "jump-to-builtin", "cannot jump to the built-in chain \(name)", at: jump.range, legacyStatus: .otherProblem)
      }
      return builder.isGoto ? .goto(name) : .jump(name)
    }
    if builder.isGoto {
      throw OptionError("goto-no-chain", "goto '\(name)' is not a chain\n", at: jump.range)
    }
    if let verdict = StandardVerdict(rawValue: name) { return .verdict(verdict) }
    if let target = builder.target {
      return .use(ExtensionUse(target.descriptor, payload: target.payload))
    }
    let known = Spelling.nearest(
      to: name, in: parser.registry.names(.target, parser.family) + StandardVerdict.allCases.map(\.rawValue))
    throw OptionError(
      "unknown-target", "Couldn't load target `\(name)':No such file or directory", at: jump.range,
      hint: known.map { "did you mean \($0)?" } ?? "a user chain must be declared before it is jumped to")
  }
}

extension Command.Verb {
  /// The command speaks of a rule given in full.
  public var takesRule: Bool {
    switch self {
    case .append, .insert, .replace, .delete, .check: true
    default: false
    }
  }
}
