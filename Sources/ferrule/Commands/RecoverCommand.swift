import ArgumentParser
import Diagnostics
import Kernel

struct RecoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover", abstract: "Takes back a change of the kernel's tables that was interrupted.",
    discussion: """
      `ferrule apply' records what it is about to do before it replaces the first table. If it is killed, this command loads the \
      previous tables again, with their counters. Every other command that reads or changes the kernel's tables does the same first. \
      Does nothing if no change was interrupted. Needs root.

      EXIT STATUS
        0  nothing was interrupted, or the previous tables are loaded
        2  the record cannot be read
        3  a table could not be put back; the record is kept

      EXAMPLES
        sudo ferrule recover
      """)

  @OptionGroup var options: StateOptions

  func run() throws {
    guard options.state.hasPending || options.state.isDeserted else { return try Console.print("no change was interrupted\n") }
    try InterruptedChange.finish(in: options.state, wait: options.wait)
  }
}
