import ArgumentParser
import Extensions
import Glibc
import Kernel
import Linter
import Syntax
import Wire
import XTables

struct SaveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save", abstract: "Prints the kernel's rulesets in iptables-save's form.",
    discussion: """
      Needs root. A match or target that neither Ferrule nor libxtables can read is kept as its bytes: -m NAME --ferrule-bytes …, which \
      `ferrule apply' puts back.

      EXAMPLES
        sudo ferrule save > rules.v4
        sudo ferrule save -6 -t filter --counters
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var table: TableOption

  @Flag(name: .shortAndLong, help: "Print the counters of the rules.")
  var counters = false

  @Option(help: "How to print.")
  var format = OutputFormat.text

  func run() throws {
    let family = families.family(of: "")
    let names = table.table.map { [$0.rawValue] } ?? KernelTables().names(family)
    // Without root the list of tables is empty; asking for one says why.
    if names.isEmpty, geteuid() != 0 { _ = try RawTable.read(family, TableName.filter.rawValue) }
    let tables = try names.map { try RawTable.read(family, $0).typed(.installed) }
    UndeclaredParts.report(tables)
    let printer = RulePrinter(family: family, names: .system)
    switch format {
    case .text: try Console.print(tables.flatMap { printer.table($0, counters: counters) })
    case .json: try Console.print(JSONText.encode(tables.map { TableOutline($0, printer: printer, file: nil) }))
    }
  }
}
