import Changes
import Diagnostics
import Documents
import Evaluator
import Kernel
import KernelLab
import Snapshots
import Suites
import Wire
import XTables

/// This host as it will be with other rules.
struct FutureHost {
  /// With the connections that it tracks now, and with none.
  let (tracking, fresh): (Simulator, Simulator)
  private let rulesets: [Ruleset]

  /// The most connections that are considered.
  private static let connectionLimit = 100_000

  /// - Parameters:
  ///   - rules: the new rules of each family as iptables-save text.
  ///   - sets: the ipsets that change with them; nil if none do.
  init(_ rules: [Family: String], _ sets: SetChange?, _ colour: ColourChoice) throws {
    var snapshot = HostSnapshot.take(connectionLimit: Self.connectionLimit, registry: .installed) { rules[$0] }
    if let sets {
      let uses = SetUses(of: sets, in: rules.map { SetUses.Rules(backend: .nft, family: $0, text: $1) })
      snapshot.ipsets = try sets.future(keeping: Set(uses.reasons.keys))
    }
    let tracking = try Self.file(snapshot, colour)
    snapshot.connections = []
    let fresh = try Self.file(snapshot, colour)
    (self.tracking, self.fresh) = (tracking.simulator, fresh.simulator)
    rulesets = tracking.rulesets.map(\.ruleset)
  }

  private static func file(_ snapshot: Snapshot, _ colour: ColourChoice) throws -> SnapshotFile {
    let source = SourceFile(name: "this host", bytes: Array(snapshot.document.utf8))
    do throws(ScenarioFileError) {
      return try SnapshotFile(source, registry: .installed, names: .system, loader: .none)
    } catch {
      Console.report([error.diagnostic], in: error.shown(source), colour)
      throw ExitStatus.badInput.code
    }
  }

  /// The ends of the user's session: `SSH_CONNECTION`, which sudo does not pass on, of this process or one that started it.
  static var session: SessionEnds? { ProcessEnvironment.nearest("SSH_CONNECTION").flatMap { SessionEnds($0) } }

  /// The rules of a family that are loaded; empty if there are none, or the kernel does not have the family.
  static func loaded(_ family: Family, _ kernel: ChosenBackend) -> String {
    (try? KernelRules(family, kernel)).map { String(decoding: $0.text(counters: false), as: UTF8.self) } ?? ""
  }

  /// What becomes of the connections.
  func forecasts(of session: SessionEnds?) -> [ConnectionForecast] {
    ConnectionForecaster(tracking: tracking, fresh: fresh, rulesets: rulesets).forecasts(of: session)
  }
}
