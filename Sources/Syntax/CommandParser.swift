public import Diagnostics
import Netfilter
public import Wire
public import XTables

/// Parses the words of one rule line or one command line.
///
/// The corresponding C function is `do_parse`. As there, the first mistake ends the line. One parser serves many lines.
public final class CommandParser: Sendable {
  /// The known matches and targets.
  public let registry: Registry
  /// The names of protocols, services, users and hosts.
  public let names: NameDatabase
  /// The family of the commands.
  public let family: Family
  /// Whether the lines are those of a ruleset, in which some options of a command line are not allowed.
  public let isRestore: Bool

  /// Collects the numbers that are stored with fewer bits than written; nil if they are not reported.
  let wraps: WrappedNumbers?
  /// Receives what is to be said about a line without a mistake; nil if nothing is.
  let remarks: RuleRemarks?
  /// Whether a match, target or host name that nothing here can read makes its rule opaque, instead of being a mistake.
  public let keepsUnread: Bool

  /// Whether ``Command/places`` of a command is filled.
  let keepsPlaces: Bool

  /// Creates a parser.
  public convenience init(
    registry: Registry, names: NameDatabase, family: Family, isRestore: Bool = true, wraps: WrappedNumbers? = nil,
    remarks: RuleRemarks? = nil, keepsUnread: Bool = false
  ) {
    self.init(
      registry: registry, names: names, family: family, isRestore: isRestore, wraps: wraps, remarks: remarks, keepsUnread: keepsUnread,
      keepsPlaces: false)
  }

  init(
    registry: Registry, names: NameDatabase, family: Family, isRestore: Bool = true, wraps: WrappedNumbers?, remarks: RuleRemarks?,
    keepsUnread: Bool, keepsPlaces: Bool
  ) {
    self.keepsPlaces = keepsPlaces
    self.wraps = wraps
    self.remarks = remarks
    self.keepsUnread = keepsUnread
    self.registry = registry
    self.names = names
    self.family = family
    self.isRestore = isRestore
  }

  /// The parser for the lines after the declaration of a chain with this name, which hides a target of the same name. The
  /// corresponding C function is `xtables_announce_chain`.
  public func announcing(chain: String) -> CommandParser {
    guard registry.declared(.target, named: ArraySlice(chain.utf8), family) != nil else { return self }
    return CommandParser(
      registry: registry.hidingTarget(named: chain), names: names, family: family, isRestore: isRestore, wraps: wraps,
      remarks: remarks, keepsUnread: keepsUnread, keepsPlaces: keepsPlaces)
  }

  /// Parses a whole line.
  ///
  /// - Parameters:
  ///   - table: the table of the line; on a command line the default until `-t` is read.
  ///   - range: the place of the whole line, for errors about no particular word.
  ///   - notices: receives the notices that iptables would print.
  ///   - isChain: whether the table has a chain with a name. A chain takes precedence over a target of the same name.
  /// - Throws: the first mistake.
  public func parse(
    _ words: LineWords, table: TableName, range: SourceRange, notices: inout [String], isChain: (TableName, String) -> Bool
  ) throws(OptionError) -> Command {
    // The same as `read` and `resolved`, without moving the large state between them.
    var run = CommandRun(parser: self, words: words, table: table, range: range)
    do throws(OptionError) {
      return try parse(&run, notices: &notices, isChain: isChain)
    } catch {
      guard keepsUnread, error.id == OptionError.unresolvedHost else { throw error }
      return try parse(words, table: table, range: range, after: error, of: run.failedExtension, notices: &notices, isChain: isChain)
    }
  }

  func parse(
    _ run: inout CommandRun, notices: inout [String], isChain: (TableName, String) -> Bool
  ) throws(OptionError) -> Command {
    let verb = try run.verb(notices: &notices)
    let named = run.table
    let command = try run.resolved(verb, notices: &notices) { isChain(named, $0) }
    // libiptc accepts a jump to a built-in chain; the kernel refuses it.
    if let name = command.rules.first?.target.chain, Hook(name: name) != nil {
      throw OptionError(
        "jump-to-builtin", "cannot jump to the built-in chain \(name)", at: run.builder.jump?.range, legacyStatus: .otherProblem)
    }
    return command
  }

