import ArgumentParser
import Compiler
import Diagnostics
import Extensions
import Glibc
import Kernel
import Linter
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
        sudo ferrule apply --noflush more.v4
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

  @OptionGroup var backend: BackendOptions
  @OptionGroup var colours: ColourOptions
  @OptionGroup var input: RulesetInput

  func validate() throws {
    if input.base.base != nil, !sandbox, !test {
      throw ValidationError("--base is for --sandbox and --test: with --noflush the loaded rules are read from the kernel.")
    }
    if input.base.noflush, input.base.base == nil, sandbox || test {
      throw ValidationError("--noflush with --sandbox or --test needs --base: the rules that are loaded already.")
    }
  }

  func run() throws {
    // Entering a sandbox requires a single-threaded process, so it comes first.
    if sandbox { try Sandbox.enter() }
    guard !test else {
      return try input.check(colours.colour)
    }
    guard !sandbox else {
      let existing = try input.base.ruleset(input.families, beside: input.file, colours.colour)
      return try apply(over: existing, to: backend.request.backend ?? .legacy)
    }
    let lock = try XtablesLock(wait: wait)
    let inventory = RuleInventory.ofThisNamespace
    let backend = try backend.choose(inventory)
    let existing = input.base.noflush ? try KernelRules(input.families.family(of: input.file), backend, inventory).ruleset : nil
    try apply(over: existing, to: backend)
    _ = consume lock
  }

  /// - Parameter existing: the rules that the file changes; nil if it replaces them.
  private func apply(over existing: Ruleset?, to backend: Backend) throws {
    let input = try CompiledInput(
      self.input, colours.colour, for: .loading, existing: existing, takesCounters: counters)
    let tables = try input.blobs()
    try apply(tables, of: input, keepsCounters: counters || existing != nil, to: backend.tables(.forThisKernel))
    try Console.print("\(sandbox ? "the kernel accepts" : "applied") \(tables.map(\.name.rawValue).joined(separator: ", "))\n")
  }

  private func apply(_ tables: [TableBlob], of input: CompiledInput, keepsCounters: Bool, to kernel: any KernelTables) throws {
    if input.namesObjects { try checkObjects(try input.whole(), kernel) }
    let options = ReplaceOptions(keepsCounters: keepsCounters, comparison: .forThisKernel) { place in
      guard let tables = try? input.whole().ruleset.tables, tables.indices.contains(place) else { return nil }
      return tables[place]
    }
    do throws(KernelError) {
      try kernel.replace(tables, options)
    } catch {
      // The kernel's ENOENT does not say what is missing.
      for sentence in helpers(refused: error, in: try? input.whole()) { Console.complain("\(sentence)") }
      throw error
    }
  }

  /// The sentences on conntrack helpers that the kernel has not for the protocols of their rules.
  private func helpers(refused error: KernelError, in parsed: ParsedRuleset?) -> [String] {
    guard error.error?.number == ENOENT, let table = parsed?.ruleset.tables.first(where: { $0.name.rawValue == error.table }) else {
      return []
    }
    return table.chains.flatMap(\.rules).compactMap { HelperProtocolCheck.sentence($0, table.family) }
  }

  /// Checks that the kernel objects named by rules exist. The kernel's error would not say which one is missing.
  private func checkObjects(_ parsed: ParsedRuleset, _ kernel: any KernelTables) throws {
    let missing = KernelObjects(registry: .forThisKernel, tables: kernel).missing(for: parsed.ruleset)
    guard !missing.isEmpty else { return }
    Console.report(missing, in: parsed.file, colours.colour)
    try ExitStatus.badInput.leave()
  }
}
