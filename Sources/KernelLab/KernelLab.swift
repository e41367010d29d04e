internal import Kernel
public import Lab

/// Answers the lab's scenarios from the running kernel, each in a network namespace that nobody else sees. It needs root, or a
/// user namespace of its own, in which `-m owner` is refused.
///
/// Namespaces are kept for scenarios of the same kind where nothing of the earlier one stays behind. One lab plays one scenario
/// at a time; several may be used side by side.
public final class KernelLab: Sendable {
  private let means: Result<(thread: WorkerThread<LabPool>, lock: AnonymousFile), KernelError>

  public init() {
    means = Result { () throws(KernelError) in (try WorkerThread { LabPool() }, try AnonymousFile(called: "xtables.lock")) }
  }

  /// What is said of a step in which packets beget packets, of which the kernel loses some.
  public static let tooManyPackets = "more packets come of one than can be followed"

  /// Plays a scenario. What cannot be played is an answer too, with the reason in `error`.
  public func answer(_ scenario: Scenario) -> LabResult {
    guard scenario.fingerprints == nil else {
      return LabResult(name: scenario.name, error: "fingerprints of systems are the whole machine's, and a namespace has none of its own")
    }
    let worker: WorkerThread<LabPool>
    let lock: String
    do throws(KernelError) {
      let means = try means.get()
      (worker, lock) = (means.thread, means.lock.path)
    } catch {
      return LabResult(name: scenario.name, error: "\(error)")
    }
    let answer = worker.run { pool in
      do throws(KernelError) {
        let namespace = try pool.take(for: scenario)
        var play = try ScenarioPlay(scenario, in: namespace, lock: lock)
        let result = try play.play()
        play.end()
        pool.put(namespace, after: scenario, result)
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