  /// Parses as much as is possible without knowing the chains of the table.
  ///
  /// - Parameter notices: receives the notices that iptables would print, even if the line has a mistake.
  /// - Throws: the first mistake.
  public func read(
    _ words: LineWords, table: TableName, range: SourceRange, notices: inout [String]
  ) throws(OptionError) -> PendingCommand {
    var run = CommandRun(parser: self, words: words, table: table, range: range)
    let verb = try run.verb(notices: &notices)
    return PendingCommand(verb: verb, run: run)
  }

  /// The match with a name, declared or foreign.
  func match(named name: ArraySlice<UInt8>) -> ExtensionDescriptor? { registry.match(named: name, family) }
}

/// The state of one pass over the words of a line.
struct CommandRun: ~Copyable {
  let parser: CommandParser
  var words: LineWords
  var table: TableName
  let range: SourceRange

  var at = 0
  var inverted = false
  var invertedAt: SourceRange?
  var builder = RuleBuilder()
  var commands: CommandSet = []
  var chain: Token?
  var ruleNumber: Int?
  var newName: Token?
  var policy: Token?
  var tableWord: Token?
  var flags = Command.Flags()
  /// The notices that iptables would print.
  var notices: [String] = []
  /// The words that are values of simple forms, in order, if the parser keeps them.
  var places: [(word: Int, place: ValuePlace)] = []
  /// The first word after `--`.
  var leftover: Token?
  /// The last match or target that is kept unread, which takes the options that nothing else has.
  var unread: UnreadPlace?
  /// The first word that an unread target has taken.
  var firstTargetWord: OptionWord?
  /// The names of extensions that are kept unread although they are known, because they have options that cannot be read here.
  var unreadByDemand: Set<String> = []
  /// The name of the extension whose option has a mistake.
  var failedExtension: String?

  /// The extensions whose help `--help` prints: those that were loaded when it was read.
  var helpSubjects: [ExtensionDescriptor] {
    flags.showsHelp ? builder.matches.map(\.descriptor) + [builder.target?.descriptor].compactMap { $0 } : []
  }

  init(parser: CommandParser, words: LineWords, table: TableName, range: SourceRange) {
    self.parser = parser
    self.words = words
    self.table = table
    self.range = range
  }

  /// Parses the whole line, but does not resolve its target.
  mutating func verb(notices said: inout [String]) throws(OptionError) -> Command.Verb {
    do throws(OptionError) {
      try readAll()
      let verb = try finish()
      if !notices.isEmpty { said += notices }
      return verb
    } catch {
      said += notices
      throw error
    }
  }

  mutating func resolved(
    _ verb: Command.Verb, notices said: inout [String], isChain: (String) -> Bool
  ) throws(OptionError) -> Command {
    guard verb.takesRule, !flags.isForOtherFamily, !flags.showsVersion, !flags.showsHelp else { return command(verb, rules: []) }
    let before = notices.count
    let target = try resolveTarget(isChain: isChain)
    if notices.count > before { said += notices[before...] }
    return command(verb, rules: builder.rules(target: target, source: range))
  }

  private mutating func readAll() throws(OptionError) {
    while at < words.count, !flags.isForOtherFamily, !flags.showsHelp, !flags.showsVersion {
      let word = OptionWord(index: at, range: words.range(of: at))
      let length = words.length(of: at)
      at += 1
      if length > 1, words.starts(word.index, with: UInt8(ascii: "-")) {
        if words.byte(of: word.index, at: 1) != UInt8(ascii: "-") {
          try readShort(word)
        } else if length > 2 {
          try readLong(word)
        } else {
          leftover = at < words.count ? words[at] : nil
          return
        }
      } else if length == 1, words.starts(word.index, with: UInt8(ascii: "!")) {
        guard !inverted else { throw OptionError("double-negation", "multiple consecutive ! not allowed", at: word.range) }
        inverted = true
        invertedAt = word.range
        continue
      } else if let unread, unread.end == word.index {
        takeUnread(unread, word)
      } else {
        throw badArgument(words[word.index])
      }
      inverted = false
    }
  }

  /// The error for a word in the place of an option. The most frequent cause is the `!` of old rulesets, behind the option.
  private func badArgument(_ word: Token) -> OptionError {
    let isAfterMark = at >= 2 && words[at - 2] == "!"
    return OptionError(
      "bad-argument", "Bad argument `\(word.string)'", at: word.range,
      hint: isAfterMark
        ? "`--option ! value` is no longer accepted: write `! --option value`"
        : word.starts(with: "#") ? "write a comment on a line of its own that starts with #, or use -m comment --comment" : nil)
  }

