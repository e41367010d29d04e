public import Lab
internal import Kernel

/// Answers the lab's scenarios from the running kernel, each in a network namespace of its own. It needs root, or a user namespace
/// of its own, in which `-m owner` is refused.
public struct KernelLab: Sendable {
  /// Tells workers apart that run at the same time.
  private let worker: Int
  private let directory: String

  /// - Parameters:
  ///   - worker: a number of its own for each that runs at the same time.
  ///   - directory: where the lock file of its own is kept while it runs.
  public init(worker: Int = 0, directory: String = "/run") {
    self.worker = worker
    self.directory = directory
  }

  /// Plays a scenario. What cannot be played is an answer too, with the reason in `error`.
  public func answer(_ scenario: Scenario) -> LabResult {
    let lock = "\(directory)/ferrule-lab-\(HostProcess.ownNumber)-\(worker).lock"
    defer { HostFile.remove(lock) }
    do {
      return try NetworkNamespace.onNewThread {
        var play = try ScenarioPlay(scenario, lock: lock)
        return try play.play()
      }
    } catch {
      return LabResult(name: scenario.name, error: "\(error)")
    }
  }

  /// Answers a line of the protocol with a line, without its end.
  public func answer(line: some StringProtocol) -> String {
    do {
      return answer(try Scenario(line: line)).json.description
    } catch {
      return LabResult(name: "", error: error.description).json.description
    }
  }
}
