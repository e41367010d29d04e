import ArgumentParser
import Changes
import Diagnostics
import Kernel
import Linter
import Syntax
import Wire
import XTables

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Shows what a change of the loaded rules would do.",
    discussion: """
      Compares the files with the loaded rules (or with --from) and prints: rules that are added (+), removed (-) or moved (>), and chains; \
      packets that are treated differently, each with the rules that decide; findings of `ferrule lint' that the old rules do not have; and \
      what becomes of the connections that this host tracks: those that are cut, and those that live on although they could not be \
      opened again, with the command that ends them. SSH_CONNECTION tells which connection is your own session. Loads nothing; needs root \
      unless --from is given.

      EXIT STATUS
        0  nothing changes
        1  something changes
        2  the file has errors
        3  the kernel's rules cannot be read

      EXAMPLES
        sudo ferrule plan rules.v4 rules.v6
        ferrule plan --from old.v4 new.v4
        sudo ferrule plan --keep docker,fail2ban rules.v4
        sudo ferrule plan --ipset sets.save rules.v4
        sudo ferrule plan --output change.plan rules.v4
        sudo ferrule apply change.plan
      """)

  @Option(help: "The rules that are loaded, as iptables-save text, instead of those of the kernel. Can be repeated.", completion: .file())
  var from: [String] = []

  @Flag(name: .shortAndLong, help: "The files are for `iptables-restore --noflush': the loaded rules are kept.")
  var noflush = false

  @Option(
    help: "Save the plan to this file. `ferrule apply' loads it, and refuses it if other rules are loaded by then.", completion: .file())
  var output: String?

  @Option(help: "The output format.")
  var format = OutputFormat.text

  @OptionGroup var backend: BackendOptions
  @OptionGroup var owners: OwnerOptions
  @OptionGroup var setOptions: SetOptions
  @OptionGroup var options: StateOptions
  @OptionGroup var families: FamilyOptions
  @OptionGroup var colours: ColourOptions

  func validate() throws {
    if setOptions.ipset != nil, !from.isEmpty { throw ValidationError("--ipset is compared with the loaded sets: not with --from.") }
  }

  @Argument(help: "The new rules, in the format of iptables-save, of one family or both.", completion: .file())
  var files: [String]

  func run() throws {
    var before: [Family: ParsedRules] = [:]
    for path in from {
      let parsed = try RulesetInput.sound(RulesetInput.parse(path, families, for: .reading), colours.colour)
      before[parsed.ruleset.family] = ParsedRules(parsed)
    }
    let sets = try setOptions.sets()
    let kernel = from.isEmpty ? try backend.chosen() : nil
    for family in Set(files.map { families.family(of: $0) }) where before[family] == nil {
      guard let kernel else { throw CommandFailure("--from has no \(family.command) rules") }
      before[family] = try .live(family, kernel, colours.colour)
    }
    let new = try NewRules(
      files, families, base: { noflush ? before[$0]?.parsed.ruleset.withoutSources : nil }, kept: try owners.kept(colours.colour),
      live: { before[$0]?.parsed.ruleset ?? Ruleset($0) }, colours.colour)
    var plan = ChangePlan()
    for family in Family.allCases {
      guard let old = before[family], let rules = new.rules[family] else { continue }
      plan.add(
        old.rules, rules.rules, parsed: (old.parsed, rules.parsed), names: (old.parsed.file.name, rules.parsed.file.name), .installed)
      plan.foreign += try owners.known(colours.colour).removedChains(old.parsed.ruleset, rules.parsed.ruleset)
    }
    let setChange = try setOptions.change(to: sets, in: options.state)
    plan.sets = SetReport.all(setChange, kernel.map { uses(of: setChange, new, $0) }).filter {
      !new.setsThatPacketsChange(sets).contains($0.name) || $0.kind != .changed || $0.changesOptions
    }
    if let kernel, !plan.isEmpty { plan.connections = try forecasts(new, setChange, kernel) }
    if let output { try save(new, before, sets, SetReport.all(setChange), to: output) }
    switch format {
    case .json: try Console.print(JSONText.encode(plan))
    case .text: try Console.print(plan.text)
    }
    if !plan.isEmpty { try ExitStatus.findings.leave() }
  }

  /// What names the sets that are to be deleted, in the rules of both backends as they will be.
  private func uses(of sets: SetChange?, _ new: NewRules, _ kernel: ChosenBackend) -> SetUses {
    guard let sets, sets.steps.contains(where: { $0.after == nil }) else { return SetUses(of: nil, in: []) }
    var rules: [SetUses.Rules] = []
    for backend in Backend.allCases {
      for family in Family.allCases {
        let loaded = FutureHost.loaded(family, ChosenBackend(backend: backend, inventory: kernel.inventory))
        let changed = backend == kernel.backend ? new.rules[family] : nil
        rules.append(
          SetUses.Rules(backend: backend, family: family, text: changed.map { SavedPlan.completed($0.text, from: loaded) } ?? loaded))
      }
    }
    return SetUses(of: sets, in: rules)
  }

  private func forecasts(_ new: NewRules, _ sets: SetChange?, _ kernel: ChosenBackend) throws -> [ConnectionForecast] {
    var texts = Dictionary(uniqueKeysWithValues: Family.allCases.map { ($0, FutureHost.loaded($0, kernel)) })
    for (family, rules) in new.rules { texts[family] = SavedPlan.completed(rules.text, from: texts[family] ?? "") }
    return try FutureHost(texts.filter { !$0.value.isEmpty }, sets, colours.colour).forecasts(of: FutureHost.session)
  }

  private func save(
    _ new: NewRules, _ before: [Family: ParsedRules], _ sets: AddressSets?, _ reports: [SetReport], to path: String
  ) throws {
    let saved = sets.map { (saved: $0.all.map { $0.saved() }.joined(), changes: reports.map(\.text.string).joined()) }
    let plan = SavedPlan(live: before.mapValues(\.text), rules: new.rules.mapValues(\.text), sets: saved)
    try HostFile.write(Array(plan.text.utf8), to: path)
  }
}
