internal import Kernel
public import Lab
public import XTables

/// Answers the lab's scenarios from the running kernel, each in a network namespace that nobody else sees. It needs root, or a
/// user namespace of its own, in which `-m owner` is refused.
///
/// Namespaces are kept for scenarios of the same kind where nothing of the earlier one stays behind. One lab plays one scenario
/// at a time; several may be used side by side.
public final class KernelLab: Sendable {
  private let thread: Result<WorkerThread<LabPool>, KernelError>
  private let engine: LabEngine

  /// Protocols, services, users and groups that rules and sets name are those of this machine.
  ///
  /// - Parameter registry: the extensions that rules are compiled with.
  public init(registry: Registry) {
    thread = Result { () throws(KernelError) in try WorkerThread { LabPool() } }
    engine = LabEngine(registry: registry, names: .offline)
  }

  /// What is said of a step in which packets beget packets, of which the kernel loses some.
  public static let tooManyPackets = "more packets come of one than can be followed"

  /// Plays a scenario. What cannot be played is an answer too, with the reason in `error`.
  public func answer(_ scenario: Scenario) -> LabResult {
    guard scenario.fingerprints == nil else {
      return LabResult(name: scenario.name, error: "fingerprints of systems are the whole machine's, and a namespace has none of its own")
    }
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
        let namespace = try pool.take(for: plan)
        var play = try ScenarioPlay(plan, in: namespace)
        let result = try play.play()
        play.end()
        pool.put(namespace, after: plan, result)
        return result
      } catch {
        return LabResult(name: scenario.name, error: "\(error)")
      }
    }
    return answer ?? LabResult(name: scenario.name, error: "the lab's thread has ended")
  }

  /// Answers a line of the protocol with a line, without its end.
  public func answer(line: some StringProtocol) -> String {
    do throws(ScenarioError) {
      return answer(try Scenario(line: line)).json.description
    } catch {
      return LabResult(name: "", error: error.description).json.description
    }
  }
}
