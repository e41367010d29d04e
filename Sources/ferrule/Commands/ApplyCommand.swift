import ArgumentParser
import Compiler
import Diagnostics
import Extensions
import Kernel
import Syntax
import XTables

struct ApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Puts a ruleset into the kernel.",
    discussion: """
      All tables of the file or none: when the kernel refuses one, those before it are set back. The tables are read back and \
      compared. What rules name beside the tables (an accounting object of -m nfacct, an estimator of -m rateest) is looked for \
      first, and the kernel not asked where it is missing. Needs root; --sandbox tries it in a network namespace that goes with the \
      command, and needs none.

      EXIT STATUS
        0 done, 2 the file has errors and the kernel was not asked, 3 the kernel refused

      EXAMPLES
        ferrule apply --test rules.v4
        ferrule apply --sandbox rules.v4
        sudo ferrule apply --counters rules.v4
      """)

  @Flag(help: "Try it in a throwaway network namespace.")
  var sandbox = false

  @Flag(help: "Set the counters that the file gives, instead of zero.")
  var counters = false

  @Flag(help: "Check all that can be checked without the kernel, and stop there.")
  var test = false

  @Option(name: .shortAndLong, help: "Seconds to wait for another program that holds the xtables lock.")
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
    let tables = try input.blobs()
    if sandbox {
      try apply(tables, of: input)
    } else {
      let lock = try XtablesLock(wait: wait)
      try apply(tables, of: input)
      _ = consume lock
    }
    if !sandbox { OtherKernelRules.report() }
    try Console.print("\(sandbox ? "the kernel took" : "applied") \(tables.map(\.name.rawValue).joined(separator: ", "))\n")
  }

  private func apply(_ tables: [TableBlob], of input: CompiledInput) throws {
    if input.namesObjects { try checkObjects(try input.whole()) }
    let options = ReplaceOptions(keepsCounters: counters, comparison: .forThisKernel) { place in
      guard let tables = try? input.whole().ruleset.tables, tables.indices.contains(place) else { return nil }
      return tables[place]
    }
    try LegacyTables().replace(tables, options)
  }

  /// Checks that the kernel objects named by rules exist. The kernel's error would not say which one is missing.
  private func checkObjects(_ parsed: ParsedRuleset) throws {
    let missing = KernelObjects(registry: .forThisKernel, tables: LegacyTables()).missing(for: parsed.ruleset)
    guard !missing.isEmpty else { return }
    Console.report(missing, in: parsed.file, colours.colour)
    try ExitStatus.badInput.leave()
  }
}
