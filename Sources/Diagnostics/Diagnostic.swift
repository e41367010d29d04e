/// How much a diagnostic matters.
public enum Severity: String, Sendable, CaseIterable {
  case error, warning, note
}

/// The exit status with which iptables leaves over the same mistake.
///
/// The corresponding C enumeration is `xtables_exittype`.
public enum LegacyStatus: Int32, Sendable {
  /// `OTHER_PROBLEM`: the kernel or libiptc refused.
  case otherProblem = 1
  /// `PARAMETER_PROBLEM`: the text could not be understood.
  case parameterProblem = 2
  /// `VERSION_PROBLEM`: the table or extension is not there.
  case versionProblem = 3
}

/// One thing to tell the user about one input.
public struct Diagnostic: Sendable {
  /// A stable, lower-case identifier such as `unknown-option`; `ferrule explain` takes it.
  public let id: String
  /// The linter's number for it, such as `FE002`, where a check has one; suppressions and `ferrule explain` take it too.
  public var code: String?
  public var severity: Severity
  /// The sentence, worded as iptables words it where iptables has one.
  public let message: String
  public let range: SourceRange
  /// Further places or hints ("did you mean …").
  public var notes: [Note]
  public var fixIts: [FixIt]
  /// What iptables itself would exit with; means nothing for a warning.
  public let legacyStatus: LegacyStatus

  public init(
    _ id: String, _ severity: Severity, _ message: String, at range: SourceRange,
    code: String? = nil, notes: [Note] = [], fixIts: [FixIt] = [], legacyStatus: LegacyStatus = .parameterProblem
  ) {
    self.id = id
    self.code = code
    self.severity = severity
    self.message = Quotation.shortened(message)
    self.range = range
    self.notes = notes
    self.fixIts = fixIts
    self.legacyStatus = legacyStatus
  }

  /// Code and id as they are shown: `FE002 unreferenced-chain`.
  public var label: String { code.map { "\($0) \(id)" } ?? id }

  /// A sentence that belongs to a diagnostic, with a place of its own where there is one.
  public struct Note: Sendable {
    public let message: String
    public let range: SourceRange?

    public init(_ message: String, at range: SourceRange? = nil) {
      self.message = Quotation.shortened(message)
      self.range = range
    }
  }

  /// A replacement of source bytes that would remove the cause.
  public struct FixIt: Sendable {
    public let message: String
    public let range: SourceRange
    public let replacement: [UInt8]

    public init(_ message: String, replace range: SourceRange, with replacement: [UInt8]) {
      self.message = message
      self.range = range
      self.replacement = replacement
    }
  }
}
