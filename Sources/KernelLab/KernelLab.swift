import Documents
internal import Kernel
public import Lab
public import Scenarios
import SystemNames
public import XTables

/// Plays scenarios in the running kernel, each in a private network namespace. Requires root or an own user namespace, in which the kernel
/// refuses `-m owner`.
///
/// Namespaces are reused for scenarios of the same kind if the earlier one leaves no state. A lab plays one scenario at a time; several labs
/// may run concurrently.
public final class KernelLab: Sendable {
  private let thread: Result<WorkerThread<LabPool>, KernelError>
  private let engine: LabEngine
  /// Whether the rules are loaded into nf_tables; nil if each scenario says it.
  public let usesNfTables: Bool?

  /// Creates a lab. Protocols, services, users and groups in rules and sets are resolved by this machine.
  ///
  /// - Parameters:
  ///   - registry: the extensions with which rules are compiled.
  ///   - usesNfTables: whether the rules are loaded into nf_tables; nil if each scenario says it.
  public init(registry: Registry, usesNfTables: Bool? = nil) {
    self.usesNfTables = usesNfTables
    thread = Result { () throws(KernelError) in try WorkerThread { LabPool() } }
    engine = LabEngine(registry: registry, names: .offline)
  }

  /// The error for a step whose packets cause too many other packets, of which the kernel drops some.
  public static let tooManyPackets = "one packet causes more packets than can be recorded"

  /// Plays a scenario. If it cannot be played, the answer's `error` says why.
  public func answer(_ scenario: Scenario) -> LabResult { answer(scenario, preparing: nil) }

  /// Plays a scenario in a namespace of its own.
  ///
  /// - Parameter prepare: loads what is beside the scenario's rules. It is called on a thread in the namespace before the rules are loaded.
  package func answer(_ scenario: Scenario, preparing prepare: (@Sendable () -> Void)?) -> LabResult {
    guard scenario.fingerprints == nil else {
      return LabResult(
        name: scenario.name, error: "the kernel has one list of OS fingerprints for the whole machine, not one for each network namespace")
    }
    let scenario = onBackend(scenario)
    let worker: WorkerThread<LabPool>
    let plan: LabPlan
    do throws(KernelError) {
      plan = try LabPlan(scenario, engine)
      worker = try thread.get()
    } catch {
      return LabResult(name: scenario.name, error: "\(error)")
    }
    let answer = worker.run { pool in
      do throws(KernelError) {
        let namespace = try prepare == nil ? pool.take(for: plan) : LabNamespace(plan)
        prepare?()
        var play = try ScenarioPlay(plan, in: namespace)
        let result = try play.play()
        play.end()
        if prepare == nil { pool.put(namespace, after: plan, result) }
        return result
      } catch {
        return LabResult(name: scenario.name, error: "\(error)")
      }
    }
    return answer ?? LabResult(name: scenario.name, error: "the lab's thread has ended")
  }

  private func onBackend(_ scenario: Scenario) -> Scenario {
    var scenario = scenario
    if let usesNfTables { scenario.usesNfTables = usesNfTables }
    return scenario
  }

  /// Answers one line of the protocol. The result has no newline.
  public func answer(line: some StringProtocol) -> String {
    do throws(ScenarioError) {
      return answer(try Scenario(line: line)).json.description
    } catch {
      return LabResult(name: "", error: error.description).json.description
    }
  }
}
