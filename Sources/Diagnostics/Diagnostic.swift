/// How severe a diagnostic is. An error makes the command fail.
public enum Severity: String, Sendable, CaseIterable {
  /// `error`: the input is refused. `warning`: it is probably a mistake. `note`: for information.
  case error, warning, note
}

/// The exit status of the iptables commands for the same mistake.
///
/// The corresponding C enumeration is `xtables_exittype`.
public enum LegacyStatus: Int32, Sendable {
  /// `OTHER_PROBLEM`: the kernel or libiptc refused.
  case otherProblem = 1
  /// `PARAMETER_PROBLEM`: the command line or the ruleset has a mistake.
  case parameterProblem = 2
  /// `VERSION_PROBLEM`: the table or extension does not exist.
  case versionProblem = 3
}

/// One message about one place in an input.
public struct Diagnostic: Sendable {
  /// The stable, lower-case identifier, such as `unknown-option`; an argument of `ferrule explain`.
  public let id: String
  /// The number of the linter's check, such as `FE002`; nil if no check made the diagnostic. An argument of suppressions and of
  /// `ferrule explain`.
  public var code: String?
  /// How severe the finding is; it decides the exit status.
  public var severity: Severity
  /// The message. If iptables has a message for the same mistake, it is that one.
  public let message: String
  /// The bytes of the source file that the diagnostic is about.
  public let range: SourceRange
  /// Related places and hints ("did you mean …").
  public var notes: [Note]
  /// Replacements that fix the cause, the preferred one first.
  public var fixIts: [FixIt]
  /// What proves a finding about the packets that a rule sees; nil for other findings.
  public var evidence: Evidence?
  /// The exit status of iptables for the same mistake; has no meaning for a warning or a note.
  public let legacyStatus: LegacyStatus
  /// Further places with an equal diagnostic, for which this one stands; nil if it stands for itself.
  public var repeats: Repeats?

  /// Creates a diagnostic. A message over 320 characters is shortened in the middle (``Quotation``).
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
    repeats = nil
  }

  /// Code and id as shown to the user: `FE002 unreferenced-chain`.
  public var label: String { code.map { "\($0) \(id)" } ?? id }

  /// Id, code, severity and message, without the number of the line in the message. Diagnostics with the same kind are equal but for their
  /// places.
  public var kind: String {
    var text = "\(code ?? "") \(id) \(severity.rawValue) "
    var isElided = false
    var isLine = false
    for word in message.split(separator: " ") {
      isElided = isLine && word.utf8.first.map { (0x30...0x39).contains($0) } == true
      text += isElided ? "N " : "\(word) "
      isLine = word == "line"
    }
    return text
  }

  /// The places of diagnostics that are equal to another one.
  public struct Repeats: Sendable, Hashable {
    /// The number of equal diagnostics, the shown one included.
    public let count: Int
    /// The first few places besides that of the shown one.
    public let places: [SourceRange]

    /// Creates a count with some places.
    public init(count: Int, places: [SourceRange]) {
      self.count = count
      self.places = places
    }
  }

  /// What proves a finding about the packets that a rule sees.
  public struct Evidence: Sendable, Hashable {
    /// A packet in the notation of `ferrule run`, which the evaluator has run; nil if no packet can show the finding.
    public let witness: String?
    /// The places of the rules that decide about the packets, in the order of the file.
    public let blockers: [SourceRange]

    /// Creates evidence.
    public init(witness: String?, blockers: [SourceRange]) {
      self.witness = witness
      self.blockers = blockers
    }
  }

  /// An additional sentence of a diagnostic, with a place of its own if it is about one.
  public struct Note: Sendable {
    /// The sentence.
    public let message: String
    /// The bytes that the note is about; nil if it is about no place in the file.
    public let range: SourceRange?

    /// Creates a note, with or without a place. A message over 320 characters is shortened in the middle.
    public init(_ message: String, at range: SourceRange? = nil) {
      self.message = Quotation.shortened(message)
      self.range = range
    }
  }

  /// A replacement of source bytes that removes the cause.
  public struct FixIt: Sendable {
    /// What the replacement does, as an imperative.
    public let message: String
    /// The bytes to replace; an empty range inserts.
    public let range: SourceRange
    /// The bytes to put in place of `range`.
    public let replacement: [UInt8]
    /// Whether the replacement may change what the ruleset does.
    public let isUnsafe: Bool

    /// Creates a replacement of the bytes in `range`.
    public init(_ message: String, replace range: SourceRange, with replacement: [UInt8], isUnsafe: Bool = false) {
      self.message = message
      self.range = range
      self.replacement = replacement
      self.isUnsafe = isUnsafe
    }
  }
}
