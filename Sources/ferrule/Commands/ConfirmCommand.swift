import ArgumentParser
import Diagnostics
import Kernel
import Linter

struct ConfirmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "confirm", abstract: "Keeps the rules that `ferrule apply --confirm' loaded.",
    discussion: """
      Run it in a new session: that it can be opened shows that the new rules let you in. Needs root.

      EXIT STATUS
        0  the rules are kept
        1  no change awaits its confirmation, or it was taken back already

      EXAMPLES
        sudo ferrule confirm
      """)

  @OptionGroup var options: StateOptions

  func run() throws {
    let lock = try XtablesLock(wait: options.wait)
    guard let awaiting = try options.state.awaiting() else {
      try Console.print("no change awaits its confirmation\n")
      return try ExitStatus.findings.leave()
    }
    try options.state.confirm(awaiting.change)
    _ = consume lock
    try Console.print("change \(awaiting.change.number) is confirmed\n")
  }
}

struct RollbackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Loads the tables again as they were before a change.",
    discussion: """
      Only the tables that the change replaced are loaded again, all or none, into ip_tables or nf_tables, whichever it changed. Rules that are loaded now and were loaded then keep their \
      counters, others get those that they had. `ferrule history' lists the changes. Needs root.

      EXIT STATUS
        0  the tables are loaded
        2  there is no such change
        3  the kernel refused a table; the tables are unchanged

      EXAMPLES
        sudo ferrule rollback
        sudo ferrule rollback 3
      """)

  @Argument(help: "The number of the change; by default the last one that is in force.")
  var change: Int?

  @OptionGroup var options: StateOptions

  func run() throws {
    let lock = try XtablesLock(wait: options.wait)
    try InterruptedChange.finish(in: options.state, holding: lock)
    let changes = try options.state.history().filter { [.applied, .awaiting, .confirmed].contains($0.outcome) }
    guard let found = changes.last(where: { change == nil || $0.number == change }) else {
      throw CommandFailure(change.map { "there is no change \($0) in force; see `ferrule history'" } ?? "there is no change to take back")
    }
    let tables = try options.state.rollBack(found, .installed)
    _ = consume lock
    try Console.print("change \(found.number) was taken back: \(tables.joined(separator: ", "))\n")
  }
}

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Lists the changes of the kernel's tables in this network namespace.",
    discussion: """
      Lists the changes that `ferrule apply' made, the oldest first: number, time, how the change ended, and its tables; (nft) marks \
      those of nf_tables. The last 20 are \
      kept. Needs root.

      EXAMPLES
        sudo ferrule history
        sudo ferrule history --format json
      """)

  @Option(help: "The output format.")
  var format = OutputFormat.text

  @OptionGroup var options: StateOptions

  func run() throws {
    let changes = try options.state.history().map { try options.state.summary(of: $0) }
    switch format {
    case .json: try Console.print(JSONText.encode(changes))
    case .text:
      for change in changes {
        let backend = change.backend == Backend.legacy.rawValue ? "" : " (\(change.backend))"
        try Console.print("\(change.number)  \(change.time)  \(change.outcome)  \(change.tables.joined(separator: ", "))\(backend)\n")
      }
    }
  }
}

struct WatchConfirmationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch-confirmation", abstract: "Takes a change back at the deadline: started by `ferrule apply --confirm'.",
    shouldDisplay: false)

  @Option(help: "The state directory.")
  var stateDirectory: String

  @Option(help: "Seconds from when the tables are replaced.")
  var seconds: Double

  func run() { ConfirmationWatcher.run(StateDirectory(stateDirectory), seconds: min(max(0, seconds), 86_400), .installed) }
}
