import ArgumentParser
import Diagnostics
import Linter
import Syntax
import XTables

struct SaveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save", abstract: "Prints the tables of the running kernel in the format of iptables-save.",
    discussion: """
      Needs root. A match or target that neither Ferrule nor libxtables can read is kept as its bytes: -m NAME --ferrule-bytes …, which \
      `ferrule apply' puts back. Standard error names the tables of nf_tables in the same network namespace: they decide on packets too.

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
    OtherKernelRules.report()
    switch format {
    case .text: try Console.printData(rules.text(counters: counters))
    case .json: try Console.print(JSONText.encode(rules.tables.map { TableOutline($0, printer: rules.printer, file: nil) }))
    }
  }
}
