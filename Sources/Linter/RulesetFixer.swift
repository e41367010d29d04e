public import Diagnostics
public import Syntax

/// Applies the fixes of a file's findings until there are no more.
public struct RulesetFixer: Sendable {
  public let parser: RulesetParser
  public let linter: Linter
  /// A fix may uncover another; more rounds than these would mean that two undo each other.
  private static let mostRounds = 16

  public init(parser: RulesetParser, linter: Linter) {
    self.parser = parser
    self.linter = linter
  }

  public struct Result: Sendable {
    public let file: SourceFile
    /// What is left to say about the file as it is now.
    public let diagnostics: [Diagnostic]
    public let fixCount: Int
  }

  public func fix(_ file: SourceFile) -> Result {
    var file = file
    var fixCount = 0
    for _ in 0..<Self.mostRounds {
      let diagnostics = linter.diagnostics(for: parser.parse(file))
      let (bytes, count) = FixApplication.apply(diagnostics, to: file)
      guard count > 0 else { return Result(file: file, diagnostics: diagnostics, fixCount: fixCount) }
      fixCount += count
      file = SourceFile(name: file.name, bytes: bytes)
    }
    return Result(file: file, diagnostics: linter.diagnostics(for: parser.parse(file)), fixCount: fixCount)
  }
}
