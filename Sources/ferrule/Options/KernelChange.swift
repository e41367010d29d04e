import Changes
import Compiler
import Diagnostics
import Extensions
import Glibc
import Kernel
import Linter
import Syntax
import SystemNames
import Wire
import XTables

/// The change of the kernel's tables that a command makes.
struct KernelChange {
  private let files: [CompiledFile]
  /// The part of the kernel whose tables are changed.
  private let kernel: any KernelTables
  private let takesCounters: Bool
  private let colour: ColourChoice
  /// True if the tables end with this process.
  var isTrial = false
  /// Where the change is recorded; nil in a sandbox.
  var state: StateDirectory?
  /// The ipsets that change with the tables. Their change has begun.
  var sets: SetChange?

  init(_ files: [CompiledFile], to kernel: any KernelTables, takesCounters: Bool, _ colour: ColourChoice) throws {
    self.files = files
    self.kernel = kernel
    self.takesCounters = takesCounters
    self.colour = colour
    let tables = files.flatMap(\.tables)
    for (place, table) in tables.enumerated()
    where tables[..<place].contains(where: { $0.name == table.name && $0.family == table.family }) {
      throw CommandFailure("the \(table.family.command) table \(table.name.rawValue) is in two of the files; which one is meant?")
    }
  }

  // MARK: Before

  /// Names the user chains that the change removes and that no change before has loaded.
  func nameRemovedChains(_ owners: ChainOwners) throws {
    for table in files.flatMap(\.tables) {
      let names = Set(try table.chainNames())
      lazy var own = state.map { $0.chains(lastLoadedInto: table.name, table.family) } ?? []
      for name in (try? kernel.chainNames(table.family, table.name)) ?? [] where !names.contains(name) {
        let owner = owners.owner(ofChain: name)
        if owner == nil, own.contains(name) { continue }
        Console.complain(
          "chain \(name) of the \(table.family.command) table \(table.name.rawValue)\(owner.map { " belongs to \($0) and" } ?? "") is removed; --keep \(owner ?? name) keeps it"
        )
      }
    }
  }

  /// Refuses rules that provably drop packets of the user's session or of a probe.
  func refuseLockOut(probes: [Probe], isForced: Bool, beside loaded: ChosenBackend) throws {
    let session = FutureHost.session
    guard session != nil || !probes.isEmpty else { return }
    let host: FutureHost
    do {
      host = try futureHost(loaded)
    } catch  where probes.isEmpty {
      return Console.complain("whether your session survives is not known: this host cannot be simulated")
    }
    let lockOut = LockOut(session.flatMap { host.forecasts(of: $0).first(where: \.isSession) }, probes: probes, in: host.fresh)
    for doubt in lockOut.doubts { Console.complain("\(doubt)") }
    for refusal in lockOut.refusals { Console.complain("\(refusal)") }
    guard lockOut.refusals.isEmpty || isForced else {
      throw CommandFailure("nothing was changed; --force loads the rules all the same, best with --confirm", .kernelRefused)
    }
  }

  /// This host with the new rules.
  private func futureHost(_ loaded: ChosenBackend) throws -> FutureHost {
    var texts = Dictionary(uniqueKeysWithValues: Family.allCases.map { ($0, FutureHost.loaded($0, loaded)) })
    for file in files {
      let new = ParsedRules(try file.whole())
      let family = new.parsed.ruleset.family
      texts[family] = SavedPlan.completed(new.text, from: texts[family] ?? "")
    }
    return try FutureHost(texts.filter { !$0.value.isEmpty }, sets, colour)
  }

  /// Refuses rules with which a test of a scenario file fails.
  func refuseFailing(_ tests: [String], isForced: Bool) throws {
    guard !tests.isEmpty else { return }
    let result = try FutureFiles(try files.map { ($0.path, ParsedRules(try $0.whole()).text) }).play(tests, colour)
    guard !result.isPassed else { return }
    try ProcessStream.error.write(result.report)
    guard isForced else { throw CommandFailure("a test fails with these rules; nothing was changed", .kernelRefused) }
  }

  // MARK: The change

