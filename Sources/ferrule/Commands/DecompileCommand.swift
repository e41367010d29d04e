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
    commandName: "decompile", abstract: "Reads a compiled ruleset back into text.",
    discussion: """
      EXAMPLES
        ferrule compile -o rules.blob rules.v4 && ferrule decompile rules.blob
      """)

  @OptionGroup var families: FamilyOptions

  @Flag(help: "Print the counters of the rules.")
  var counters = false

  @Option(help: "How to print.")
  var format = OutputFormat.text

  @Argument(help: "What `ferrule compile -o' wrote; - is standard input.", completion: .file())
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
