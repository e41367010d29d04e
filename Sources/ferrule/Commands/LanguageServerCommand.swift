import ArgumentParser
import Diagnostics
import Documents
import Glibc
import Kernel
import LanguageServer
import Linter
import Policies
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
      nearest .ferrule.yml. Reads no file but policies and what they name, and writes none.

      Docs/Editors.md shows the settings of editors.

      EXIT STATUS
        0  the editor shut the server down
        1  the input ended without that
        2  the input is no message of the protocol

      EXAMPLES
        ferrule lsp
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var policies: PolicyOptions

  /// The seconds between a change of a document and its check: what is typed meanwhile is checked with it.
  private static let pause = 0.15

  func run() throws {
    let command = self
    let session = LanguageSession(version: Ferrule.configuration.version) { path, text in command.rules(path, text) }
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
    }
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
  private func rules(_ path: String, _ text: [UInt8]) -> DocumentRules {
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
    return DocumentRules(parser: parser, linter: linter, existing: found?.base)
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
