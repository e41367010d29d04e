import ArgumentParser
import Diagnostics
import Evaluator
import Extensions
import Kernel
import Scenarios
import Snapshots
import Suites
import Syntax
import SystemNames
import Wire
import XTables

/// The options of a command that simulates packets.
protocol WorldArguments {
  var families: FamilyOptions { get }
  var base: BaseOptions { get }
  var hosts: HostOptions { get }
  var world: WorldOptions { get }
  /// The first is the ruleset, if there is one.
  var arguments: [String] { get }
  var also: [String] { get }
  var conntrackFrom: String? { get }
  var stack: Bool { get }
  var output: ColourOptions { get }
}

/// What the options of `run` describe: host, rules, sets, connections. It makes any number of simulators in the same state.
struct RunWorld {
  private let command: any WorldArguments
  /// The interfaces on which packets arrive.
  var arrivals: [String]
  private let cache: InputCache
  private let loaded: [Ruleset]
  private let start: UInt64?
  /// The ruleset file of each family.
  let files: [Family: SourceFile]
  /// The loaded rules of each family.
  let rulesets: [ScenarioRuleset]
  private let hasFile: Bool
  private let isSnapshot: Bool

  /// The clock of a run whose time is not known; what depends on the time is then unknown.
  private static let usualClock: UInt64 = 1_700_000_000_000_000_000

  /// - Parameters:
  ///   - hasFile: true if the first argument is a ruleset file.
  ///   - arrivals: the interfaces on which packets arrive.
  init(_ command: any WorldArguments, hasFile: Bool, arrivals: [String], _ cache: InputCache) throws {
    self.command = command
    self.hasFile = hasFile
    self.arrivals = arrivals
    self.cache = cache
    let machine = try command.hosts.machine(command.output.colour, includesRules: !hasFile, command.world, cache)
    isSnapshot = machine?.isSnapshot == true
    if command.world.ipset != nil, isSnapshot, !(command.hosts.thisHost && hasFile) {
      throw CommandFailure("--ipset cannot be combined with a snapshot: change the sets in the snapshot instead.")
    }
    if command.world.clock != nil, machine?.hasClock == true {
      throw CommandFailure("--clock cannot be combined with the `clock' of --host.")
    }
    start = try command.world.start()
    let names = try command.world.sets(now: start ?? Self.usualClock, cache)?.names(over: .offline) ?? .offline
    var parsed: [ParsedRuleset] = []
    for path in command.arguments.prefix(hasFile ? 1 : 0) {
      parsed.append(try RulesetInput.sound(path, command.families, command.base, command.output.colour, for: .reading(names: names)))
    }
    for path in command.also {
      let base = try BaseOptions.parse([])
      parsed.append(try RulesetInput.sound(path, command.families, base, command.output.colour, for: .reading(names: names)))
    }
    let base =
      try hasFile ? command.base.ruleset(command.families, beside: command.arguments[0], command.output.colour, names: names) : nil
    loaded = parsed.enumerated().map { $1.ruleset.completed(from: $0 == 0 ? base : nil) }
    var files: [Family: SourceFile] = [:]
    var rulesets: [Family: ScenarioRuleset] = [:]
    for ruleset in machine?.rulesets ?? [] { (files[ruleset.family], rulesets[ruleset.family]) = (ruleset.file, ruleset) }
    for (ruleset, parsed) in zip(loaded, parsed) {
      files[ruleset.family] = parsed.file
      rulesets[ruleset.family] = ScenarioRuleset(file: parsed.file, ruleset: ruleset, text: "", names: names)
    }
    self.files = files
    self.rulesets = [Family.ipv4, .ipv6].compactMap { rulesets[$0] }
    let lacksRules = isSnapshot && files.isEmpty && machine?.familiesWithoutRules.isEmpty != false
    if lacksRules {
      Console.complain("the snapshot has no rules; without root they cannot be read. All verdicts are unknown: give a ruleset file")
    }
  }

  /// The rules of --why.
  func questions(_ texts: [String]) throws -> [RuleQuestion] {
    try texts.map { text in
      do throws(RuleQuestion.Malformed) {
        return try RuleQuestion(text, in: rulesets)
      } catch {
        throw CommandFailure("--why: \(error.message)\(error.hint.map { "; \($0)" } ?? "")")
      }
    }
  }

  /// True if limits, counters and lists of rules begin empty, which a snapshot states.
  var beginsEmpty: Bool { !isSnapshot }

  /// A simulator in the state at the start.
  ///
  /// - Parameter isFirst: true to report what is doubtful in the inputs.
  func simulator(isFirst: Bool) throws -> Simulator {
    let colour = command.output.colour
    let machine = try command.hosts.machine(colour, includesRules: !hasFile, command.world, cache)
    let host = try machine?.simulator.host ?? command.hosts.read(arrivals: arrivals, colour, cache)
    let simulator =
      try machine?.simulator ?? Simulator(host: host, clock: start ?? Self.usualClock, seed: command.world.seed ?? 1)
    if machine != nil {
      try command.hosts.state(on: host, colour, cache)
      host.addUnknownInterfaces(arrivals)
    }
    if let sets = try command.world.sets(now: start ?? Self.usualClock, cache) { simulator.world.addressSets = sets }
    try command.world.enterFingerprints(into: simulator, cache)
    for ruleset in loaded { try simulator.load(ruleset) }
    try command.world.settle(simulator, machine, knowsClock: start != nil || machine?.hasClock == true)
    simulator.delivery = command.stack ? .stack : .sink
    if let path = command.conntrackFrom {
      try ConnectionInput.restore(try cache.source(path), into: simulator, colour, reportsHelpers: isFirst)
    }
    return simulator
  }
}
