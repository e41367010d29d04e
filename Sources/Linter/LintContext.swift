public import Analysis
import Compiler
public import Diagnostics
public import Syntax
public import XTables

/// The input of the checks: the file, its tables, and facts that are computed once for all checks.
public struct LintContext: Sendable {
  /// The file.
  public let file: SourceFile
  /// The lines of the file, in order.
  public let lines: [LineSyntax]
  /// The tables of the file. A table that appears twice in the file is listed once.
  public let tables: [TableFacts]
  /// The matches and targets with which the file was parsed.
  public let registry: Registry
  /// The options of the registry whose argument is a range.
  let ranges: RangeOptions
  /// True if every rule is appended. Then no line refers to a rule by number, and removing a line changes no other line's meaning.
  public let isAppendOnly: Bool
  /// The words of the lines with errors, and all chains of a file that is added to unknown rules. The rules of a chain named there,
  /// and the jumps to it, are unknown.
  public let unreadWords: Set<String>
  /// The byte offsets of errors, ascending: between two rules around one of them there may be a rule that is not read.
  private let unreadPlaces: [Int]

  /// The names of the conntrack helpers that targets of the file assign; nil if the file is added to unknown rules, which may assign others.
  public let assignedHelpers: Set<String>?

  /// What is proved of rules without effect, by table. In a file with errors, lines that are not read are assumed to do whatever they can;
  /// empty if one of them names a target that writes to packets.
  public let verdicts: [TableVerdicts]

  /// The line that is not read and may write to packets, because of which ``verdicts`` is empty; nil if there is none.
  let unreadWriter: SourceRange?

  /// What to report, and what is known of the network.
  public let settings: LintSettings
  /// Runs packets through the tables; nil if lines with errors are missing in them, or rules that are loaded already are not known.
  let probes: HostProbes?

  /// Collects the facts of a parsed file.
  public init(
    _ parsed: ParsedRuleset, registry: Registry, settings: LintSettings = LintSettings(), counterpart: Ruleset? = nil
  ) {
    self.settings = settings
    probes = parsed.hasErrors || parsed.isPartial ? nil : HostProbes(parsed.ruleset, settings, counterpart)
    file = parsed.file
    lines = parsed.syntax.lines
    tables = parsed.ruleset.tables.map(TableFacts.init)
    self.registry = registry
    ranges = RangeOptions(registry)
    let chains = parsed.isPartial ? parsed.ruleset.tables.flatMap { $0.chains.map(\.name) } : []
    let unread = Self.words(ofLinesWithErrors: parsed).union(chains)
    unreadWords = unread
    unreadPlaces = parsed.diagnostics.filter { $0.severity == .error }.map(\.range.range.lowerBound).sorted()
    assignedHelpers = parsed.isPartial ? nil : Self.assignedHelpers(parsed)
    let isWhole = !parsed.hasErrors && !parsed.isPartial
    unreadWriter = Self.unreadWriter(parsed, registry)
    verdicts =
      unreadWriter != nil
      ? [] : tables.compactMap { TableVerdicts($0, isWhole: isWhole, unread: unread) }
    let bytes = parsed.file.bytes
    isAppendOnly = parsed.syntax.lines.allSatisfy { line in
      guard line.kind == .command else { return true }
      let content = bytes[line.content.range]
      return content.starts(with: "-A ".utf8) || content.starts(with: "[".utf8) || content.starts(with: "-N ".utf8)
        || content.starts(with: "-P ".utf8) || content.starts(with: "--append ".utf8)
    }
  }

  /// The helpers that targets assign, and those that lines with errors name.
  private static func assignedHelpers(_ parsed: ParsedRuleset) -> Set<String> {
    var names: Set<String> = []
    for rule in parsed.ruleset.tables.lazy.flatMap({ $0.chains }).flatMap({ $0.rules }) {
      guard case .use(let use) = rule.target else { continue }
      for case .helper(let name) in use.descriptor.hostUses(use.payload) { names.insert(name) }
    }
    for (_, words) in linesWithErrors(parsed) {
      for (word, value) in zip(words, words.dropFirst()) where word == "--helper" { names.insert(value) }
    }
    return names
  }

  private static func words(ofLinesWithErrors parsed: ParsedRuleset) -> Set<String> {
    linesWithErrors(parsed).reduce(into: []) { $0.formUnion($1.words) }
  }

  private static func linesWithErrors(_ parsed: ParsedRuleset) -> [(place: SourceRange, words: [String])] {
    parsed.diagnostics.filter { $0.severity == .error }.map { diagnostic in
      let line = parsed.file.line(parsed.file.position(of: diagnostic.range.range.lowerBound).line)
      let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.map { String(decoding: $0, as: UTF8.self) }
      return (diagnostic.range, words)
    }
  }

  /// The line that is not read and may write to packets: it has a target or a match that does, or a target that is not known.
  private static func unreadWriter(_ parsed: ParsedRuleset, _ registry: Registry) -> SourceRange? {
    let family = parsed.ruleset.family
    let chains = Set(parsed.ruleset.tables.flatMap { $0.chains.map(\.name) })
    return linesWithErrors(parsed).first { _, words in
      if words.contains(where: { $0.hasPrefix("--set") || $0.hasPrefix("--restore") }) { return true }
      for (word, value) in zip(words, words.dropFirst()) {
        switch word {
        case "-j", "-g", "--jump", "--goto":
          if chains.contains(value) || StandardVerdict(rawValue: value) != nil { continue }
          guard let target = registry.target(named: value, family), target.writes(target.template, family).isNothing else { return true }
        case "-m", "--match":
          if let match = registry.match(named: value, family), !match.writes(match.template, family).isNothing { return true }
        default: continue
        }
      }
      return false
    }.map(\.place)
  }

