public import Capture
public import Diagnostics
public import XTables

/// A suite of tests for the rules of a host, as a YAML file says it.
///
/// Every test begins with a new host: nothing that happens in one can be seen in another.
public struct ScenarioFile: Sendable {
  public let file: SourceFile
  public let name: String
  public let tests: [ScenarioTest]
}

/// One test: a host, what happens to it, and what is expected.
public struct ScenarioTest: Sendable {
  public let name: String
  public let range: SourceRange
  /// Why it is not to be run.
  public let skipReason: String?
  /// The host and its rules; its steps are those of `steps`, once they are known.
  public internal(set) var base: Scenario
  /// The rules loaded when it begins.
  public let rulesets: [ScenarioRuleset]
  /// What makes the connections that conntrack knows when the test begins; nobody judges it.
  public let prelude: [TestStep]
  public let steps: [TestStep]
  /// What holds at the end, of all packets.
  public let expectation: Expectation?
}

/// What happens in one step of a test, and what is expected of it.
public struct TestStep: Sendable {
  /// One thing after the other.
  public enum Part: Sendable {
    case step(ScenarioStep)
    /// A packet back from where the one before it arrived.
    case reply(ReplySpec)
    /// The data connection that the FTP line in the packet before announced.
    case announced
    case load([ScenarioRuleset])
  }

  /// Of which packets the verdict is expected.
  public enum Scope: Sendable {
    /// Of every one.
    case each
    /// Of the first; those behind it must get through. A verdict other than that of a packet that gets through is one that any of them
    /// may meet, and ends the sequence.
    case sequence
  }

  /// As the file has it, on one line.
  public let text: String
  public let range: SourceRange
  public let parts: [Part]
  public let scope: Scope
  public let expectation: Expectation?
  /// Where the expectation stands or would stand, for `--update`.
  let form: Form

  enum Form: Sendable {
    /// A line of its own, `- eth0 tcp … => drop`: the range of what stands behind the packet.
    case line(SourceRange)
    case mapping
  }
}

/// A packet that answers another.
public struct ReplySpec: Sendable {
  /// Details as the notation has them behind the destination: `SA`, `payload="x"`; or `icmp 3/3`, an error about the packet.
  public let text: String
  public let range: SourceRange

  public init(_ text: String, at range: SourceRange) {
    self.text = text
    self.range = range
  }

  /// The same from the side that sent last.
  var again: ReplySpec { ReplySpec("again \(text)", at: range) }
}

/// How a scenario file's reader gets at other files.
public struct ScenarioFileLoader: Sendable {
  /// Why a file cannot be had.
  public struct Failure: Error, Sendable {
    public let reason: String

    public init(_ reason: String) { self.reason = reason }
  }

  /// The bytes of a file.
  public let bytes: @Sendable (String) throws(Failure) -> [UInt8]
  /// The records of a pcap or pcapng file.
  public let capture: @Sendable (String) throws(Failure) -> [CapturedFrame]

  public init(
    bytes: @escaping @Sendable (String) throws(Failure) -> [UInt8], capture: @escaping @Sendable (String) throws(Failure) -> [CapturedFrame]
  ) {
    self.bytes = bytes
    self.capture = capture
  }

  /// Nothing but the scenario file itself.
  public static let none = ScenarioFileLoader(
    bytes: { _ throws(Failure) in throw Failure("other files cannot be read here") },
    capture: { _ throws(Failure) in throw Failure("other files cannot be read here") })
}

extension ScenarioFile {
  /// What reading a file gave: nothing where it could not be read at all, and whatever is wrong with it.
  public struct Reading: Sendable {
    public let file: SourceFile
    public let suite: ScenarioFile?
    public let diagnostics: [Diagnostic]

    public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
  }

  /// Reads a scenario file: YAML, or scenarios of the lab's protocol where its name ends in `.jsonl`. Tests that cannot be
  /// understood are left out, with a diagnostic for each.
  ///
  /// - Parameter file: its name is a path, from which the paths in it are taken.
  public static func read(
    _ file: SourceFile, registry: Registry, names: NameDatabase = .builtin, loader: ScenarioFileLoader
  ) -> Reading {
    var problems: [ScenarioFileError] = []
    let suite = file.name.hasSuffix(".jsonl")
      ? ScenarioLines(file: file, registry: registry, names: names).read(&problems)
      : ScenarioFileReader(file, registry: registry, names: names, loader: loader).read(&problems)
    let shown = problems.first { $0.hidesText }?.shown(file) ?? file
    return Reading(file: shown, suite: suite, diagnostics: problems.map(\.diagnostic))
  }
}
