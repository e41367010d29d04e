public import Diagnostics
public import Wire
public import XTables

/// The result of parsing a file: all rules that could be read, and all diagnostics.
public struct ParsedRuleset: Sendable {
  /// The lines of the file.
  public let syntax: RulesetSyntax
  /// The tables in the order of the file. Lines with errors are missing.
  public var ruleset: Ruleset
  /// Errors, warnings and notes in the order of the lines.
  public var diagnostics: [Diagnostic]

  /// The parsed file.
  public var file: SourceFile { syntax.file }
  /// Whether the text is the output of `iptables -S`, which is not a file for iptables-restore.
  public let isListing: Bool
  /// Whether the tables have rules that were there before the file. They have no places.
  public let hasBase: Bool
  /// Whether the rules that were there before the file are kept, and are not known.
  public let isPartial: Bool
  /// Whether any diagnostic is an error.
  public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// Parses iptables-save text as iptables-restore does, but continues with the next line after a mistake.
///
/// The corresponding C function is `ip46tables_restore_main`.
public struct RulesetParser: Sendable {
  /// The number of different errors after which the rest of the file is not reported. Errors with the same message count once.
  public static let mostErrors = 1000
  /// The number of errors, equal or not, after which the rest of the file is not reported.
  public static let mostErrorLines = 100_000
  /// The longest line in bytes. `fgets` with a buffer of 10,240 bytes splits a longer line without an error.
  public static let longestLine = 10_239

  /// The known matches and targets.
  public let registry: Registry
  /// The names of protocols, services and users.
  public let names: NameDatabase
  /// The family of the file.
  public let family: Family
  /// `-c`: whether a chain or rule with malformed counters is an error.
  public let needsCounters: Bool
  /// `-n`: whether the existing rules are kept. User chains that the file declares are emptied.
  public let keepsExisting: Bool
  /// Whether the rules are only shown or run, and not loaded. A rule with a match, target or host name that nothing here can read is
  /// then kept, with a warning, as a rule of which it is not known to which packets it applies; otherwise it is an error. The output
  /// of `iptables -S` is read too. The result can be printed and run, but not compiled.
  public let isForReading: Bool

  /// Creates a parser.
  public init(
    registry: Registry, names: NameDatabase, family: Family, needsCounters: Bool = false, keepsExisting: Bool = false,
    isForReading: Bool = false
  ) {
    self.isForReading = isForReading
    self.registry = registry
    self.names = names
    self.family = family
    self.needsCounters = needsCounters
    self.keepsExisting = keepsExisting
  }

  /// Parses a whole file.
  ///
  /// - Parameter existing: the current tables, from which missing policies are taken, and with `keepsExisting` the rules.
  public func parse(_ file: SourceFile, existing: Ruleset? = nil) -> ParsedRuleset {
    let syntax = RulesetSyntax(file)
    var reader = RulesetReader(parser: self, existing: existing)
    reader.read(syntax)
    reader.finish()
    return ParsedRuleset(
      syntax: syntax, ruleset: Ruleset(family, tables: reader.tables), diagnostics: reader.diagnostics,
      isListing: reader.listing != nil, hasBase: keepsExisting && existing != nil,
      isPartial: keepsExisting && existing == nil)
  }
}

/// The state of one pass over the lines of a file.
struct RulesetReader {
  let parser: RulesetParser
  private(set) var file = SourceFile(name: "", bytes: [])
  /// The lines of the current piece of the text, and the index of the one that is read.
  private var lines: [LineSyntax] = []
  private var number = 0
  private var run = AppendRun()
  var existing: Ruleset?
  var commands: CommandParser
  /// Collects the numbers that are stored with fewer bits than written; nil if single lines are not reported.
  private let wraps: WrappedNumbers?
  private let remarks = RuleRemarks()
  /// Receives the appended rules. The tables do not keep them then.
  let sink: (any RuleSink)?
  /// The shapes of the lines of this table, and the values of the line that is read; used with a sink only.
  var shapes: ShapeTree
  var values: [PlainValue] = []
  var routes: [ShapeRoute] = []
  var lastChains = NamedChain.Role.allCases.map { _ in NamedChain() }
  /// The number of rules that were read by their shape.
  var shapedRules = 0
  /// Whether a command needs tables with their rules, which a sink does not have.
  private(set) var needsRules = false
  var tables: [Table] = []
  var diagnostics: [Diagnostic] = []
  /// The notices that iptables would print.
  private(set) var notices: [String] = []
  /// The current table, between `*table` and `COMMIT`; nil outside.
  var table: Table?
  /// Whether the lines of an unusable table are skipped, up to its COMMIT.
  var isSkipping = false
  private var errors = 0
  /// The errors so far, without the numbers of their lines.
  private var errorKinds: Set<String> = []
  /// The tables of a text that is the output of `iptables -S`.
  private(set) var listing: RuleListing?
  /// Whether no line was read yet.
  private var isAtStart = true
  /// Most files have no NUL; then the lines need not be searched for one.
  private var hasNUL = false

