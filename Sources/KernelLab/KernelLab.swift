internal import Kernel
public import Lab

/// Answers the lab's scenarios from the running kernel, each in a network namespace that nobody else sees. It needs root, or a
/// user namespace of its own, in which `-m owner` is refused.
///
/// Namespaces are kept for scenarios of the same kind where nothing of the earlier one stays behind. One lab plays one scenario
/// at a time; several may be used side by side.
public final class KernelLab: Sendable {
  private let thread: Result<WorkerThread<LabPool>, KernelError>
  private let lock: String

  /// - Parameters:
  ///   - worker: a number of its own for each lab of a process.
  ///   - directory: where the lock file of its own is kept while it lives.
  public init(worker: Int = 0, directory: String = "/run") {
    thread = Result { () throws(KernelError) in try WorkerThread { LabPool() } }
    lock = "\(directory)/ferrule-lab-\(HostProcess.ownNumber)-\(worker).lock"
  }

  deinit { HostFile.remove(lock) }

  /// Plays a scenario. What cannot be played is an answer too, with the reason in `error`.
  public func answer(_ scenario: Scenario) -> LabResult {
    let lock = lock
    let worker: WorkerThread<LabPool>
    do throws(KernelError) {
      worker = try thread.get()
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