  private mutating func readLong(_ word: OptionWord) throws(OptionError) {
    let body = words[word.index].bytes.dropFirst(2)
    let name = body.prefix { $0 != UInt8(ascii: "=") }
    let attached = name.count < body.count ? Token(body[(name.endIndex + 1)...], at: word.range) : nil
    if let unread, !isKnown(name, after: unread) { return takeUnread(unread, word) }
    switch OptionScanner.lookup(name, in: builder) {
    case .found(let found): try take(found, word: word, attached: attached)
    case .ambiguous(let names):
      if try implyProtocol() { return try readLong(word) }
      throw OptionError(
        "ambiguous-option", "unknown option \"\(text(of: word))\"", at: word.range,
        hint: "the possible options are \(names.joined(separator: ", "))")
    case .unknown:
      if try implyProtocol() { return try readLong(word) }
      throw unknownOption(word, "--" + String(decoding: name, as: UTF8.self))
    }
  }

  func unknownOption(_ word: OptionWord, _ name: String) -> OptionError {
    var hint = Spelling.nearest(to: name, in: OptionScanner.allNames(in: builder)).map { "did you mean \($0)?" }
    if hint == nil, let jump = builder.jump, builder.target == nil, StandardVerdict(rawValue: jump.string) == nil {
      let known = Spelling.nearest(to: jump.string, in: parser.registry.names(.target, parser.family))
      hint = "there is no target `\(jump.string)'" + (known.map { "; did you mean -j \($0)?" } ?? "")
    }
    if hint == nil {
      let owners = parser.registry.all.filter { owner in
        owner.families.contains(parser.family) && owner.options.contains { $0.name == name || $0.aliases.contains(name) }
      }
      if !owners.isEmpty {
        hint = "this is an option of " + owners.map { $0.kind == .match ? "-m \($0.name)" : "-j \($0.name)" }.joined(separator: ", ")
      }
    }
    return OptionError("unknown-option", "unknown option \"\(text(of: word))\"", at: word.range, hint: hint)
  }

  func text(of word: OptionWord) -> String { words[word.index].string }

  /// Parses one-letter options. Several letters may share a word, and an argument may follow its letter directly.
  private mutating func readShort(_ word: OptionWord) throws(OptionError) {
    if words.length(of: word.index) == 2 {
      let letter = words.byte(of: word.index, at: 1)
      if let option = GlobalOption(letter: letter) { return try takeGlobal(option, word: word, attached: nil) }
      if let found = OptionScanner.lookup(letter: letter, in: builder) { return try take(found, word: word, attached: nil) }
    }
    var rest = words[word.index].bytes.dropFirst()
    while let byte = rest.first {
      rest = rest.dropFirst()
      guard let found = OptionScanner.lookup(letter: byte, in: builder) else {
        if let unread { return takeUnread(unread, word) }
        if try implyProtocol() {
          let index = words.add(Token([UInt8(ascii: "-"), byte] + rest, at: word.range))
          return try readShort(OptionWord(index: index, range: word.range))
        }
        // iptables accepts this letter and ignores it.
        if byte == UInt8(ascii: "b") { throw OptionError("unknown-option", "Unknown arg \"(null)\"", at: word.range) }
        throw unknownOption(word, "-" + String(UnicodeScalar(byte)))
      }
      if arity(of: found) > 0 || isOptional(found) {
        return try take(found, word: word, attached: rest.isEmpty ? nil : Token(rest, at: word.range))
      }
      try take(found, word: word, attached: nil)
    }
  }

  private func arity(of found: OptionScanner.Found) -> Int {
    switch found {
    case .global(let option): option.argument == .required ? 1 : 0
    case .match(let index, let option): builder.matches[index].descriptor.options[option].arity
    case .target(let option): builder.target?.descriptor.options[option].arity ?? 0
    }
  }

  private func isOptional(_ found: OptionScanner.Found) -> Bool {
    if case .global(let option) = found { return option.argument == .optional }
    return false
  }

  /// Loads the match of the rule's protocol, once, because an unknown option may belong to it. The corresponding C function is
  /// `load_proto`.
  mutating func implyProtocol() throws(OptionError) -> Bool {
    guard let descriptor = impliedMatch() else { return false }
    builder.hasImpliedProtocol = true
    builder.matches.append(RuleBuilder.Pending(descriptor))
    return true
  }

