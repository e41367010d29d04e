import ArgumentParser
import Changes
import Diagnostics
import Extensions
import Kernel
import Syntax
import XTables

struct ApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Loads a ruleset into the kernel.",
    discussion: """
      Loads all tables of all files or none. The kernel gets them in a temporary network namespace first, so that what it refuses is \
      found before a table in use changes. After loading, the tables are read back and compared. A rule that was loaded before keeps its \
      counters, and a table that does not change is not replaced. The change is recorded in the state directory before it begins: if the \
      command is killed, the next command that reads or changes the kernel's tables, or `ferrule recover', loads the previous tables \
      again. Ctrl-C, SIGTERM and SIGHUP wait until all tables are replaced. Kernel objects that rules use (accounting objects of \
      -m nfacct, estimators of -m rateest) must exist; if one is missing, nothing is loaded. Needs root. --sandbox needs no root: it \
      loads the ruleset into a temporary network namespace only.

      With --backend nft all tables of both families change in one transaction, without a trial. Rules that stay are not touched. If \
      another program changes the ruleset first, it is read again. A rule of nft(8) or a set in a table of iptables stops the change.

      SETS
      With --ipset the IP sets change with the rules: all or none, and they go back with them. New sets are created before the tables are \
      replaced. A set with other elements is made anew and swapped in one call; the same elements keep their counters and their time. \
      Elements of a set that packets change (-j SET) are left. Sets that other programs created are not changed.

      LOCK-OUT
      If SSH_CONNECTION is set, the packets of that session are run through the new rules before they are loaded, as are those of \
      --probe. Rules that provably drop one are refused; --force loads them all the same. With --confirm a wrong change is taken back.

      EXIT STATUS
        0  the tables are loaded; with --test, no error was found
        1  the command of --check failed; the previous tables are loaded again
        2  the file has errors; nothing was sent to the kernel
        3  the kernel refused a table, the rules would lock you out, a test failed, or a saved plan is out of date; the tables are \
           unchanged

      EXAMPLES
        ferrule apply --test rules.v4
        ferrule apply --sandbox rules.v4
        sudo ferrule apply rules.v4 rules.v6
        sudo ferrule apply --confirm 60s rules.v4 rules.v6
        ssh HOST true && sudo ferrule confirm
        sudo ferrule apply --keep docker,fail2ban rules.v4
        sudo ferrule apply --probe 'eth0 tcp 10.0.0.5 > :22' \\
          --check 'curl -fsS https://example.org' rules.v4
        sudo ferrule apply --test scenario.yaml rules.v4
        sudo ferrule apply --ipset sets.save rules.v4
        sudo ferrule apply --noflush more.v4
        sudo ferrule apply --counters rules.v4
      """)

  @Flag(help: "Load the ruleset into a temporary network namespace, to see whether the kernel accepts it.")
  var sandbox = false

  @Flag(
    help:
      "Set the packet and byte counters to those in the file. By default rules that were loaded before keep theirs, and others start at zero."
  )
  var counters = false

  @Flag(
    help:
      "Only check the file; send nothing to the kernel. With a scenario file as its value, as in --test scenario.yaml, the same as --tests."
  )
  var test = false

  @Option(
    help: ArgumentHelp(
      "Take the change back after this time, such as 60s or 5m, unless `ferrule confirm' is run before. A process of its own waits for that.",
      valueName: "duration"))
  var confirm: WaitingTime?

  @Option(
    help: ArgumentHelp(
      "A packet that must pass under the new rules, such as 'eth0 tcp 10.0.0.5 > :22'; see `ferrule run'. Can be repeated.",
      valueName: "packet"))
  var probe: [String] = []

  @Option(
    help: ArgumentHelp(
      "A scenario file (see `ferrule test') whose `rules:' is one of the files. Its tests must pass with the rules as they would be loaded. Can be repeated.",
      valueName: "file"), completion: .file())
  var tests: [String] = []

  @Option(
    help: ArgumentHelp("Run this line of shell after loading. If it fails, the previous tables are loaded again.", valueName: "command"))
  var check: String?

  @Flag(help: "Load the rules even if they would lock you out, a probe does not pass, or a test fails.")
  var force = false

  @OptionGroup var owners: OwnerOptions
  @OptionGroup var setOptions: SetOptions
  @OptionGroup var options: StateOptions
  @OptionGroup var backend: BackendOptions
  @OptionGroup var colours: ColourOptions
  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions

  @Argument(
    help: "Rulesets in the format of iptables-save, of one family or both, or a plan of `ferrule plan'; - means standard input.",
    completion: .file())
  var files = ["-"]

  func validate() throws {
    if base.base != nil, !sandbox, !test {
      throw ValidationError("--base is for --sandbox and --test: with --noflush the loaded rules are read from the kernel.")
    }
    if sandbox || test, confirm != nil || check != nil || !probe.isEmpty || !tests.isEmpty || owners.keep != nil {
      throw ValidationError("--confirm, --check, --probe, --tests and --keep are for rules that are loaded: not with --sandbox or --test.")
    }
    if base.noflush, base.base == nil, sandbox || test {
      throw ValidationError("--noflush with --sandbox or --test needs --base: the rules that are loaded already.")
    }
  }

  func run() throws {
    // Entering a sandbox requires a single-threaded process, so it comes first.
    if sandbox { try Sandbox.enter() }
    let inputs = files.map { RulesetInput(file: $0, families, base) }
    guard !test else {
      let sets = try setOptions.sets()
      for input in inputs { try input.check(colours.colour, sets: sets) }
      return
    }
    guard !sandbox else {
      let backend = backend.request.backend ?? .legacy
      let sets = try setOptions.change(to: try setOptions.sets(), in: nil)
      try sets?.begin(backend)
      let files = try inputs.map {
        try CompiledFile($0, over: try base.ruleset(families, beside: $0.file, colours.colour), takesCounters: counters, colours.colour)
      }
      var trial = try KernelChange(files, to: backend.tables(.forThisKernel), takesCounters: counters, colours.colour)
      trial.isTrial = true
      trial.sets = sets
      return try trial.make()
    }
    let lock = try XtablesLock(wait: options.wait)
    try InterruptedChange.finish(in: options.state, holding: lock)
    if let awaiting = try options.state.awaiting() {
      throw CommandFailure(
        "change \(awaiting.change.number) awaits its confirmation: first `ferrule confirm' or `ferrule rollback'", .kernelRefused)
    }
    let kernel = try backend.chosen()
    let changes = try options.state.history().count
    for attempt in 1... {
      do {
        try change(inputs, on: attempt == 1 ? kernel : try kernel.reread())
        break
      } catch let error as KernelError
        where error.reason == .changedMeanwhile && attempt < Self.attempts && !files.contains("-") && setOptions.ipset != "-"
      {
        // What was read for --keep or --noflush is out of date. Standard input cannot be read again.
        continue
      }
    }
    _ = consume lock
    if let check, try options.state.history().count > changes { try run(check) }
  }

  /// How often the loaded rules are read again that another program changed before they were replaced.
  private static let attempts = 5

  private func change(_ inputs: [RulesetInput], on kernel: ChosenBackend) throws {
    let sets = try setChange(inputs)
    try sets?.begin(kernel.backend)
    do {
      try change(inputs, on: kernel, with: sets)
    } catch {
      sets?.abandon()
      throw error
    }
  }

  /// The change to the ipsets of --ipset or of a saved plan; nil without them.
  private func setChange(_ inputs: [RulesetInput]) throws -> SetChange? {
    for input in inputs {
      guard let bytes = savedPlan(input), let planned = SavedPlan(bytes)?.sets else { continue }
      guard setOptions.ipset == nil else { throw CommandFailure("\(input.file) has the sets of the plan: give no --ipset") }
      let source = SourceFile(name: input.file, bytes: Array(planned.saved.utf8))
      let change = try setOptions.change(to: try SetOptions.sets(source, now: 0), in: options.state)
      guard SetReport.all(change).map(\.text.string).joined() == planned.changes else {
        throw CommandFailure("\(input.file): other sets are loaded than when this plan was made; make it again", .kernelRefused)
      }
      return change
    }
    return try setOptions.change(to: try setOptions.sets(), in: options.state)
  }

  /// The bytes of a file that is a saved plan; nil for a ruleset.
  private func savedPlan(_ input: RulesetInput) -> [UInt8]? {
    let beginning = HostFile.beginning(of: input.file, bytes: 4096)
    guard SavedPlan.isOne(beginning) else { return nil }
    return try? HostFile.bytes(input.file)
  }

  private func change(_ inputs: [RulesetInput], on kernel: ChosenBackend, with sets: SetChange?) throws {
    let files = try inputs.flatMap { try compiled($0, over: kernel) }
    var change = try KernelChange(files, to: kernel.tables, takesCounters: counters, colours.colour)
    change.state = options.state
    change.sets = sets
    try change.nameRemovedChains(try owners.known(colours.colour))
    try change.refuseFailing(tests, isForced: force)
    try change.refuseLockOut(probes: probe.map { Probe($0) }, isForced: force, beside: kernel)
    if let confirm { try change.make(confirming: confirm) } else { try change.make() }
  }

  /// The compiled tables of a file: a ruleset, or a saved plan.
  private func compiled(_ input: RulesetInput, over kernel: ChosenBackend) throws -> [CompiledFile] {
    if let bytes = savedPlan(input) {
      return try CompiledFile.files(ofPlan: bytes, named: input.file, over: kernel, colours.colour)
    }
    let (kept, family) = (try owners.kept(colours.colour), families.family(of: input.file))
    guard base.noflush || kept != nil else {
      return [try CompiledFile(input, over: nil, takesCounters: counters, colours.colour)]
    }
    let live = try KernelRules(family, kernel)
    let source = try RulesetInput.source(input.file)
    let made = { [families, noflush = base.noflush, counters] (loaded: Ruleset) in
      var parsed = RulesetInput.parser(input.file, families, for: .loading, keepsExisting: noflush, text: source.bytes)
        .parse(source, existing: noflush ? loaded : nil)
      if noflush, !counters { parsed.ruleset.resetCountersOfFile() }
      if let kept { parsed.ruleset = kept.keeping(in: parsed.ruleset, from: loaded) }
      return parsed
    }
    return [try CompiledFile(made, from: live, path: input.file, colours.colour)]
  }

  /// Runs the command of --check, and takes the change back if it fails.
  private func run(_ command: String) throws {
    let process = try HostProcess.run("/bin/sh", ["-c", command])
    try Console.print(TerminalText(lines: process.output))
    guard process.status != 0 else { return }
    let lock = try XtablesLock(wait: nil)
    guard let change = try options.state.history().last(where: { [.applied, .awaiting].contains($0.outcome) }) else { return }
    try options.state.rollBack(change, .forThisKernel)
    _ = consume lock
    throw CommandFailure("`\(command)' failed with status \(process.status): change \(change.number) was taken back", .findings)
  }
}