  init(parser: RulesetParser, existing: Ruleset? = nil, sink: (any RuleSink)? = nil) {
    self.parser = parser
    self.existing = existing
    self.sink = sink
    shapes = ShapeTree(parser.family)
    wraps = sink == nil ? WrappedNumbers() : nil
    commands = CommandParser(
      registry: parser.registry, names: parser.names, family: parser.family, wraps: wraps, remarks: remarks,
      keepsUnread: parser.isForReading, keepsPlaces: sink != nil)
  }

  /// Whether a text to be streamed is no ruleset but the output of another program, by its first piece. Then that is reported.
  mutating func beginsWithOtherText(_ text: [UInt8]) -> Bool {
    guard isAtStart else { return false }
    file = SourceFile(name: "", bytes: text)
    isAtStart = false
    return reportsOtherText()
  }

  /// Reads complete lines. Further lines of the same text may follow in another call.
  mutating func read(_ syntax: RulesetSyntax) {
    file = syntax.file
    hasNUL = file.bytes.contains(0)
    if isAtStart, parser.isForReading { listing = RuleListing(syntax) }
    defer { isAtStart = false }
    if isAtStart, listing == nil, reportsOtherText() { return }
    lines = syntax.lines
    run = AppendRun()
    for (number, line) in lines.enumerated() {
      self.number = number
      guard !hasTooManyErrors else {
        report(
          Diagnostic(
            "too-many-errors", .error,
            "more than \(min(errors, RulesetParser.mostErrors)) errors; the rest of the file is not read", at: line.content))
        break
      }
      do throws(OptionError) {
        try read(line)
      } catch {
        report(error, at: line.content)
      }
    }
  }

  /// Reports a text that is no ruleset but the output of another program.
  private mutating func reportsOtherText() -> Bool {
    guard let kind = PrintedText(file.bytes), kind != .ruleset, kind != .ruleCommands || !file.bytes.contains(UInt8(ascii: "*")) else {
      return false
    }
    report(
      Diagnostic(
        "other-text", .error, "\(kind.title), and no file for \(parser.family.command)-restore", at: SourceRange(0..<0),
        notes: [Diagnostic.Note(kind.advice)], legacyStatus: .otherProblem))
    return true
  }

  /// Ends the text.
  mutating func finish() {
    if listing != nil { return keepTable() }
    if table != nil || isSkipping {
      let end = SourceRange(file.bytes.count..<file.bytes.count)
      if table != nil, !hasTooManyErrors {
        report(
          Diagnostic(
            "missing-commit", .error, "COMMIT expected at line \(file.lineCount + 1)", at: end,
            notes: [Diagnostic.Note("end each table with a line `COMMIT` and a newline")],
            legacyStatus: .otherProblem))
      }
      keepTable()
    }
  }

