public import Diagnostics
public import Syntax
public import XTables

/// Applies the fixes of a file's findings until none is left.
public struct RulesetFixer: Sendable {
  /// Parses the file again after each round of fixes.
  public let parser: RulesetParser
  /// Finds what to fix.
  public let linter: Linter
  /// The rules that are loaded already, for a file that does not replace them.
  public let existing: Ruleset?
  /// A fix may enable another one. More rounds than these mean that two fixes undo each other.
  private static let mostRounds = 16

  /// Creates a fixer.
  public init(parser: RulesetParser, linter: Linter, existing: Ruleset? = nil) {
    self.existing = existing
    self.parser = parser
    self.linter = linter
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
  }

  /// Applies fixes until none is left, or until the next round would add an error.
  ///
  /// - Parameter file: the file; it is not changed on disk.
  public func fix(_ file: SourceFile) -> Result {
    var file = file
    var fixCount = 0
    var parsed = parser.parse(file, existing: existing)
    for _ in 0..<Self.mostRounds {
      let diagnostics = linter.diagnostics(for: parsed)
      let (bytes, count) = FixApplication.apply(diagnostics, to: file)
      guard count > 0 else { return Result(file: file, diagnostics: diagnostics, fixCount: fixCount, isCutShort: false) }
      // Parses the result before using it.
      let fixed = parser.parse(SourceFile(name: file.name, bytes: bytes), existing: existing)
      guard Self.errors(fixed) <= Self.errors(parsed) else {
        return Result(file: file, diagnostics: diagnostics, fixCount: fixCount, isCutShort: true)
      }
      fixCount += count
      parsed = fixed
      file = fixed.file
    }
    return Result(file: file, diagnostics: linter.diagnostics(for: parsed), fixCount: fixCount, isCutShort: false)
  }

  private static func errors(_ parsed: ParsedRuleset) -> Int {
    parsed.diagnostics.count { $0.severity == .error }
  }
}
