import ArgumentParser
import Compiler
import Diagnostics
import Kernel
import Linter
import Syntax
import XTables

struct CompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Compiles a ruleset into the kernel's table structures.",
    discussion: """
      Lists each entry with its offset and size in bytes. With -o, writes the tables one after another to a file: for each table a \
      struct ipt_replace (ip6t_replace) followed by its entries. `ferrule decompile' reads this file.

      EXIT STATUS
        0  success
        2  the ruleset has errors

      EXAMPLES
        ferrule compile -t filter rules.v4
        ferrule compile -o rules.blob rules.v4
        ferrule compile --format json rules.v4
      """)

  @OptionGroup var table: TableOption

  @Option(name: .shortAndLong, help: "Write the compiled tables to this file.", completion: .file())
  var output: String?

  @OptionGroup var outputs: OutputOptions
  @OptionGroup var input: RulesetInput

  func run() throws {
    if let output {
      let blobs = try table.blobs(of: try input.blobs(outputs.colour))
      return try HostFile.write(blobs.flatMap { [$0.replaceHeader, $0.entries] }, to: output)
    }
    let parsed = try input.read(outputs.colour, for: .compiling)
    let tables = try table.tables(of: parsed.ruleset)
    let blobs = tables.map { TableCompiler().compile($0) }
    let printer = RulePrinter(family: parsed.ruleset.family, names: .system)
    let listings = zip(tables, blobs).map { BlobListing($0, $1, printer: printer) }
    switch outputs.format {
    case .text: try Console.print(listings.map(\.text).joined(separator: "\n"))
    case .json: try Console.print(JSONText.encode(listings))
    }
  }
}
