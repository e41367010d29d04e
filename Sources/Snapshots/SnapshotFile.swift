import Conntrack
public import Diagnostics
public import Documents
public import Evaluator
import Lab
import Scenarios
public import Suites
public import Wire
public import XTables

/// The machine that a snapshot or the description of a host tells of, ready to simulate packets.
public struct SnapshotFile {
  /// The simulator, with rules, sets, host and connections loaded.
  public let simulator: Simulator
  /// The rules, one ruleset for each family.
  public let rulesets: [ScenarioRuleset]
  /// The families that are said to have no rules.
  public let familiesWithoutRules: Set<Family>
  /// False for the description of a host alone, which has neither rules nor sets.
  public let isSnapshot: Bool
  /// True if the document states the time.
  public let hasClock: Bool
  /// True if the document states which programs listen to queues.
  public let statesQueues: Bool

  /// True if a document is a snapshot instead of a host description: it has a member `host` or `snapshot`.
  public static func isOne(_ file: SourceFile) -> Bool {
    let keys = ["host:", "snapshot:"].map { Array($0.utf8) }
    var line = file.bytes[...]
    while true {
      if keys.contains(where: { line.starts(with: $0) }) { return true }
      guard let end = line.firstIndex(of: UInt8(ascii: "\n")) else { return false }
      line = line[(end + 1)...]
    }
  }

  /// Loads a snapshot (rules, sets, host and connections) or the description of a host.
  ///
  /// - Parameters:
  ///   - clock: the time at which the simulation starts, in seconds since 1970, if the document has none.
  ///   - seed: the seed of all random numbers; nil for the default.
  /// - Throws: `ScenarioFileError` if the document is invalid.
  public init(
    _ file: SourceFile, registry: Registry, names: NameDatabase, loader: ScenarioFileLoader, clock: Double? = nil, seed: UInt64? = nil
  ) throws(ScenarioFileError) {
    isSnapshot = Self.isOne(file)
    var machine = try ScenarioFileReader(file, registry: registry, names: names, loader: loader).machine(isSnapshot: isSnapshot)
    hasClock = machine.test.base.clock != nil
    machine.test.base.clock = machine.test.base.clock ?? clock
    machine.test.base.seed = seed ?? machine.test.base.seed
    let base = machine.test.base
    var player: TestPlayer
    do throws(ScenarioError) {
      player = try TestPlayer(machine.test, engine: LabEngine(registry: registry, names: names))
    } catch {
      throw machine.host.placed(error)
    }
    for step in machine.test.prelude {
      if let obstacle = player.play(step).obstacle { throw ScenarioFileError(obstacle.reason, at: obstacle.range) }
    }
    simulator = player.simulator
    rulesets = player.rulesets
    familiesWithoutRules = machine.withoutRules
    statesQueues = !base.unstated.contains(.queueListeners)
    simulator.host.withdrawLabFacts(of: base)
    // The lab counts and records for its answers; a machine does as its sysctls say.
    simulator.world.conntrack?.recordsEvents = false
    var settings = ConntrackSettings()
    settings.set(base.sysctls)
    simulator.conntrackSettings = settings
  }
}
