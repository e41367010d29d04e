public import Diagnostics
public import Evaluator
public import XTables

/// A machine that a snapshot describes, ready for packets.
public struct SnapshotFile {
  public let simulator: Simulator
  /// Its rules, one ruleset a family.
  public let rulesets: [ScenarioRuleset]

  /// Whether a document is a snapshot, and not the description of a host alone: it has a `host` of its own, or names a snapshot.
  public static func isOne(_ file: SourceFile) -> Bool {
    ["host:", "snapshot:"].contains { key in
      file.bytes.starts(with: key.utf8) || file.bytes.firstRange(of: Array("\n\(key)".utf8)) != nil
    }
  }

  /// Sets the machine up: its rules, sets and host, and the connections that conntrack knows.
  public init(_ file: SourceFile, registry: Registry, names: NameDatabase, loader: ScenarioFileLoader) throws(ScenarioFileError) {
    let test = try ScenarioFileReader(file, registry: registry, names: names, loader: loader).snapshot()
    var player: TestPlayer
    do throws(ScenarioError) {
      player = try TestPlayer(test, engine: LabEngine(registry: registry, names: names))
    } catch {
      throw ScenarioFileError(error.description, at: test.range)
    }
    for step in test.prelude {
      if let obstacle = player.play(step).obstacle { throw ScenarioFileError(obstacle.reason, at: obstacle.range) }
    }
    simulator = player.simulator
    rulesets = player.rulesets
  }
}
