import ArgumentParser
import Diagnostics
import Kernel
import Linter
import Syntax
import SystemNames
import XTables

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Draws the chains of a ruleset as trees.",
    discussion: """
      Each built-in chain with its rules, and under a rule the chain it leads to.

      EXAMPLES
        ferrule show -t filter rules.v4
        iptables-save -c | ferrule show --counters -
      """)

  @OptionGroup var table: TableOption

  @Flag(help: "Show the counters that the file gives.")
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
