import Conntrack
import Diagnostics
import Wire
import XTables

/// Handles the command letters, and checks a finished line.
extension CommandRun {
  mutating func takeVerb(_ option: GlobalOption, word: OptionWord, attached: Token?) throws(OptionError) {
    switch option {
    case .append:
      try take(.append, word, chain: argument(after: word, attached: attached))
      keep(.chain, attached)
    case .check: try take(.check, word, chain: argument(after: word, attached: attached))
    case .newChain:
      let name = try argument(after: word, attached: attached)
      try checkNewName(name)
      try take(.newChain, word, chain: name)
    case .delete:
      try take(.delete, word, chain: argument(after: word, attached: attached))
      if try takeNumber() { commands = .deleteNumber }
    case .insert:
      try take(.insert, word, chain: argument(after: word, attached: attached))
      if try !takeNumber() { ruleNumber = 1 }
    case .replace:
      try take(.replace, word, chain: argument(after: word, attached: attached))
      if try !takeNumber() {
        throw OptionError("missing-argument", "-R requires a rule number", at: word.range)
      }
    case .renameChain:
      try take(.renameChain, word, chain: argument(after: word, attached: attached))
      newName = looseArgument()
      if newName == nil {
        throw OptionError("missing-argument", "-E requires old-chain-name and new-chain-name", at: word.range)
      }
    case .policy:
      try take(.policy, word, chain: argument(after: word, attached: attached))
      policy = looseArgument()
      if policy == nil {
        throw OptionError("missing-argument", "-P requires a chain and a policy", at: word.range)
      }
    case .deleteChain: try take(.deleteChain, word, optionalChain: attached)
    case .flush: try take(.flush, word, optionalChain: attached)
    case .list:
      try take(.list, word, besides: [.zero, .zeroNumber], optionalChain: attached)
      _ = try takeNumber()
    case .listRules:
      try take(.listRules, word, besides: [.zero, .zeroNumber], optionalChain: attached)
      _ = try takeNumber()
    default:
      try take(.zero, word, besides: [.list, .listRules], optionalChain: attached)
      if try takeNumber() { commands = .zeroNumber }
    }
  }

  /// Records a command. The corresponding C function is `add_command`.
  private mutating func take(_ command: CommandSet, _ word: OptionWord, besides allowed: CommandSet = []) throws(OptionError) {
    if inverted {
      throw OptionError("not-invertible", "unexpected '!' flag", at: invertedAt ?? word.range)
    }
    let others = commands.subtracting(allowed)
    guard others.isEmpty else {
      throw OptionError(
        "two-commands", "Cannot use -\(command.letter) with -\(others.letter)", at: word.range,
        hint: "a line can contain only one command")
    }
    commands.insert(command)
  }

  private mutating func take(_ command: CommandSet, _ word: OptionWord, chain name: Token) throws(OptionError) {
    try take(command, word)
    chain = name
  }

  private mutating func take(
    _ command: CommandSet, _ word: OptionWord, besides allowed: CommandSet = [], optionalChain attached: Token?
  ) throws(OptionError) {
    try take(command, word, besides: allowed)
    if let name = attached ?? looseArgument() { chain = name }
  }

  private mutating func takeNumber() throws(OptionError) -> Bool {
    guard let number = try looseNumber() else { return false }
    ruleNumber = number
    return true
  }

  private mutating func looseNumber() throws(OptionError) -> Int? {
    guard let token = looseArgument() else { return nil }
    guard let number = token.unsigned, let rule = Int(exactly: number), rule >= 1, rule <= Int(Int32.max) else {
      throw OptionError("bad-rule-number", "Invalid rule number `\(token.string)'", at: token.range)
    }
    return rule
  }

