import ArgumentParser
import Diagnostics
import Kernel
import Linter
import Syntax
import XTables

struct SaveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save", abstract: "Prints the tables of the running kernel in the format of iptables-save.",
    discussion: """
      Needs root. A match or target that neither Ferrule nor libxtables can read is kept as its bytes: -m NAME --ferrule-bytes …, which \
      `ferrule apply' puts back. A rule of nf_tables that iptables cannot express is a comment at its place. Standard error names the \
      backend, and the rules that it cannot see.

      EXIT STATUS
        0  success
        2  an error on the command line
        3  the rules cannot be read, or no backend reads all of them: choose one with --backend

      EXAMPLES
        sudo ferrule save > rules.v4
        sudo ferrule save --backend nft
        sudo ferrule save -6 -t filter --counters
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var table: TableOption
  @OptionGroup var backend: BackendOptions

  @Flag(name: .shortAndLong, help: "Print the packet and byte counters of the rules.")
  var counters = false

  @Option(help: "The output format.")
  var format = OutputFormat.text

  func run() throws {
    let inventory = RuleInventory.ofThisNamespace
    let rules = try KernelRules(families.family(of: ""), try backend.choose(inventory), inventory, only: table.table)
    switch format {
    case .text: try Console.printData(rules.text(counters: counters))
    case .json: try Console.print(JSONText.encode(rules.tables.map { TableOutline($0, printer: rules.printer, file: nil) }))
    }
  }
}
