public import Diagnostics
public import Wire
public import XTables

/// What reading a file gives: as much of the ruleset as could be understood, and everything there is to complain about.
public struct ParsedRuleset: Sendable {
  public let syntax: RulesetSyntax
  public var ruleset: Ruleset
  public var diagnostics: [Diagnostic]

  public var file: SourceFile { syntax.file }
  public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// Reads iptables-save text as iptables-restore does, but goes on at the next line after a mistake.
///
/// The corresponding C function is `ip46tables_restore_main`.
public struct RulesetParser: Sendable {
  /// After this many errors the rest of the file is not worth telling.
  public static let mostErrors = 1000
  /// `fgets` into a buffer of 10,240 bytes splits a longer line without a word.
  public static let longestLine = 10_239

  public let registry: Registry
  public let names: NameDatabase
  public let family: Family
  /// `-c`: the digits of counters must be right.
  public let needsCounters: Bool
  /// `-n`: what is there stays, but for user chains named again.
  public let keepsExisting: Bool

  public init(
    registry: Registry, names: NameDatabase, family: Family, needsCounters: Bool = false, keepsExisting: Bool = false
  ) {
    self.registry = registry
    self.names = names
    self.family = family
    self.needsCounters = needsCounters
    self.keepsExisting = keepsExisting
  }

  /// - Parameter existing: what the kernel has, which policies are taken from, and with `keepsExisting` rules too.
  public func parse(_ file: SourceFile, existing: Ruleset? = nil) -> ParsedRuleset {
    let syntax = RulesetSyntax(file)
    var reader = RulesetReader(parser: self, existing: existing)
    reader.read(syntax)
    reader.finish()
    return ParsedRuleset(
      syntax: syntax, ruleset: Ruleset(family, tables: reader.tables), diagnostics: reader.diagnostics)
  }
}

/// One pass over the lines of a file.
struct RulesetReader {
  let parser: RulesetParser
  private(set) var file = SourceFile(name: "", bytes: [])
  var existing: Ruleset?
  var commands: CommandParser
  /// The numbers of a line that are kept as others; not asked for where nothing is reported of single lines.
  private let wraps: WrappedNumbers?
  /// Gets the rules that are appended, which the tables then do not keep.
  private let sink: (any RuleSink)?
  /// There was a command that only tables with their rules can follow.
  private(set) var needsRules = false
  var tables: [Table] = []
  var diagnostics: [Diagnostic] = []
  /// What iptables would print beside.
  private(set) var notices: [String] = []
  /// The table being filled, between `*table` and `COMMIT`.
  var table: Table?
  /// The table could not be used: its lines are passed over, up to its COMMIT.
  var isSkipping = false
  private var errors = 0
  /// Most files hold no NUL at all, and need not be searched for one line by line.
  private var hasNUL = false

  init(parser: RulesetParser, existing: Ruleset? = nil, sink: (any RuleSink)? = nil) {
    self.parser = parser
    self.existing = existing
    self.sink = sink
    wraps = sink == nil ? WrappedNumbers() : nil
    commands = CommandParser(registry: parser.registry, names: parser.names, family: parser.family, wraps: wraps)
  }

  /// Reads whole lines, after which those of another piece of the same text may come.
  mutating func read(_ syntax: RulesetSyntax) {
    file = syntax.file
    hasNUL = file.bytes.contains(0)
    for line in syntax.lines {
      guard errors < RulesetParser.mostErrors else {
        report(Diagnostic("too-many-errors", .error, "more than \(RulesetParser.mostErrors) errors; the rest is not read", at: line.content))
        break
      }
      do throws(OptionError) {
        try read(line)
      } catch {
        report(error, at: line.content)
      }
    }
  }

  /// The text is at its end.
  mutating func finish() {
    if table != nil || isSkipping {
      let end = SourceRange(file.bytes.count..<file.bytes.count)
      if table != nil, errors < RulesetParser.mostErrors {
        report(
          Diagnostic(
            "missing-commit", .error, "COMMIT expected at line \(file.lineCount + 1)", at: end,
            notes: [Diagnostic.Note("end each table with a line `COMMIT`, its newline included")],
            legacyStatus: .otherProblem))
      }
      keepTable()
    }
  }

  mutating func read(_ line: LineSyntax) throws(OptionError) {
    try checkLength(line)
    if line.kind == .blank || line.kind == .comment { return }
    try checkBytes(line)
    switch line.kind {
    case .table where table == nil && !isSkipping: try beginTable(line)
    case .commit where table != nil:
      table?.commit = line.content
      keepTable()
    case .commit where isSkipping: isSkipping = false
    case .chain where table != nil: try declareChain(line)
    default:
      if isSkipping { return }
      guard table != nil else {
        throw OptionError(
          "outside-table", "line \(file.position(of: Int(line.range.lowerBound)).line) failed",
          hint: "this line stands outside a table; a table begins with *name and ends with COMMIT",
          legacyStatus: .otherProblem)
      }
      try readCommand(line)
    }
  }

  /// A comment too: what is behind its first 10,239 bytes iptables-restore takes for a command.
  private func checkLength(_ line: LineSyntax) throws(OptionError) {
    if line.content.range.count > RulesetParser.longestLine {
      throw OptionError(
        "long-line", "the line is longer than \(RulesetParser.longestLine) bytes",
        hint: "iptables-restore would split it without a word")
    }
  }

  /// What iptables-restore would silently misread is an error here.
  private func checkBytes(_ line: LineSyntax) throws(OptionError) {
    let content = file.bytes[line.content.range]
    if hasNUL, let index = content.firstIndex(of: 0) {
      throw OptionError(
        "nul-byte", "the line holds a NUL byte", at: SourceRange(index..<index + 1),
        hint: "iptables-restore would not see what follows it")
    }
    if content.last == UInt8(ascii: "\r") {
      throw OptionError(
        "carriage-return", "the line ends in a carriage return",
        at: SourceRange(content.endIndex - 1..<content.endIndex), hint: "convert the file to Unix line ends")
    }
  }

