import ArgumentParser
import Changes
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
        sudo ferrule save --mine > rules.v4
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var table: TableOption
  @OptionGroup var backend: BackendOptions

  @Flag(name: .shortAndLong, help: "Print the packet and byte counters of the rules.")
  var counters = false

  @Flag(help: "Leave out the chains and rules of other programs that Ferrule knows, such as Docker and fail2ban, and of --owners.")
  var mine = false

  @Option(help: "A file of further owners, in the format of Grammar/owners.schema.json.", completion: .file())
  var owners: String?

  @Option(help: "The output format.")
  var format = OutputFormat.text

  func validate() throws {
    if owners != nil, !mine { throw ValidationError("--owners is for --mine.") }
  }

  func run() throws {
    let family = families.family(of: "")
    let lines = mine || format != .text ? nil : SavedLines(family, only: table.table, counters: counters)
    var rules = try KernelRules(family, try backend.chosen(printing: lines), only: table.table)
    if mine { rules.tables = try OwnerOptions.known(owners, .auto).removed(from: rules.ruleset).tables }
    switch format {
    case .text: for piece in rules.pieces(counters: counters) { try Console.printData(piece) }
    case .json: try Console.print(JSONText.encode(rules.tables.map { TableOutline($0, printer: rules.printer, file: nil) }))
    }
  }
}
