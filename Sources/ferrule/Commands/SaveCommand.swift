import ArgumentParser
import Diagnostics
import Linter
import Syntax
import XTables

struct SaveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save", abstract: "Prints the tables of the running kernel in the format of iptables-save.",
    discussion: """
      Needs root. If neither Ferrule nor libxtables can read a match or target, its bytes are printed as -m NAME --ferrule-bytes …; \
      `ferrule apply' loads them unchanged.

      EXIT STATUS
        0  success
        2  the tables cannot be opened, for example without root
        3  the kernel refused to read a table

      EXAMPLES
        sudo ferrule save > rules.v4
        sudo ferrule save -6 -t filter --counters
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var table: TableOption

  @Flag(name: .shortAndLong, help: "Print the packet and byte counters of the rules.")
  var counters = false

  @Option(help: "The output format.")
  var format = OutputFormat.text

  func run() throws {
    let rules = try KernelRules(families.family(of: ""), only: table.table)
    switch format {
    case .text: try Console.printData(rules.text(counters: counters))
    case .json: try Console.print(JSONText.encode(rules.tables.map { TableOutline($0, printer: rules.printer, file: nil) }))
    }
  }
}
