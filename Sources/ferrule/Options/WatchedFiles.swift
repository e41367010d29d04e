import Glibc
import Kernel
import Lab
import Synchronization

/// The files that a run of tests looked at, each as it was just before it was read: a change while the tests run is noticed too.
///
/// A file that could not be read counts as looked at, so that its return is a change.
final class WatchedFiles: Sendable {
  private let input: ScenarioInput
  /// The scenario files that the command line stands for; nil where it stands for none at the moment.
  let scenarios: [ScenarioInput.Place]?
  private let states = Mutex<[String: HostFile.State?]>([:])

  init(_ input: ScenarioInput) {
    self.input = input
    scenarios = try? input.places()
  }

  /// Keeps what a file is like before it is read.
  func note(_ path: String) {
    let state = HostFile.state(of: path)
    states.withLock { states in
      if states[path] == nil { states[path] = .some(state) }
    }
  }

  /// A loader that keeps what each file is like before it is read.
  func noting(_ loader: ScenarioFileLoader) -> ScenarioFileLoader {
    ScenarioFileLoader(
      bytes: { path throws(ScenarioFileLoader.Failure) in
        self.note(path)
        return try loader.bytes(path)
      },
      capture: { path throws(ScenarioFileLoader.Failure) in
        self.note(path)
        return try loader.capture(path)
      })
  }

  /// Waits until a file is another, has gone or come, and until nothing changed for a moment: an editor replaces a file in several steps.
  ///
  /// - Returns: false where a request to stop came first.
  func waitForChange(_ stop: StopRequest) -> Bool {
    while !isChanged {
      if stop.isMade { return false }
      usleep(200_000)
    }
    var before = current
    // A file that is written without a pause is read all the same, after two seconds.
    for _ in 0..<20 {
      usleep(100_000)
      let now = current
      if stop.isMade || now == before { break }
      before = now
    }
    return !stop.isMade
  }

  private var isChanged: Bool { (try? input.places()) != scenarios || current != states.withLock { $0 } }

  private var current: [String: HostFile.State?] {
    let paths = states.withLock { Array($0.keys) }
    return Dictionary(uniqueKeysWithValues: paths.map { ($0, HostFile.state(of: $0)) })
  }
}