  private mutating func beginTable(_ line: LineSyntax) throws(OptionError) {
    let fields = fields(of: line)
    guard let name = fields.first else {
      isSkipping = true
      throw OptionError("bad-table", "line \(lineNumber(line)) table name invalid", hint: "write *filter, *nat, …")
    }
    guard let tableName = TableName(rawValue: name.string) else {
      isSkipping = true
      let known = Spelling.nearest(to: name.string, in: TableName.allCases.map(\.rawValue))
      throw OptionError(
        "unknown-table", "unable to initialize table '\(name.string)'", at: name.range,
        hint: known.map { "did you mean *\($0)?" } ?? "the tables are raw, mangle, nat, filter and security")
    }
    let before = tables.first { $0.name == tableName } ?? existing?[table: tableName]
    var fresh = parser.keepsExisting ? before ?? Table(tableName, parser.family) : Table(tableName, parser.family)
    fresh.source = line.content
    for index in fresh.chains.indices where !parser.keepsExisting {
      let policy = before?[chain: fresh.chains[index].name]?.policy
      fresh.update(at: index) { $0.policy = policy ?? $0.policy }
    }
    table = fresh
    sink?.begin(fresh)
  }

  private mutating func keepTable() {
    isSkipping = false
    guard let finished = table else { return }
    table = nil
    sink?.end(finished)
    if let index = tables.firstIndex(where: { $0.name == finished.name }) {
      tables[index] = finished
    } else {
      tables.append(finished)
    }
  }

  private mutating func readCommand(_ line: LineSyntax) throws(OptionError) {
    let (counters, range) = try ruleCounters(line)
    var unterminated: Int?
    let words = try Lexer.words(of: file.bytes, in: range) { unterminated = $0 }
    if let unterminated {
      report(
        Diagnostic(
          "unterminated-quote", .warning, "the quote is never closed; iptables-restore takes the rest of the line into it",
          at: SourceRange(unterminated..<range.upperBound)))
    }
    guard let name = table?.name else { return }
    defer { reportWraps() }
    let command = try commands.parse(words, table: name, range: line.content, notices: &notices) { _, chain in
      table?.index(of: chain) != nil
    }
    if command.flags.isForOtherFamily, command.verb.takesRule { return }
    guard let sink else {
      var counted = command
      counted.rules = command.rules(counting: counters)
      try table?.apply(counted)
      return
    }
    switch command.verb {
    case .append:
      guard let table else { return }
      sink.append(command.rules(counting: counters), to: try table.chainIndex(command), of: table)
    case .newChain, .policy: try table?.apply(command)
    default: needsRules = true
    }
  }

  private mutating func reportWraps() {
    for entry in wraps?.take() ?? [] {
      report(
        Diagnostic(
          "number-wraps", .warning, "`\(entry.written)' is kept as \(entry.kept)", at: entry.range,
          notes: [Diagnostic.Note("iptables takes the line and loads this other value")]))
    }
  }

  /// `[packets:bytes]` before a rule; the corresponding C function is `tokenize_rule_counters`.
  private func ruleCounters(_ line: LineSyntax) throws(OptionError) -> (Counters?, Range<Int>) {
    let range = line.content.range
    let content = file.bytes[range]
    guard content.first == UInt8(ascii: "[") else { return (nil, range) }
    guard let close = content.firstIndex(of: UInt8(ascii: "]")) else {
      throw OptionError("bad-counters", "Bad line \(lineNumber(line)): need ]", hint: "counters read [packets:bytes]")
    }
    guard let colon = content.firstIndex(of: UInt8(ascii: ":")) else {
      throw OptionError("bad-counters", "Bad line \(lineNumber(line)): need :", hint: "counters read [packets:bytes]")
    }
    guard colon < close else {
      throw OptionError("bad-counters", "Bad line \(lineNumber(line)): need ]", hint: "counters read [packets:bytes]")
    }
    let counters = Counters(scanning: content[(range.lowerBound + 1)..<close])
    if counters == nil, parser.needsCounters {
      throw OptionError("bad-counters", "-c packet counter not numeric", at: SourceRange(range.lowerBound..<close + 1))
    }
    return (counters, (close + 1)..<range.upperBound)
  }

  /// The words of a `*` or `:` line after that character, split at blanks as `strtok` does.
  func fields(of line: LineSyntax) -> [Token] {
    let content = file.bytes[line.content.range].dropFirst()
    return content.split(whereSeparator: Lexer.isBlank).map { Token($0, at: SourceRange($0.startIndex..<$0.endIndex)) }
  }

  func lineNumber(_ line: LineSyntax) -> Int { file.position(of: Int(line.range.lowerBound)).line }

  mutating func report(_ error: OptionError, at line: SourceRange) {
    report(
      Diagnostic(
        error.id, .error, error.message.trimmingNewlines, at: error.range ?? line,
        notes: error.hint.map { [Diagnostic.Note($0)] } ?? [], legacyStatus: error.legacyStatus))
  }

  mutating func report(_ diagnostic: Diagnostic) {
    if diagnostic.severity == .error { errors += 1 }
    diagnostics.append(diagnostic)
  }
}

extension String {
  /// iptables ends some of its messages in newlines.
  var trimmingNewlines: String {
    var text = Substring(self)
    while text.last == "\n" { text.removeLast() }
    while text.first == "\n" { text.removeFirst() }
    return String(text)
  }
}
