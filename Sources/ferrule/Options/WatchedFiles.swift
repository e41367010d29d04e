import Glibc
import Kernel
import Suites
import Synchronization

/// The files of a test run, each with its state just before it was read. So a change during the run is noticed too.
///
/// Includes files that could not be read, so their appearance is a change.
final class WatchedFiles: Sendable {
  private let input: ScenarioInput
  /// The scenario files named by the command line; nil if there are none at the moment.
  let scenarios: [ScenarioInput.Place]?
  private let states = Mutex<[String: HostFile.State?]>([:])

  init(_ input: ScenarioInput) {
    self.input = input
    scenarios = try? input.places()
  }

  /// Records a file's state before it is read.
  func note(_ path: String) {
    let state = HostFile.state(of: path)
    states.withLock { states in
      if states[path] == nil { states[path] = .some(state) }
    }
  }

  /// A loader that records each file's state before it is read.
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

  /// Waits until a file has changed, disappeared or appeared, and until no further change follows: editors replace a file in several steps.
  ///
  /// - Returns: false if a stop was requested first.
  func waitForChange(_ stop: StopRequest) -> Bool {
    while !isChanged {
      if stop.isMade { return false }
      usleep(200_000)
    }
    var before = current
    // A file that changes continuously is read after two seconds anyway.
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
