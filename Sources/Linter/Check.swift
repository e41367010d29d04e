public import Diagnostics
public import Wire
import XTables

/// A check of `ferrule lint`: one kind of mistake or probable mistake in a ruleset.
///
/// A check searches the whole ruleset or each line, or it gives its code to diagnostics of the parser and the validator (`adopts`).
/// Its examples are its tests and are shown by `ferrule explain`.
public protocol Check: SendableMetatype {
  /// The code, such as `FE002`. It never changes.
  static var code: String { get }
  /// The id of its diagnostics, such as `unreferenced-chain`.
  static var id: String { get }
  /// The finding in a few words.
  static var title: String { get }
  /// Why it matters, and what to do.
  static var rationale: String { get }
  /// The group under which it is listed.
  static var group: CheckGroup { get }
  /// The severity of its diagnostics.
  static var severity: Severity { get }
  /// The ids of diagnostics of the parser and the validator that get this check's code.
  static var adopts: Set<String> { get }
  /// The codes of checks with more specific findings: at the same place only theirs is reported.
  static var yieldsTo: Set<String> { get }
  /// Rulesets with and without a finding; the tests run the check on each.
  static var examples: [CheckExample] { get }

  /// Searches the whole ruleset.
  static func findings(in context: LintContext) -> [Diagnostic]
  /// Searches one line with a command.
  static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic]
}

extension Check {
  /// The group; rules and chains without effect unless a check says otherwise.
  public static var group: CheckGroup { .rules }
  /// The severity of the findings; `.warning` unless a check says otherwise.
  public static var severity: Severity { .warning }
  /// The ids of other diagnostics that get this check's code; none unless a check says otherwise.
  public static var adopts: Set<String> { [] }
  /// The codes of checks with more specific findings; none unless a check says otherwise.
  public static var yieldsTo: Set<String> { [] }
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

/// A ruleset with the findings that a check must report in it, or none.
public struct CheckExample: Sendable {
  /// One finding.
  public struct Mark: Sendable, Hashable {
    /// The byte offset of the finding in `text`.
    public let offset: Int
    /// The message; empty if only the line is specified.
    public let message: String

    /// Creates a finding at a byte of the text.
    public init(offset: Int, message: String) {
      self.offset = offset
      self.message = message
    }
  }

  /// What the check has to know besides the ruleset.
  public enum Given: Sendable, Hashable {
    /// The version of iptables: `--tool`.
    case tool(String)
    /// A distribution: `--target`.
    case target(String)
    /// A network of administrators.
    case management(String)
    /// The ruleset of the other family of the same host.
    case otherFamily(String)

    /// The option or setting as a sentence.
    var words: String {
      switch self {
      case .tool(let version): "with --tool \(version)"
      case .target(let name): "with --target \(name)"
      case .management(let network): "with `management: \(network)' in .ferrule.yml"
      case .otherFamily: "with a ruleset of the other family on the command line"
      }
    }
  }

  /// The ruleset, without `↓` marks.
  public let text: String
  /// What the check has to know besides the ruleset.
  public let given: [Given]
  /// The findings in the order of their positions; none for a good example.
  public let marks: [Mark]
  /// The output of `lint --fix`; nil if there is no fix.
  public let fixed: String?
  /// The family of the ruleset.
  public let family: Family

  /// Creates an example without findings.
  public static func good(_ text: String, _ family: Family = .ipv4) -> CheckExample {
    CheckExample(text: text, given: [], marks: [], fixed: nil, family: family)
  }

  /// Creates an example with findings at exactly these positions.
  ///
  /// - Parameters:
  /// - marked: the ruleset with a `↓` before each column at which a finding points.
  /// - messages: the messages of the findings, in the order of the marks.
  /// - fixed: the output of `lint --fix`; nil if there is no fix.
  /// - given: what the check has to know besides the ruleset.
  public static func bad(
    _ marked: String, says messages: [String], fixed: String? = nil, _ family: Family = .ipv4, given: [Given] = []
  ) -> CheckExample {
    let parts = marked.split(separator: "↓", omittingEmptySubsequences: false)
    precondition(parts.count == messages.count + 1, "one message for each ↓: \(marked)")
    var offset = 0
    let marks = zip(parts, messages).map { part, message in
      offset += part.utf8.count
      return Mark(offset: offset, message: message)
    }
    return CheckExample(text: parts.joined(), given: given, marks: marks, fixed: fixed, family: family)
  }

  /// The settings of the example.
  public var settings: LintSettings {
    var settings = LintSettings()
    for given in given {
      switch given {
      case .tool(let version): settings.target.tool = ProgramVersion(version)
      case .target(let name): settings.target = LintTarget(named: name) ?? settings.target
      case .management(let network): settings.management += [LintSettings.Network(network)].compactMap { $0 }
      case .otherFamily: break
      }
    }
    return settings
  }

  /// The ruleset of the other family; nil if the example needs none.
  public var counterpart: String? {
    for case .otherFamily(let text) in given { return text }
    return nil
  }
}
