public import Compiler
public import Diagnostics
public import Syntax
public import XTables

/// What the checks look at: the file, its tables, and what can be worked out once for all of them.
public struct LintContext: Sendable {
  public let file: SourceFile
  public let lines: [LineSyntax]
  public let tables: [TableFacts]
  public let registry: Registry
  /// Every rule was appended: no line counts rules, so that one more or less changes nothing else.
  public let isAppendOnly: Bool
  /// The words of the lines that could not be read: of a chain named there it is not known what it holds or who leads to it.
  public let unreadWords: Set<String>

  public init(_ parsed: ParsedRuleset, registry: Registry) {
    file = parsed.file
    lines = parsed.syntax.lines
    tables = parsed.ruleset.tables.map(TableFacts.init)
    self.registry = registry
    unreadWords = Self.words(ofLinesWithErrors: parsed)
    let bytes = parsed.file.bytes
    isAppendOnly = parsed.syntax.lines.allSatisfy { line in
      guard line.kind == .command else { return true }
      let content = bytes[line.content.range]
      return content.starts(with: "-A ".utf8) || content.starts(with: "[".utf8) || content.starts(with: "-N ".utf8)
        || content.starts(with: "-P ".utf8) || content.starts(with: "--append ".utf8)
    }
  }

  private static func words(ofLinesWithErrors parsed: ParsedRuleset) -> Set<String> {
    var words: Set<String> = []
    for diagnostic in parsed.diagnostics where diagnostic.severity == .error {
      let line = parsed.file.line(parsed.file.position(of: diagnostic.range.range.lowerBound).line)
      for word in line.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
        words.insert(String(decoding: word, as: UTF8.self))
      }
    }
    return words
  }

  /// The line on which an offset lies, with its newline; nothing past the end.
  public func wholeLine(at range: SourceRange) -> SourceRange? {
    let number = file.position(of: range.range.lowerBound).line
    return number <= lines.count ? lines[number - 1].range : nil
  }

  public func lineNumber(_ range: SourceRange?) -> Int? { range.map { file.position(of: $0.range.lowerBound).line } }
}

/// A table with the facts several checks need.
public struct TableFacts: Sendable {
  public let table: Table
  public let reach: ChainReach
  /// By chain index: the jumps to it, as chain and rule positions.
  public let callers: [[(chain: Int, rule: Int)]]

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

/// A line with a command, split into words.
public struct CommandLine: Sendable {
  public let line: LineSyntax
  public let table: TableName
  public let words: [Token]

  /// The values that follow an option of one of these names, with whether a `!` stood before it, and the range of it all.
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

  public struct OptionValue: Sendable {
    public let name: String
    public let value: Token
    public let isInverted: Bool
    /// From the `!` or the option to the end of the value.
    public let range: SourceRange
  }
}
