import ArgumentParser
import Compiler
import Diagnostics
import Extensions
import Kernel
import Linter
import Syntax
import XTables

struct DecompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decompile", abstract: "Converts a compiled ruleset back to text.",
    discussion: """
      The output has the format of iptables-save.

      EXIT STATUS
        0  success
        2  the file is not a compiled ruleset

      EXAMPLES
        ferrule compile -o rules.blob rules.v4 && ferrule decompile rules.blob
      """)

  @OptionGroup var families: FamilyOptions

  @Flag(help: "Print the packet and byte counters of the rules.")
  var counters = false

  @Option(help: "The output format.")
  var format = OutputFormat.text

  @Argument(help: "A file written by `ferrule compile -o'; - means standard input.", completion: .file())
  var file = "-"

  func run() throws {
    let source = try RulesetInput.source(file)
    let family = families.family(of: file)
    let tables: [Table]
    do throws(DecompileError) {
      let decompiler = TableDecompiler(registry: .installed)
      tables = try TableBlob.split(source.bytes, family: family).map { blob throws(DecompileError) in
        try decompiler.decompile(blob)
      }
    } catch {
      throw CommandFailure("\(source.name): the entry at offset \(error.offset) \(error.message)")
    }
    UndeclaredParts.report(tables)
    let printer = RulePrinter(family: family, names: .system, isReloadable: true)
    switch format {
    case .text: try Console.printData(tables.flatMap { printer.table($0, counters: counters) })
    case .json: try Console.print(JSONText.encode(tables.map { TableOutline($0, printer: printer, file: nil) }))
    }
  }
}
