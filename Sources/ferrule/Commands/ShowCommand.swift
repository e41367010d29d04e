import ArgumentParser
import Diagnostics
import Kernel
import Linter
import Syntax
import SystemNames
import XTables

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Prints the chains of a ruleset as trees.",
    discussion: """
      Prints each built-in chain with its rules. The chain to which a rule jumps is printed below that rule.

      EXIT STATUS
        0  success
        2  the ruleset has errors, or not the table of --table

      EXAMPLES
        ferrule show -t filter rules.v4
        iptables-save -c | ferrule show --counters -
      """)

  @OptionGroup var table: TableOption

  @Flag(help: "Print the packet and byte counters in the file.")
  var counters = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var input: RulesetInput

  func run() throws {
    let parsed = try input.read(output.colour, for: .reading)
    let printer = RulePrinter(family: parsed.ruleset.family, names: .offline)
    let tables = try table.tables(of: parsed.ruleset)
    switch output.format {
    case .text:
      try Console.print(tables.map { ChainTree($0, printer: printer, counters: counters).text }.joined(separator: "\n"))
    case .json:
      try Console.print(JSONText.encode(tables.map { TableOutline($0, printer: printer, file: parsed.file) }))
    }
  }
}
