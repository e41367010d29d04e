import Compiler
public import Diagnostics
public import Syntax
public import XTables

/// Runs checks over a ruleset.
public struct Linter: Sendable {
  /// The matches and targets with which the files were parsed.
  public let registry: Registry
  /// The checks to run.
  public let checks: [any Check.Type]
  /// What to report, and what is known of the network.
  public let settings: LintSettings
  /// The findings that are known already.
  public let baseline: Baseline
  /// The ruleset of the other family of the same host; nil if it is not known.
  public let counterpart: Ruleset?

  /// Creates a linter; `checks` are all checks unless given, and everything is reported.
  public init(
    registry: Registry, checks: [any Check.Type] = CheckList.all, settings: LintSettings = LintSettings(), baseline: Baseline = Baseline(),
    counterpart: Ruleset? = nil
  ) {
    self.registry = registry
    self.checks = checks
    self.settings = settings
    self.baseline = baseline
    self.counterpart = counterpart
  }

  /// All diagnostics of a file, in the order of its lines: those of the parser, of the validator and of the checks, without those
  /// suppressed by comments in the file. Of many equal findings about reachability only the first one has a packet as evidence.
  public func diagnostics(for parsed: ParsedRuleset) -> [Diagnostic] { outcome(for: parsed).diagnostics }

  /// All diagnostics of a file, and those that comments and the baseline suppress.
  public func outcome(for parsed: ParsedRuleset) -> LintOutcome {
    var found = parsed.diagnostics
    for table in parsed.ruleset.tables { found += TableValidator().diagnostics(for: table) }
    found = found.map(adopt)
    let context = LintContext(parsed, registry: registry, settings: settings, counterpart: counterpart)
    for check in checks { found += check.findings(in: context) }
    found += lineFindings(context)
    found = withoutYielding(found, context.file)
    let name = context.file.name
    found = found.compactMap { settings.applied(to: GeneratedChains.demoted($0, in: context.file), path: name) }
    var (kept, suppressed) = Suppressions(parsed.syntax).apply(to: found, checks)
    // Rules that were there before the file have no place in it.
    if parsed.hasBase { kept.removeAll { $0.range == SourceRange(0..<0) } }
    let ordered = kept.enumerated().sorted {
      ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset)
    }.map(\.element)
    var (new, known) = baseline.split(ordered, in: context.file)
    var witnesses = ReachWitnesses(context)
    witnesses.add(to: &new)
    suppressed += known.map { SuppressedDiagnostic($0, .external) }
    return LintOutcome(diagnostics: new, suppressed: suppressed)
  }

  /// Drops a finding if a more specific check reports the same line.
  private func withoutYielding(_ found: [Diagnostic], _ file: SourceFile) -> [Diagnostic] {
    let yielding = Dictionary(uniqueKeysWithValues: checks.filter { !$0.yieldsTo.isEmpty }.map { ($0.code, $0.yieldsTo) })
    let specific = yielding.values.reduce(into: Set<String>()) { $0.formUnion($1) }
    var lines: [Int: Set<String>] = [:]
    func line(_ diagnostic: Diagnostic) -> Int { file.position(of: diagnostic.range.range.lowerBound).line }
    for diagnostic in found {
      if let code = diagnostic.code, specific.contains(code) { lines[line(diagnostic), default: []].insert(code) }
    }
    guard !lines.isEmpty else { return found }
    return found.filter { diagnostic in
      guard let others = diagnostic.code.flatMap({ yielding[$0] }), let codes = lines[line(diagnostic)] else { return true }
      return codes.isDisjoint(with: others)
    }
  }

  private func adopt(_ diagnostic: Diagnostic) -> Diagnostic {
    guard diagnostic.code == nil, let check = checks.first(where: { $0.adopts.contains(diagnostic.id) }) else {
      return diagnostic
    }
    var named = diagnostic
    named.code = check.code
    // Input that iptables accepts is not an error to the parser, but may be an error to the linter.
    if check.severity == .error { named.severity = .error }
    return named
  }

  private func lineFindings(_ context: LintContext) -> [Diagnostic] {
    var found: [Diagnostic] = []
    var table: TableName?
    for line in context.lines {
      switch line.kind {
      case .table: table = Self.tableName(line, context.file)
      case .commit: table = nil
      case .command:
        // The parser has already reported a line that cannot be split.
        guard let table, let words = try? Lexer.words(of: context.file.bytes, in: line.content.range, unterminated: { _ in }).tokens else {
          continue
        }
        let command = CommandLine(line: line, table: table, words: words)
        for check in checks { found += check.findings(in: command, context) }
      case .blank, .comment, .chain: continue
      }
    }
    return found
  }

  static func tableName(_ line: LineSyntax, _ file: SourceFile) -> TableName? {
    let word = file.bytes[line.content.range].dropFirst().prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    return TableName(rawValue: String(decoding: word, as: UTF8.self))
  }
}