  /// The match of the rule's protocol; nil if there is none, or it was loaded already.
  func impliedMatch() -> ExtensionDescriptor? {
    guard let word = builder.protocolWord, !builder.hasImpliedProtocol else { return nil }
    let number = Token(word).unsigned.flatMap { UInt8(exactly: $0) }
    let name = number.map { BuiltinProtocol.savedName($0) ?? parser.names.protocolName($0) ?? word } ?? word
    return parser.registry.match(named: name, parser.family)
  }

  private mutating func take(_ found: OptionScanner.Found, word: OptionWord, attached: Token?) throws(OptionError) {
    switch found {
    case .global(let option): try takeGlobal(option, word: word, attached: attached)
    case .match(let index, let option):
      if builder.matches[index].isComplete { throw closed(builder.matches[index], word) }
      if case .foreign(let foreign) = builder.matches[index].descriptor.origin {
        var pending = builder.matches[index]
        try takeForeign(&pending, foreign, option: option, word: word, attached: attached)
        builder.matches[index] = pending
        return
      }
      let arguments = try arguments(
        of: builder.matches[index].descriptor, option: option, seen: builder.matches[index].seen, word: word, attached: attached)
      if let field = builder.matches[index].descriptor.options[option].plain { keep(.match(index, field), attached) }
      do throws(OptionError) {
        try builder.matches[index].apply(option: option, arguments)
      } catch {
        failedExtension = builder.matches[index].descriptor.name
        throw error
      }
    case .target(let option):
      guard let descriptor = builder.target?.descriptor else { return }
      if let target = builder.target, target.isComplete { throw closed(target, word) }
      if case .foreign(let foreign) = descriptor.origin, var target = builder.target {
        try takeForeign(&target, foreign, option: option, word: word, attached: attached)
        builder.target = target
        return
      }
      let arguments = try arguments(
        of: descriptor, option: option, seen: builder.target?.seen ?? descriptor.unseen, word: word, attached: attached)
      if let field = descriptor.options[option].plain { keep(.target(field), attached) }
      do throws(OptionError) {
        try builder.target?.apply(option: option, arguments)
      } catch {
        failedExtension = descriptor.name
        throw error
      }
    }
  }

  private mutating func arguments(
    of descriptor: ExtensionDescriptor, option index: Int, seen: SeenOptions, word: OptionWord, attached: Token?
  ) throws(OptionError) -> OptionArguments {
    let option = descriptor.options[index]
    let first =
      option.arity > 0
      ? try argument(after: word, attached: attached) : option.mayHaveArgument ? looseArgument() ?? Token("") : words[word.index]
    var second = first
    if option.arity > 1 {
      guard at < words.count, !words.starts(at, with: UInt8(ascii: "-")), !words.starts(at, with: UInt8(ascii: "!")) else {
        throw OptionError(
          "missing-argument", "\(option.name) requires two args.", at: word.range,
          hint: "write \(option.name) \(option.placeholder)")
      }
      second = words[at]
      at += 1
    }
    if inverted, !option.isInvertible {
      throw OptionError(
        "not-invertible", "\(descriptor.name): option \"\(option.name)\" cannot be inverted.\n", at: invertedAt ?? word.range)
    }
    if !option.isRepeatable, seen.contains(index: index) {
      throw OptionError.repeated(option.name, of: descriptor.name, at: word.range)
    }
    return OptionArguments(
      of: descriptor, option: index, token: first, second: second, inverted: inverted,
      draft: RuleDraft(builder.header, parser.family, table), names: parser.names, seen: seen, wraps: parser.wraps)
  }

  /// Records that the word that was read last is the value of a place.
  mutating func keep(_ place: ValuePlace, _ attached: Token?) {
    if parser.keepsPlaces, attached == nil { places.append((at - 1, place)) }
  }

  /// The argument that an option must have: the one attached to it, or the next word, even if that looks like an option.
  mutating func argument(after word: OptionWord, attached: Token?) throws(OptionError) -> Token {
    if let attached { return attached }
    guard at < words.count else {
      throw OptionError("missing-argument", "option \"\(text(of: word))\" requires an argument", at: word.range)
    }
    at += 1
    return words[at - 1]
  }

  /// The optional argument of some commands, such as a chain or a number: the next word if it is no option.
  mutating func looseArgument() -> Token? {
    guard at < words.count, !words.starts(at, with: UInt8(ascii: "-")), !words.starts(at, with: UInt8(ascii: "!")) else {
      return nil
    }
    at += 1
    return words[at - 1]
  }
}
