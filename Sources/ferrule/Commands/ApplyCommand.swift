import ArgumentParser
import Compiler
import Diagnostics
import Extensions
import Kernel
import Syntax
import XTables

struct ApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Loads a ruleset into the kernel.",
    discussion: """
      Loads all tables of the file or none: if the kernel refuses a table, the tables already replaced are restored. After loading, \
      the tables are read back and compared. Kernel objects that rules use (accounting objects of -m nfacct, estimators of \
      -m rateest) must exist; if one is missing, nothing is loaded. Needs root. --sandbox needs no root: it loads the ruleset into \
      a temporary network namespace.

      EXIT STATUS
        0  the tables are loaded; with --test, no error was found
        2  the file has errors; nothing was sent to the kernel
        3  the kernel refused a table; the tables are unchanged

      EXAMPLES
        ferrule apply --test rules.v4
        ferrule apply --sandbox rules.v4
        sudo ferrule apply --counters rules.v4
      """)

  @Flag(help: "Load the ruleset into a temporary network namespace, to see whether the kernel accepts it.")
  var sandbox = false

  @Flag(help: "Set the packet and byte counters to those in the file. By default they start at zero.")
  var counters = false

  @Flag(help: "Only check the file; send nothing to the kernel.")
  var test = false

  @Option(name: .shortAndLong, help: "Seconds to wait for the xtables lock while another program holds it.")
  var wait = 5.0

  @OptionGroup var colours: ColourOptions
  @OptionGroup var input: RulesetInput

  func run() throws {
    // Entering a sandbox requires a single-threaded process, so it comes first.
    if sandbox { try Sandbox.enter() }
    guard !test else {
      return try input.check(colours.colour)
    }
    let input = try CompiledInput(self.input, colours.colour, registry: .forThisKernel, names: .system)
    var tables: [RawTable] = []
    var names: [String] = []
    for blob in try input.blobs() {
      names.append(blob.name.rawValue)
      tables.append(RawTable(blob))
    }
    if sandbox {
      try apply(tables, of: input)
    } else {
      let lock = try XtablesLock(wait: wait)
      try apply(tables, of: input)
      _ = consume lock
    }
    try Console.print("\(sandbox ? "the kernel accepts" : "loaded") \(names.joined(separator: ", "))\n")
  }

  private func apply(_ tables: [RawTable], of input: CompiledInput) throws {
    if input.namesObjects { try checkObjects(try input.whole()) }
    var options = KernelTables.ApplyOptions()
    options.keepsCounters = counters
    try KernelTables().apply(tables, options, registry: .forThisKernel) { place in
      guard let tables = try? input.whole().ruleset.tables, tables.indices.contains(place) else { return nil }
      return tables[place]
    }
  }

  /// Checks that the kernel objects named by rules exist. The kernel's error would not say which one is missing.
  private func checkObjects(_ parsed: ParsedRuleset) throws {
    let missing = KernelObjects(registry: .forThisKernel).missing(for: parsed.ruleset)
    guard !missing.isEmpty else { return }
    Console.report(missing, in: parsed.file, colours.colour)
    try ExitStatus.badInput.leave()
  }
}