  /// Checks the name of a new chain. The corresponding C function is `assert_valid_chain_name`.
  private func checkNewName(_ name: Token) throws(OptionError) {
    if name.bytes.count >= 29 {
      throw OptionError("long-chain-name", "chain name `\(name.string)' too long (must be under 29 chars)", at: name.range)
    }
    if let first = name.bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "!") {
      throw OptionError("bad-chain-name", "chain name not allowed to start with `\(Character(UnicodeScalar(first)))'", at: name.range)
    }
    if name.bytes.isEmpty || parser.registry.target(named: name.string, parser.family) != nil
      || StandardVerdict(rawValue: name.string) != nil
    {
      throw OptionError("bad-chain-name", "chain name may not clash with target name", at: name.range)
    }
    if String(validating: name.bytes, as: UTF8.self) == nil {
      throw OptionError("bad-chain-name", "chain name `\(name.string)' is not UTF-8", at: name.range)
    }
    if name.bytes.contains(where: { Lexer.isSpace($0) }) {
      throw OptionError("bad-chain-name", "Invalid chain name `\(name.string)'", at: name.range)
    }
  }

  /// Finishes the line: checks the options against each other and against the command.
  mutating func finish() throws(OptionError) -> Command.Verb {
    if flags.showsVersion || flags.showsHelp { return .check }
    // iptables-restore skips the rules of a line for the other family, and executes its other commands.
    if flags.isForOtherFamily { return commands.isEmpty ? .check : verb }
    try checkNoDropInNat()
    if flags.waitInterval != nil, flags.wait == nil || flags.wait == 0 {
      throw OptionError("bad-wait", "--wait-interval only makes sense with --wait\n", at: range)
    }
    try builder.finishExtensions(RuleDraft(builder.header, parser.family, table), parser)
    if let leftover {
      throw OptionError(
        "leftover-arguments", "unknown arguments found on commandline", at: leftover.range, hint: "nothing may follow `--`")
    }
    if commands.isEmpty { throw OptionError("no-command", "no command specified", at: range) }
    if inverted {
      throw OptionError("dangling-negation", "nothing appropriate following !", at: invertedAt)
    }
    if let word = builder.sourceWord { builder.sources = try addresses(of: word, .source) }
    if let word = builder.destinationWord { builder.destinations = try addresses(of: word, .destination) }
    let isMultiple = !builder.sources.others.isEmpty || !builder.destinations.others.isEmpty
    if isMultiple, !builder.header.inverted.isDisjoint(with: [.source, .destination]) {
      throw OptionError(
        "inverted-list", "! not allowed with multiple source or destination IP addresses",
        at: builder.given[.source] ?? builder.given[.destination])
    }
    try checkOptions(isMultiple: isMultiple)
    if !commands.isDisjoint(with: CommandSet.withRule.union(.deleteNumber)) { try checkInterfaces() }
    return verb
  }

  /// The command of the line.
  private var verb: Command.Verb {
    let number = ruleNumber ?? 1
    switch commands.subtracting([.zero, .zeroNumber]) {
    case .append: return .append
    case .insert: return .insert(at: number)
    case .replace: return .replace(at: number)
    case .delete: return .delete
    case .deleteNumber: return .deleteNumber(number)
    case .check: return .check
    case .newChain: return .newChain
    case .deleteChain: return .deleteChain
    case .renameChain: return .renameChain(to: newName?.string ?? "")
    case .policy: return .policy(policy?.string ?? "")
    case .flush: return .flush
    case .list: return .list(number: ruleNumber)
    case .listRules: return .listRules(number: ruleNumber)
    default: return commands.contains(.zeroNumber) ? .zeroNumber(number) : .zero
    }
  }

  private var zeroing: Command.Zeroing {
    if commands.isDisjoint(with: [.list, .listRules]) { return .none }
    return commands.contains(.zeroNumber) ? .rule(ruleNumber ?? 1) : commands.contains(.zero) ? .chain : .none
  }

  func command(_ verb: Command.Verb, rules: [Rule]) -> Command {
    Command(
      verb: verb, zeroing: zeroing, chain: chain?.string, chainRange: chain?.range ?? range,
      rules: rules, table: tableWord?.string,
      policyCounters: builder.given[.counters] == nil ? nil : builder.counters, flags: flags, helpSubjects: helpSubjects,
      places: places)
  }

  private func checkNoDropInNat() throws(OptionError) {
    guard table == .nat, builder.jump.map({ $0 == "DROP" }) ?? false || policy.map({ $0 == "DROP" }) ?? false else { return }
    throw OptionError(
      "drop-in-nat",
      "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n",
      at: builder.jump?.range ?? range, hint: "only the first packet of a connection passes the nat table: drop in filter or raw")
  }

  /// Checks which options may be used with the command. The corresponding C function is `generic_opt_check`.
  private func checkOptions(isMultiple: Bool) throws(OptionError) {
    if isMultiple, commands == .replace {
      throw OptionError("replace-many", "Replacement rule does not specify a unique address", at: range)
    }
    for option in CommandSet.checkedOptions {
      guard let range = builder.given[option], !commands.allows(option) else { continue }
      throw OptionError("illegal-option", "Illegal option `-\(option.letter)' with this command", at: range)
    }
    if let chain, chain.bytes.count >= 29 {
      throw OptionError(
        "long-chain-name", "chain name `\(chain.string)' too long (must be under 29 chars)", at: chain.range)
    }
  }

  private func checkInterfaces() throws(OptionError) {
    let input = builder.given[.input]
    let output = builder.given[.output]
    guard input != nil || output != nil else { return }
    switch chain?.string {
    case "PREROUTING", "INPUT":
      if let range = output {
        throw OptionError(
          "wrong-interface-option", "Can't use -o with \(chain?.string ?? "")\n", at: range,
          hint: "a packet has no outgoing interface before routing")
      }
    case "POSTROUTING", "OUTPUT":
      if let range = input {
        throw OptionError(
          "wrong-interface-option", "Can't use -i with \(chain?.string ?? "")\n", at: range,
          hint: "an outgoing packet has no incoming interface here")
      }
    default: break
    }
  }

  mutating func resolveTarget(isChain: (String) -> Bool) throws(OptionError) -> RuleTarget {
    guard let jump = builder.jump else { return .none }
    // No chain can have the name of a verdict.
    if !builder.isGoto, let verdict = StandardVerdict(bytes: jump.bytes) { return .verdict(verdict) }
    let name = jump.string
    if isChain(name) {
      if let word = firstTargetWord { throw unknownOption(word, text(of: word)) }
      if let target = builder.target, !target.isUnread { notices.append("Warning: using chain \(name), not extension") }
      return builder.isGoto ? .goto(name) : .jump(name)
    }
    if builder.isGoto {
      throw OptionError("goto-no-chain", "goto '\(name)' is not a chain", at: jump.range)
    }
    if builder.target == nil { try loadLateTarget(jump) }
    if builder.target == nil, parser.keepsUnread {
      keepUnreadTarget(jump)
      builder.target?.finishUnread()
    }
    guard let target = builder.target else { throw unknownTarget(jump) }
    if target.isUnread, unreadByDemand.isEmpty {
      let error = unknownTarget(jump)
      // No chain has options: then the name is that of an extension.
      parser.remarks?.add(.keptUnread(error, at: jump.range, as: firstTargetWord == nil ? error.id : "unread-target"))
    }
    return .use(ExtensionUse(target.descriptor, payload: target.payload))
  }

  /// Loads a foreign target that has no options, after the name has turned out to be no chain.
  private mutating func loadLateTarget(_ jump: Token) throws(OptionError) {
    guard let descriptor = parser.registry.target(named: jump.bytes, parser.family) else { return }
    var late = RuleBuilder()
    late.target = RuleBuilder.Pending(descriptor)
    try late.finishExtensions(RuleDraft(builder.header, parser.family, table), parser)
    builder.target = late.target
  }
}

extension Command.Verb {
  /// Whether the command has a complete rule.
  public var takesRule: Bool {
    switch self {
    case .append, .insert, .replace, .delete, .check: true
    default: false
    }
  }
}
