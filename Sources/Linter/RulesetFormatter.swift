import Compiler
public import Diagnostics
public import Syntax
public import XTables

/// Formats a file and verifies the result: it parses, and compiles to the same tables as the file.
public struct RulesetFormatter: Sendable {
  /// Parses the formatted text to compare it with the file.
  public let parser: RulesetParser
  /// Writes the canonical form.
  public let formatter: Formatter

  /// Creates a formatter that verifies its output.
  public init(parser: RulesetParser, formatter: Formatter) {
    self.parser = parser
    self.formatter = formatter
  }

  /// The outcome of formatting a file.
  public struct Result: Sendable {
    /// The formatted file.
    public let bytes: [UInt8]
    /// Notes about rules that are written in another form than iptables-save's.
    public let notes: [Diagnostic]
  }

  /// Why a file is not formatted: its canonical form would be another ruleset.
  public struct Failure: Error, Sendable {
    /// Why the file was not formatted.
    public let message: String
  }

  /// Formats a parsed file.
  ///
  /// - Precondition: the ruleset was parsed without an error.
  public func format(_ parsed: ParsedRuleset) throws(Failure) -> Result {
    let (verbatim, notes) = parsed.isListing ? ([], []) : unfaithfulRules(parsed)
    let bytes = parsed.isListing ? saved(parsed.ruleset) : formatter.format(parsed, verbatim: verbatim)
    let again = parser.parse(SourceFile(name: parsed.file.name, bytes: bytes))
    if let error = again.diagnostics.first(where: { $0.severity == .error }) {
      throw Failure(message: "the formatted text would not load: \(error.message)")
    }
    guard Self.areSame(parsed.ruleset, again.ruleset) else {
      throw Failure(message: "the formatted text would be another ruleset")
    }
    return Result(bytes: bytes, notes: notes)
  }

  /// The rules as iptables-save prints them, with counters if there are any.
  private func saved(_ ruleset: Ruleset) -> [UInt8] {
    let hasCounters = ruleset.tables.contains { $0.chains.contains { $0.rules.contains { $0.counters != .zero } } }
    return ruleset.tables.flatMap { formatter.printer(ruleset.family).table($0, counters: hasCounters) }
  }

  /// True if two rulesets compile to the same tables. Addresses of the process that read a foreign extension do not count.
  public static func areSame(_ one: Ruleset, _ other: Ruleset) -> Bool {
    func bytes(_ table: Table) -> [UInt8] { TableCompiler().compile(table.withoutAddresses).replaceBytes }
    return one.tables.count == other.tables.count
      && one.tables.allSatisfy { table in other[table: table.name].map { bytes($0) == bytes(table) } ?? false }
  }

  /// The rules whose printed form does not parse as the same rule, and notes about rules whose form differs from iptables-save's.
  private func unfaithfulRules(_ parsed: ParsedRuleset) -> (verbatim: Set<UInt32>, notes: [Diagnostic]) {
    let family = parsed.ruleset.family
    let printer = formatter.printer(family)
    let saved = RulePrinter(family: family, names: formatter.names)
    var verbatim: Set<UInt32> = []
    var notes: [Diagnostic] = []
    for table in parsed.ruleset.tables {
      for chain in table.chains {
        for rule in chain.rules {
          guard let source = rule.source else { continue }
          let line = printer.line(rule, chain: chain.name)
          let isFaithful = reads(line, as: rule, in: chain.name, of: table)
          if !isFaithful { verbatim.insert(source.lowerBound) }
          if !isFaithful || line != saved.line(rule, chain: chain.name) { notes.append(Self.note(at: source, isKept: !isFaithful)) }
        }
      }
    }
    return (verbatim, notes)
  }

  private static func note(at source: SourceRange, isKept: Bool) -> Diagnostic {
    Diagnostic(
      "not-as-saved", .note,
      "what iptables-save 1.8.9 prints for this rule cannot be restored as the same rule; "
        + (isKept ? "the line is unchanged" : "the rule is written in the closest form that can"), at: source)
  }

  private func reads(_ line: [UInt8], as rule: Rule, in chain: String, of table: Table) -> Bool {
    let commands = CommandParser(
      registry: parser.registry, names: parser.names, family: parser.family, keepsUnread: parser.isForReading)
    guard let words = try? Lexer.words(of: line, in: line.indices, unterminated: { _ in }) else { return false }
    var notices: [String] = []
    let command = try? commands.parse(words, table: table.name, range: SourceRange(line.indices), notices: &notices) {
      table.index(of: $1) != nil
    }
    return command?.rules.count == 1 && command?.rules.first?.withoutAddresses.isSame(as: rule.withoutAddresses) == true
  }
}

extension Table {
  fileprivate var withoutAddresses: Table {
    guard chains.contains(where: { $0.rules.contains(where: \.holdsAddress) }) else { return self }
    var table = self
    for index in chains.indices { table.update(at: index) { chain in chain.rules = chain.rules.map(\.withoutAddresses) } }
    return table
  }
}

extension Rule {
  fileprivate var holdsAddress: Bool {
    if case .use(let use) = target, use.holdsAddress { return true }
    return matches.contains(where: \.holdsAddress)
  }

  /// The rule with zeros for structures that hold an address: another process, or the next call, gives another one.
  fileprivate var withoutAddresses: Rule {
    guard holdsAddress else { return self }
    var rule = self
    rule.matches = matches.map(\.withoutAddresses)
    if case .use(let use) = target { rule.target = .use(use.withoutAddresses) }
    return rule
  }
}

extension ExtensionUse {
  fileprivate var withoutAddresses: ExtensionUse {
    holdsAddress ? ExtensionUse(descriptor, payload: [UInt8](repeating: 0, count: descriptor.size)) : self
  }
}
