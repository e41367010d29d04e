public import Diagnostics
public import Wire
public import XTables

/// Something that is wrong with a ruleset, or probably is: everything known about it in one file.
///
/// A check either looks for itself, over the whole ruleset or line by line, or it gives its code to what the parser and the
/// validator report already (`adopts`). Its examples are its tests and its page in `ferrule explain`.
public protocol Check: SendableMetatype {
  /// Stable for ever: `FE002`.
  static var code: String { get }
  /// The id of the diagnostics it makes: `unreferenced-chain`.
  static var id: String { get }
  /// What is found, in a few words.
  static var title: String { get }
  /// Why it matters, and what to do.
  static var rationale: String { get }
  static var severity: Severity { get }
  /// The ids of the parser's and the validator's diagnostics that are this finding.
  static var adopts: Set<String> { get }
  static var examples: [CheckExample] { get }

  static func findings(in context: LintContext) -> [Diagnostic]
  static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic]
}

extension Check {
  /// The severity of the findings; `.warning` unless a check says otherwise.
  public static var severity: Severity { .warning }
  /// The ids of other diagnostics that get this check's code; none unless a check says otherwise.
  public static var adopts: Set<String> { [] }
  /// The findings in the whole ruleset; none unless a check says otherwise.
  public static func findings(in context: LintContext) -> [Diagnostic] { [] }
  /// The findings in one line; none unless a check says otherwise.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] { [] }

  static func finding(
    _ message: String, at range: SourceRange?, _ notes: [Diagnostic.Note] = [], fix: [Diagnostic.FixIt] = []
  ) -> Diagnostic {
    Diagnostic(id, severity, message, at: range ?? SourceRange(0..<0), code: code, notes: notes, fixIts: fix)
  }
}

/// A ruleset in which a check finds something, or nothing.
public struct CheckExample: Sendable {
  /// One finding.
  public struct Mark: Sendable, Hashable {
    /// The byte at which it points.
    public let offset: Int
    /// What it says.
    public let message: String

    /// Marks a byte of the text.
    public init(offset: Int, message: String) {
      self.offset = offset
      self.message = message
    }
  }

  /// The ruleset, without marks.
  public let text: String
  /// The findings in the order of their places; none for a good example.
  public let marks: [Mark]
  /// What `lint --fix` makes of it, where there is a fix.
  public let fixed: String?
  /// The family that the ruleset is read for.
  public let family: Family

  /// A ruleset in which nothing is found.
  public static func good(_ text: String, _ family: Family = .ipv4) -> CheckExample {
    CheckExample(text: text, marks: [], fixed: nil, family: family)
  }

  /// A ruleset in which the check reports at exactly these places.
  ///
  /// - Parameters:
  ///   - marked: the ruleset, with a `↓` before each column at which a finding points.
  ///   - messages: the findings' messages, in the order of the marks.
  public static func bad(
    _ marked: String, says messages: [String], fixed: String? = nil, _ family: Family = .ipv4
  ) -> CheckExample {
    let parts = marked.split(separator: "↓", omittingEmptySubsequences: false)
    precondition(parts.count == messages.count + 1, "one message for each ↓: \(marked)")
    var offset = 0
    let marks = zip(parts, messages).map { part, message in
      offset += part.utf8.count
      return Mark(offset: offset, message: message)
    }
    return CheckExample(text: parts.joined(), marks: marks, fixed: fixed, family: family)
  }

  /// A ruleset in which the check reports on these lines. A test refuses it until columns are marked and messages are said.
  public static func bad(_ text: String, lines: [Int], fixed: String? = nil, _ family: Family = .ipv4) -> CheckExample {
    let texts = text.split(separator: "\n", omittingEmptySubsequences: false)
    let marks = lines.map { line in Mark(offset: texts.prefix(line - 1).reduce(0) { $0 + $1.utf8.count + 1 }, message: "") }
    return CheckExample(text: text, marks: marks, fixed: fixed, family: family)
  }
}
