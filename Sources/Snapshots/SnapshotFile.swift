public import Diagnostics
public import Documents
public import Evaluator
import Lab
import Scenarios
public import Suites
public import XTables

/// The machine of a snapshot, ready to simulate packets.
public struct SnapshotFile {
  /// The simulator, with rules, sets, host and connections loaded.
  public let simulator: Simulator
  /// The rules, one ruleset for each family.
  public let rulesets: [ScenarioRuleset]

  /// True if a document is a snapshot instead of a host description: it has a member `host` or `snapshot`.
  public static func isOne(_ file: SourceFile) -> Bool {
    ["host:", "snapshot:"].contains { key in
      file.bytes.starts(with: key.utf8) || file.bytes.firstRange(of: Array("\n\(key)".utf8)) != nil
    }
  }

  /// Loads a snapshot: rules, sets, host and connections.
  ///
  /// - Throws: `ScenarioFileError` if the document is invalid.
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
