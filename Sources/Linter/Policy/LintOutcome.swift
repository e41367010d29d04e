public import Diagnostics

/// A finding that is not reported, and why.
public struct SuppressedDiagnostic: Sendable {
  /// Where the finding is suppressed; the words are those of SARIF.
  public enum Kind: String, Sendable {
    /// By a comment in the ruleset.
    case inSource
    /// By a baseline.
    case external
  }

  /// The finding.
  public let diagnostic: Diagnostic
  /// Where it is suppressed.
  public let kind: Kind
  /// The reason that the comment gives; nil if it gives none.
  public let justification: String?

  /// Creates a suppressed finding.
  public init(_ diagnostic: Diagnostic, _ kind: Kind, justification: String? = nil) {
    self.diagnostic = diagnostic
    self.kind = kind
    self.justification = justification
  }
}

/// What a linter finds in one file.
public struct LintOutcome: Sendable {
  /// The findings, in the order of the lines.
  public let diagnostics: [Diagnostic]
  /// The findings that comments and the baseline suppress.
  public let suppressed: [SuppressedDiagnostic]
}
