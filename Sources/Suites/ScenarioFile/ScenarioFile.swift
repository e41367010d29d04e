public import Capture
public import Diagnostics
import Documents
public import Notation
public import Scenarios
public import XTables

/// A suite of tests for the rules of a host, read from a YAML file.
///
/// Every test starts with a new host, so tests are independent of each other.
public struct ScenarioFile: Sendable {
  /// The file's text.
  public let file: SourceFile
  /// The name of the suite.
  public let name: String
  /// The tests, in the order of the file.
  public let tests: [ScenarioTest]
}

/// A test: a host, a sequence of events, and expectations.
public struct ScenarioTest: Sendable {
  /// The name of the test.
  public let name: String
  /// The place of the test in the file.
  public let range: SourceRange
  /// The reason to skip the test; nil if it is to be run.
  public let skipReason: String?
  /// The host and its rules; the steps are added when they are resolved.
  public package(set) var base: Scenario
  /// The rules loaded at the start.
  public let rulesets: [ScenarioRuleset]
  /// The steps that create the connections existing at the start; they are not checked.
  public let prelude: [TestStep]
  /// The steps, in order.
  public let steps: [TestStep]
  /// The expectation for the whole test, checked at the end.
  public let expectation: TestExpectation?
}

/// A step of a test with its expectation.
public struct TestStep: Sendable {
  /// One event of a step.
  public enum Part: Sendable {
    case step(ScenarioStep)
    /// A reply from the receiver of the previous packet.
    case reply(ReplySpec)
    /// The data connection that the FTP line in the previous packet announced.
    case announced
    case load([ScenarioRuleset])
  }

  /// Which packets of a step must have the expected verdict.
  public enum Scope: Sendable {
    /// Every packet.
    case each
    /// The first packet; the later ones must pass. If the expected verdict is not a passing one, any packet may meet it, which ends the
    /// sequence.
    case sequence
  }

  /// The step's text in the file, on one line.
  public let text: String
  /// The place of the step in the file.
  public let range: SourceRange
  /// The events of the step, in order.
  public let parts: [Part]
  /// Which packets must have the expected verdict.
  public let scope: Scope
  /// The expectation for the step; nil if it has none.
  public let expectation: TestExpectation?
  /// The place of the expectation, or where one would be inserted by `--update`.
  let form: Form

  enum Form: Sendable {
    /// A line such as `- eth0 tcp … => drop`; the range is that of the text after the packet.
    case line(SourceRange)
    case mapping
  }
}

/// A packet that answers another one.
public struct ReplySpec: Sendable {
  /// The details after the destination in packet notation: `SA`, `payload="x"`; or `icmp 3/3` for an error about the packet.
  public let text: String
  /// The place of the reply in the file.
  public let range: SourceRange

  /// Creates a reply.
  public init(_ text: String, at range: SourceRange) {
    self.text = text
    self.range = range
  }

  /// The same packet from the side that sent last.
  var again: ReplySpec { ReplySpec("again \(text)", at: range) }
}

/// Gives the reader of a scenario file access to other files.
public struct ScenarioFileLoader: Sendable {
  /// The reason why a file cannot be read.
  public struct Failure: Error, Sendable {
    /// Why the file cannot be read.
    public let reason: String

    /// Creates a failure.
    public init(_ reason: String) { self.reason = reason }
  }

  /// Returns the bytes of a file.
  public let bytes: @Sendable (String) throws(Failure) -> [UInt8]
  /// Returns the records of a pcap or pcapng file.
  public let capture: @Sendable (String) throws(Failure) -> [CapturedFrame]

  /// Creates a loader from its two functions.
  public init(
    bytes: @escaping @Sendable (String) throws(Failure) -> [UInt8], capture: @escaping @Sendable (String) throws(Failure) -> [CapturedFrame]
  ) {
    self.bytes = bytes
    self.capture = capture
  }

  /// Refuses access to all other files.
  public static let none = ScenarioFileLoader(
    bytes: { _ throws(Failure) in throw Failure("other files cannot be read here") },
    capture: { _ throws(Failure) in throw Failure("other files cannot be read here") })
}

extension ScenarioFile {
  /// The result of reading a file: the suite, if the file could be parsed, and the errors found.
  public struct Reading: Sendable {
    /// The file that was read.
    public let file: SourceFile
    /// The suite; nil if the file could not be parsed.
    public let suite: ScenarioFile?
    /// The errors and warnings found.
    public let diagnostics: [Diagnostic]

    /// True if any diagnostic is an error.
    public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
  }

  /// Reads a scenario file: YAML, or scenarios of the lab's protocol if its name ends in `.jsonl`. Tests with errors are omitted, with a
  /// diagnostic for each.
  ///
  /// - Parameter file: its name is a path; relative paths in it start from its folder.
  public static func read(
    _ file: SourceFile, registry: Registry, names: NameDatabase = .builtin, loader: ScenarioFileLoader
  ) -> Reading {
    var problems: [ScenarioFileError] = []
    let suite =
      file.name.hasSuffix(".jsonl")
      ? ScenarioLines(file: file, registry: registry, names: names).read(&problems)
      : ScenarioFileReader(file, registry: registry, names: names, loader: loader).read(&problems)
    let shown = problems.first { $0.hidesText }?.shown(file) ?? file
    return Reading(file: shown, suite: suite, diagnostics: problems.map(\.diagnostic))
  }
}