  /// Makes the change, to be taken back unless it is confirmed.
  func make(confirming duration: WaitingTime) throws {
    guard let state else { return }
    let watcher = try ConfirmationWatcher.Client(
      arguments: ["watch-confirmation", "--state-directory", state.absolutePath, "--seconds", "\(duration.seconds)"])
    try make(as: .awaiting)
    guard let change = try state.history().last(where: { $0.outcome == .awaiting }) else {
      return try Console.print("nothing has changed: there is nothing to confirm\n")
    }
    do throws(KernelError) {
      try watcher.arm(change)
    } catch {
      try kernel.rollBack(change, in: state, .forThisKernel)
      throw CommandFailure("\(error.description): change \(change.number) was taken back", .kernelRefused)
    }
    try Console.print("change \(change.number) is taken back in \(duration.seconds) s unless it is confirmed: ferrule confirm\n")
  }

  /// Makes the change.
  func make(as outcome: StateDirectory.Outcome = .applied) throws {
    var changedByPackets: Set<String> = []
    for file in files where file.namesObjects {
      let parsed = try file.whole()
      try checkObjects(parsed)
      changedByPackets.formUnion(parsed.ruleset.setsThatPacketsChange(.system))
    }
    let sets = try sets?.sparing(changedByPackets)
    var options = ReplaceOptions(keepsCounters: takesCounters, comparison: .forThisKernel) { typed($0) }
    if let state {
      options.carriesCounters = takesCounters ? nil : .forThisKernel
      options.basis = files.flatMap(\.basis)
      options.renewed = { [files] loaded in
        let parts = files.filter { $0.tables.first?.family == loaded.family }.map { $0.renewed(loaded) }
        return parts.contains { $0 == nil } ? nil : parts.flatMap { $0 ?? [] }
      }
      options.state = state
      options.outcome = outcome
      options.triesFirst = true
    }
    options.sets = sets
    do throws(KernelError) {
      try kernel.replace(files.flatMap(\.tables), options)
    } catch {
      // The kernel's ENOENT does not say what is missing.
      for file in files {
        for sentence in helpers(refused: error, in: try? file.whole()) { Console.complain("\(sentence)") }
      }
      throw error
    }
    let names = files.map { file in
      "\(file.tables.map(\.name.rawValue).joined(separator: ", "))\(files.count > 1 ? " (\(file.tables.first?.family.command ?? ""))" : "")"
    }
    for name in sets?.finish() ?? [] { Console.complain("the set \(name) is still named by a rule or a list; a later change deletes it") }
    let changed = sets?.steps.map(\.name).joined(separator: ", ") ?? ""
    try Console.print(
      "\(isTrial ? "the kernel accepts" : "applied") \(names.joined(separator: ", "))\(changed.isEmpty ? "" : "; sets \(changed)")\n")
  }

  /// The typed form of the table at a place among those of all files.
  private func typed(_ place: Int) -> Table? {
    var place = place
    for file in files {
      guard place >= file.tables.count else {
        let tables = (try? file.whole())?.ruleset.tables ?? []
        return tables.indices.contains(place) ? tables[place] : nil
      }
      place -= file.tables.count
    }
    return nil
  }

  /// The sentences on conntrack helpers that the kernel has not for the protocols of their rules.
  private func helpers(refused error: KernelError, in parsed: ParsedRuleset?) -> [String] {
    guard error.error?.number == ENOENT,
      let table = parsed?.ruleset.tables.first(where: { $0.name.rawValue == error.table && $0.family == error.family })
    else { return [] }
    return table.chains.flatMap(\.rules).compactMap { HelperProtocolCheck.sentence($0, table.family) }
  }

  /// Checks that the kernel objects named by rules exist. The kernel's error would not say which one is missing.
  private func checkObjects(_ parsed: ParsedRuleset) throws {
    let missing = KernelObjects(registry: .forThisKernel, tables: kernel).missing(for: parsed.ruleset)
    guard !missing.isEmpty else { return }
    Console.report(missing, in: parsed.file, colour)
    try ExitStatus.badInput.leave()
  }
}

extension Ruleset {
  /// The names of the ipsets to which packets that meet the rules add elements, or from which they delete them.
  func setsThatPacketsChange(_ names: NameDatabase) -> Set<String> {
    var found: Set<String> = []
    for rule in tables.flatMap({ $0.chains.flatMap(\.rules) }) {
      guard case .use(let use) = rule.target else { continue }
      for case .changesSet(let number) in use.descriptor.objects(use.payload) { names.addressSetName(number).map { _ = found.insert($0) } }
    }
    return found
  }
}