  mutating func read(_ line: LineSyntax) throws(OptionError) {
    if let listing {
      if listing.prompts.contains(line.range.lowerBound) { return }
      if let name = listing.tables[line.range.lowerBound] {
        keepTable()
        begin(name, line)
      }
    }
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
          hint: "this line is outside a table; a table starts with *name and ends with COMMIT",
          legacyStatus: .otherProblem)
      }
      try readCommand(line)
    }
  }

  /// Comments are checked too: iptables-restore reads what follows the first 10,239 bytes as a command.
  private func checkLength(_ line: LineSyntax) throws(OptionError) {
    if line.content.range.count > RulesetParser.longestLine {
      throw OptionError(
        "long-line", "the line is longer than \(RulesetParser.longestLine) bytes",
        hint: "iptables-restore would split the line without a warning")
    }
  }

  /// Refuses bytes that iptables-restore would misread without an error.
  private func checkBytes(_ line: LineSyntax) throws(OptionError) {
    let content = file.bytes[line.content.range]
    if hasNUL, let index = content.firstIndex(of: 0) {
      throw OptionError(
        "nul-byte", "the line contains a NUL byte", at: SourceRange(index..<index + 1),
        hint: "iptables-restore would ignore the rest of the line")
    }
    if content.last == UInt8(ascii: "\r") {
      throw OptionError(
        "carriage-return", "the line ends with a carriage return",
        at: SourceRange(content.endIndex - 1..<content.endIndex), hint: "convert the file to Unix line ends (LF)")
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
    begin(tableName, line)
  }

  private mutating func begin(_ tableName: TableName, _ line: LineSyntax) {
    let before = tables.first { $0.name == tableName } ?? existing?[table: tableName]
    var fresh = parser.keepsExisting ? before ?? Table(tableName, parser.family) : Table(tableName, parser.family)
    fresh.source = line.content
    for index in fresh.chains.indices where !parser.keepsExisting {
      let policy = before?[chain: fresh.chains[index].name]?.policy
      fresh.update(at: index) { $0.policy = policy ?? $0.policy }
    }
    table = fresh
    sink?.begin(fresh)
    forgetShapes()
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
          "unterminated-quote", .warning, "the quote is never closed; iptables-restore reads the rest of the line as part of the word",
          at: SourceRange(unterminated..<range.upperBound)))
    }
    guard let name = table?.name else { return }
    defer { reportRemarks() }
    var command = try commands.parse(words, table: name, range: line.content, notices: &notices) { _, chain in
      table?.index(of: chain) != nil
    }
    if command.flags.isForOtherFamily, command.verb.takesRule { return }
    guard let sink else {
      command.count(counters)
      if command.verb == .append { makeRoom(for: command, line) }
      try table?.apply(command)
      return
    }
    switch command.verb {
    case .append:
      guard let table else { return }
      let chain = try table.chainIndex(command)
      // The shape of the line has the rule without counters.
      var counted = command
      counted.count(counters)
      sink.append(counted.rules, to: chain, of: table)
      learn(command, words, to: chain, of: table, sink)
    case .newChain, .policy:
      try table?.apply(command)
      forgetShapes()
    default: needsRules = true
    }
  }

  /// Makes room in a chain for the rules of the next lines too, because growing step by step copies the rules.
  private mutating func makeRoom(for command: Command, _ line: LineSyntax) {
    // With the blank after the name of the chain.
    let beginning = Int(line.range.lowerBound)..<min(Int(command.chainRange.upperBound) + 1, file.bytes.count)
    guard let count = run.count(from: number, of: lines, with: beginning, in: file.bytes), count > 1,
      let chain = command.chain.flatMap({ table?.index(of: $0) })
    else { return }
    table?.update(at: chain) { chain in
      // Room for few would have to be made often.
      if count >= chain.rules.count { chain.rules.reserveCapacity(chain.rules.count + count) }
    }
  }

  private mutating func reportRemarks() {
    for remark in remarks.take() { report(awaitingBase(remark)) }
    for entry in wraps?.take() ?? [] {
      report(
        Diagnostic(
          "number-wraps", .warning, "`\(entry.written)' is loaded as \(entry.kept)", at: entry.range,
          notes: [Diagnostic.Note("iptables accepts the line but loads this other value")]))
    }
  }

  /// Reads `[packets:bytes]` before a rule. The corresponding C function is `tokenize_rule_counters`.
  private func ruleCounters(_ line: LineSyntax) throws(OptionError) -> (Counters?, Range<Int>) {
    let range = line.content.range
    let content = file.bytes[range]
    guard content.first == UInt8(ascii: "[") else { return (nil, range) }
    guard let close = content.firstIndex(of: UInt8(ascii: "]")) else {
      throw OptionError("bad-counters", "Bad line \(lineNumber(line)): need ]", hint: "write counters as [packets:bytes]")
    }
    guard let colon = content.firstIndex(of: UInt8(ascii: ":")) else {
      throw OptionError("bad-counters", "Bad line \(lineNumber(line)): need :", hint: "write counters as [packets:bytes]")
    }
    guard colon < close else {
      throw OptionError("bad-counters", "Bad line \(lineNumber(line)): need ]", hint: "write counters as [packets:bytes]")
    }
    let counters = Counters(scanning: content[(range.lowerBound + 1)..<close])
    if counters == nil, parser.needsCounters {
      throw OptionError("bad-counters", "-c packet counter not numeric", at: SourceRange(range.lowerBound..<close + 1))
    }
    return (counters, (close + 1)..<range.upperBound)
  }

  /// The words of a `*` or `:` line after its first character, split at blanks as `strtok` does.
  func fields(of line: LineSyntax) -> [Token] {
    let content = file.bytes[line.content.range].dropFirst()
    return content.split(whereSeparator: Lexer.isBlank).map { Token($0, at: SourceRange($0.startIndex..<$0.endIndex)) }
  }

  func lineNumber(_ line: LineSyntax) -> Int { file.position(of: Int(line.range.lowerBound)).line }

  mutating func report(_ error: OptionError, at line: SourceRange) {
    var notes = error.hint.map { [Diagnostic.Note($0)] } ?? []
    if let cause = LikelyCause(of: error, in: file, line: line) { notes = [Diagnostic.Note(cause.hint, at: cause.range)] }
    report(
      awaitingBase(
        Diagnostic(
          error.id, .error, error.message.trimmingNewlines, at: error.range ?? line, notes: notes, legacyStatus: error.legacyStatus)))
  }

  /// A note instead of a problem that the loaded rules may solve, where a file does not replace them and they are not given.
  private func awaitingBase(_ diagnostic: Diagnostic) -> Diagnostic {
    let ids: Set = ["unknown-target", "goto-no-chain", "unknown-chain", "no-such-rule", "bad-rule-number"]
    guard parser.isForReading, parser.keepsExisting, existing == nil, ids.contains(diagnostic.id) else { return diagnostic }
    return Diagnostic(
      "needs-base", .note, diagnostic.message, at: diagnostic.range,
      notes: [Diagnostic.Note("the rules that are loaded already decide this: give them with --base")])
  }

  mutating func report(_ diagnostic: Diagnostic) {
    if diagnostic.severity == .error {
      errors += 1
      if errorKinds.count < RulesetParser.mostErrors { errorKinds.insert(diagnostic.kind) }
    }
    diagnostics.append(diagnostic)
  }

  private var hasTooManyErrors: Bool {
    errorKinds.count >= RulesetParser.mostErrors || errors >= RulesetParser.mostErrorLines
  }
}

extension String {
  /// Some messages of iptables begin or end with newlines.
  var trimmingNewlines: String {
    var text = Substring(self)
    while text.last == "\n" { text.removeLast() }
    while text.first == "\n" { text.removeFirst() }
    return String(text)
  }
}
