import ArgumentParser
import Diagnostics
import Documents
import Evaluator
import Glibc
import Kernel
import LanguageServer
import Linter
import Policies
import Snapshots
import Suites
import Synchronization
import Syntax
import SystemNames
import XTables

struct LanguageServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lsp", abstract: "Serves an editor by the Language Server Protocol.",
    discussion: """
      Speaks version 3.17 of the protocol on standard input and output: findings while you type, meaning of the word under the cursor, completion, \
      definition, references and renaming of chains, symbols, formatting, fixes and counters. The findings are those of `ferrule lint', with the \
      nearest .ferrule.yml. If there is a scenario.yaml beside the rules, its tests run when a document is opened or saved, and lenses say which rules \
      they match. With --host, completion offers the interfaces and sets of a snapshot. Reads no file but these and what they name, and writes none.

      Docs/Editors.md shows the settings of editors.

      EXIT STATUS
        0  the editor shut the server down
        1  the input ended without that
        2  the input is no message of the protocol

      EXAMPLES
        ferrule lsp
        ferrule lsp --host snapshot.yaml
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var policies: PolicyOptions

  @Option(help: "A snapshot or the description of a host, whose interfaces and sets completion offers.", completion: .file())
  var host: String?

  /// The seconds between a change of a document and its check: what is typed meanwhile is checked with it.
  private static let pause = 0.15
  /// The seconds after which the tests beside a document are abandoned, so that they do not delay checks.
  private static let longestTests = 10.0

  func run() throws {
    let command = self
    let machine = try names()
    let session = LanguageSession(version: Ferrule.configuration.version) { path, text in command.rules(path, text, machine) }
    let shared = SharedSession(session)
    // The checks run here and the messages are read on another thread, so that a long check delays no answer.
    let changes = try WakeSignal()
    try BackgroundThread.start { Glibc.exit(command.read(shared, changes).rawValue) }
    while true {
      changes.wait()
      BackgroundThread.sleep(seconds: Self.pause)
      while let check = shared.withLock({ $0.nextCheck() }) {
        let result = check.run()
        try shared.send { $0.accept(result) }
      }
      while let request = shared.withLock({ $0.nextCoverage() }) {
        guard let coverage = Self.coverage(request, shared) else { continue }
        try shared.send { $0.accept(coverage) }
      }
    }
  }

  /// The names of the host of --host.
  private func names() throws -> MachineNames {
    guard let host else { return MachineNames() }
    let source = try RulesetInput.source(host, upTo: Limits.documentBytes)
    do throws(ScenarioFileError) {
      let loader = AccessOptions.loader(besides: host, allowing: [])
      let simulator = try SnapshotFile(source, registry: .installed, names: .system, loader: loader).simulator
      return MachineNames(
        interfaces: simulator.host.devices.map(\.interface.name), sets: simulator.world.addressSets?.all.map(\.name) ?? [])
    } catch {
      Console.report([error.diagnostic], in: error.shown(source), .never)
      throw ExitStatus.badInput.code
    }
  }

  /// What the tests of the scenario file beside a document match in it; nil without such a file, if it does not load the text of the document,
  /// and if the document changes meanwhile.
  private static func coverage(_ request: CoverageRequest, _ session: SharedSession) -> DocumentCoverage? {
    guard request.path.hasPrefix("/"), let slash = request.path.lastIndex(of: "/") else { return nil }
    let path = String(request.path[...slash]) + "scenario.yaml"
    guard HostFile.exists(path), let bytes = try? FolderAccess(besides: path).bytes(path) else { return nil }
    let reading = ScenarioFile.read(
      SourceFile(name: path, bytes: bytes), registry: .installed, loader: AccessOptions.loader(besides: path, allowing: []))
    var runner = TestRunner(registry: .installed)
    let seconds = Stopwatch.start()
    runner.isOver = { seconds() > longestTests || session.withLock { $0.isOutdated(request) } }
    let results = runner.run([reading], workers: 1)
    guard !runner.isOver(), let file = Coverage(results).files.first(where: { $0.source.bytes == request.bytes }) else { return nil }
    let hits = file.rules.compactMap { rule in rule.line.map { ($0, rule.hits) } }
    return DocumentCoverage(of: request, hits: Dictionary(hits, uniquingKeysWith: +))
  }

  /// Reads and answers messages until the input ends.
  private func read(_ session: SharedSession, _ changes: WakeSignal) -> ExitStatus {
    do {
      let input = try HostInput(path: nil)
      var frames = MessageFrames()
      while true {
        let bytes = try input.next()
        if bytes.isEmpty { return .findings }
        frames.append(bytes)
        while let message = try frames.next() {
          try session.send { $0.answer(message) }
          if let status = session.withLock({ $0.exitStatus }) { return status == 0 ? .fine : .findings }
        }
        changes.raise()
      }
    } catch let error as MessageFrames.Malformed {
      Console.complain("standard input: \(error.reason)")
    } catch {
      Console.complain("\(error)")
    }
    return .badInput
  }

  /// How a document is read. A policy that cannot be read is reported on standard error, and the document is checked without it.
  private func rules(_ path: String, _ text: [UInt8], _ machine: MachineNames) -> DocumentRules {
    let family = families.family(of: path, text: Array(text.prefix(4096)))
    var settings = policies.settings(over: PolicyFile())
    var found: PolicySearch.Found?
    do {
      var search = try policies.search(.never)
      let policy = try search.policy(for: path, family)
      settings = policies.settings(over: policy.policy)
      found = policy
    } catch let failure as CommandFailure {
      Console.complain(failure.message)
    } catch {
      // The mistake in the policy was reported where it was found.
      Console.complain("\(path): checked without a policy")
    }
    let parser = RulesetParser(
      registry: .installed, names: .offline, family: family, keepsExisting: found?.base != nil, isForReading: true)
    let linter = Linter(registry: .installed, settings: settings, baseline: found?.baseline ?? Baseline())
    return DocumentRules(parser: parser, linter: linter, existing: found?.base, machine: machine)
  }
}

/// The session of both threads. Answers are written in the order in which they are made.
private final class SharedSession: Sendable {
  private let session: Mutex<LanguageSession>

  init(_ session: LanguageSession) { self.session = Mutex(session) }

  func withLock<Result: Sendable>(_ body: @Sendable (inout LanguageSession) -> Result) -> Result {
    session.withLock { body(&$0) }
  }

  /// Writes what a step of the session makes.
  func send(_ step: @Sendable (inout LanguageSession) -> [JSONValue]) throws {
    try session.withLock { session in
      for message in step(&session) { try ProcessStream.output.write(MessageFrames.frame(message)) }
    }
  }
}