  /// Whether a line that is not read stands between two rules.
  func hasUnread(between one: Rule, and other: Rule) -> Bool {
    guard let start = one.source?.range.lowerBound, let end = other.source?.range.lowerBound, start < end else { return false }
    var (low, high) = (0, unreadPlaces.count)
    while low < high {
      let middle = (low + high) / 2
      if unreadPlaces[middle] < start { low = middle + 1 } else { high = middle }
    }
    return low < unreadPlaces.count && unreadPlaces[low] < end
  }

  /// The whole line that contains the start of a range, with its newline; nil past the end of the file.
  public func wholeLine(at range: SourceRange) -> SourceRange? {
    let number = file.position(of: range.range.lowerBound).line
    return number <= lines.count ? lines[number - 1].range : nil
  }

  /// The line on which a range starts, counted from 1; nil without a range.
  public func lineNumber(_ range: SourceRange?) -> Int? { range.map { file.position(of: $0.range.lowerBound).line } }
}

/// A table with facts that several checks need.
public struct TableFacts: Sendable {
  /// The table.
  public let table: Table
  /// Which hooks reach each chain of the table, and whether the table has a loop.
  public let reach: ChainReach
  /// Whether chains form no loop, and every jump leads to a chain.
  public var isSound: Bool {
    reach.loop == nil && table.chains.allSatisfy { $0.rules.allSatisfy { $0.target.chain.map { table.index(of: $0) != nil } ?? true } }
  }
  /// The jumps to each chain, indexed by chain, as chain and rule positions.
  public let callers: [[(chain: Int, rule: Int)]]

  /// Computes the facts of a table.
  public init(_ table: Table) {
    self.table = table
    reach = ChainReach(table)
    var callers = [[(chain: Int, rule: Int)]](repeating: [], count: table.chains.count)
    for (index, chain) in table.chains.enumerated() {
      for (position, rule) in chain.rules.enumerated() {
        if let target = rule.target.chain.flatMap({ table.index(of: $0) }) { callers[target].append((index, position)) }
      }
    }
    self.callers = callers
  }
}

/// What is proved of the rules of one table that have no effect.
public struct TableVerdicts: Sendable {
  /// The table.
  public let table: Table
  /// The findings, in the order of chains and rules.
  public let findings: [RuleFinding]
  /// The chains that some rule leads to, but no packet enters.
  public let unenteredChains: [Int]
  /// The rules of which nothing is decided, because the search of their chain would take too long.
  public let undecided: [(chain: Int, rules: [Int])]
  /// The analysis, with which packets are found that show the findings.
  let reach: TableReach

  /// Analyses a table. Nil if nothing is decided: chains form a loop, a chain is missing, or the sets would become too large.
  ///
  /// - Parameters:
  ///   - isWhole: whether all lines of the file are read; otherwise nothing is said of what later rules do.
  ///   - unread: the words of lines that are not read; a chain that they name may be entered by any packet.
  public init?(_ facts: TableFacts, isWhole: Bool, unread: Set<String>) {
    guard var reach = TableReach(facts.table, enteredByAll: unread) else { return nil }
    table = facts.table
    findings = reach.findings().filter { isWhole || $0.reason != .redundant && $0.reason != .idleMatch }
    if reach.isExhausted { return nil }
    self.reach = reach
    undecided = reach.undecided
    let chains = facts.table.chains
    unenteredChains = reach.unenteredChains.filter { !unread.contains(chains[$0].name) }
  }
}

/// A line with a command, split into words.
public struct CommandLine: Sendable {
  /// The line of the file.
  public let line: LineSyntax
  /// The table whose block contains the line.
  public let table: TableName
  /// The words of the line, quotes and escapes resolved.
  public let words: [Token]

  /// The options of the line that have one of these names, with their values, as `--name value` or `--name=value`.
  public func values(of names: Set<String>) -> [OptionValue] {
    var result: [OptionValue] = []
    for (index, word) in words.enumerated() where word.bytes.first == UInt8(ascii: "-") {
      let isInverted = index > 0 && words[index - 1] == "!"
      let start = isInverted ? words[index - 1].range : word.range
      if let (name, value) = word.cut(at: "="), names.contains(name.string) {
        result.append(OptionValue(name: name.string, value: value, isInverted: isInverted, range: start.union(word.range)))
      } else if names.contains(word.string), index + 1 < words.count {
        let value = words[index + 1]
        result.append(
          OptionValue(name: word.string, value: value, isInverted: isInverted, range: start.union(value.range)))
      }
    }
    return result
  }

  /// An option with its value.
  public struct OptionValue: Sendable {
    /// The option as written, with its dashes.
    public let name: String
    /// The value, without the option.
    public let value: Token
    /// True if a `!` precedes the option.
    public let isInverted: Bool
    /// From the `!` or the option to the end of the value.
    public let range: SourceRange
  }
}
