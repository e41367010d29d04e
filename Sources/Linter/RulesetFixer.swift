import Analysis
public import Diagnostics
public import Syntax
public import XTables

/// Applies the fixes of a file's findings until none is left. A fix is applied only if the analysis proves that the ruleset treats every packet
/// as before, unless unsafe fixes are wanted.
public struct RulesetFixer: Sendable {
  /// Parses the file again after each round of fixes.
  public let parser: RulesetParser
  /// Finds what to fix.
  public let linter: Linter
  /// The rules that are loaded already, for a file that does not replace them.
  public let existing: Ruleset?
  /// Whether fixes are applied that are not proved.
  public let appliesUnsafe: Bool
  /// A fix may enable another one. More rounds than these mean that two fixes undo each other.
  private static let mostRounds = 16
  /// The greatest number of fixes that are proved one by one if they are not proved together.
  private static let mostProofs = 64
  /// The greatest number of rules that are compared in all proofs one by one: a comparison takes time by the number of rules.
  private static let mostComparedRules = 20_000

  /// Creates a fixer.
  public init(parser: RulesetParser, linter: Linter, existing: Ruleset? = nil, appliesUnsafe: Bool = false) {
    self.existing = existing
    self.parser = parser
    self.linter = linter
    self.appliesUnsafe = appliesUnsafe
  }

  /// The outcome of fixing a file.
  public struct Result: Sendable {
    /// The fixed file.
    public let file: SourceFile
    /// The remaining diagnostics of the fixed file.
    public let diagnostics: [Diagnostic]
    /// The number of fixes applied.
    public let fixCount: Int
    /// True if fixing stopped because the next round would have added an error.
    public let isCutShort: Bool
    /// The number of fixes that were not applied because they are not proved.
    public let unprovedCount: Int
  }

  /// Applies fixes until none is left, or until the next round would add an error.
  ///
  /// - Parameter file: the file; it is not changed on disk.
  public func fix(_ file: SourceFile) -> Result {
    var file = file
    var fixCount = 0
    var unproved = 0
    var isCutShort = false
    var parsed = parser.parse(file, existing: existing)
    var diagnostics = linter.diagnostics(for: parsed)
    let ruleCount = parsed.ruleset.tables.reduce(1) { $0 + $1.chains.reduce(0) { $0 + $1.rules.count } }
    var proofs = min(Self.mostProofs, Self.mostComparedRules / ruleCount)
    for _ in 0..<Self.mostRounds {
      let fixable = diagnostics.filter { finding in !finding.fixIts.isEmpty && (appliesUnsafe || finding.fixIts.allSatisfy { !$0.isUnsafe })
      }
      let round = round(fixable, parsed, &proofs)
      unproved = round.unproved
      guard round.count > 0 else { break }
      guard Self.errors(round.parsed) <= Self.errors(parsed) else {
        isCutShort = true
        break
      }
      fixCount += round.count
      parsed = round.parsed
      file = parsed.file
      diagnostics = linter.diagnostics(for: parsed)
    }
    return Result(file: file, diagnostics: diagnostics, fixCount: fixCount, isCutShort: isCutShort, unprovedCount: unproved)
  }

  /// The file with those fixes that are proved: all together, or else those that are proved one after the other.
  ///
  /// - Parameter proofs: the number of fixes that may still be proved one by one.
  private func round(
    _ fixable: [Diagnostic], _ parsed: ParsedRuleset, _ proofs: inout Int
  ) -> (parsed: ParsedRuleset, count: Int, unproved: Int) {
    guard !fixable.isEmpty else { return (parsed, 0, 0) }
    let all = applied(fixable, parsed)
    if appliesUnsafe || Self.errors(all.parsed) > Self.errors(parsed) || Self.isEqual(parsed, all.parsed) {
      return (all.parsed, all.count, 0)
    }
    var proved: [Diagnostic] = []
    for finding in fixable.prefix(proofs) {
      proofs -= 1
      if isProved(finding, in: parsed) { proved.append(finding) }
    }
    let some = applied(proved, parsed)
    // Fixes that change nothing one by one may change something together.
    guard some.count > 0, Self.isEqual(parsed, some.parsed) else { return (parsed, 0, fixable.count) }
    return (some.parsed, some.count, fixable.count - proved.count)
  }

  /// Whether the fixes of one finding are proved to leave the treatment of every packet as it is.
  ///
  /// - Parameter parsed: the file in which the finding was found.
  public func isProved(_ finding: Diagnostic, in parsed: ParsedRuleset) -> Bool {
    let fixed = applied([finding], parsed)
    return fixed.count > 0 && Self.errors(fixed.parsed) <= Self.errors(parsed) && Self.isEqual(parsed, fixed.parsed)
  }

  private func applied(_ findings: [Diagnostic], _ parsed: ParsedRuleset) -> (parsed: ParsedRuleset, count: Int) {
    let (bytes, count) = FixApplication.apply(findings, to: parsed.file)
    guard count > 0 else { return (parsed, 0) }
    return (parser.parse(SourceFile(name: parsed.file.name, bytes: bytes), existing: existing), count)
  }

  private static func isEqual(_ before: ParsedRuleset, _ after: ParsedRuleset) -> Bool {
    RulesetComparison(before.ruleset, after.ruleset).result == .equal
  }

  private static func errors(_ parsed: ParsedRuleset) -> Int {
    parsed.diagnostics.count { $0.severity == .error }
  }
}
