import Diagnostics
import Kernel
import Synchronization

/// A line on the terminal about work that takes longer than a second: what is done, and for how many seconds. Nothing where standard error
/// is no terminal.
final class WaitingLine: Sendable {
  private struct State: Sendable {
    /// What is done, and since when; nil between two pieces of work.
    var work: (text: TerminalText, start: ContinuousClock.Instant)?
    var isWatched = false
    var isShown = false
  }

  private let state = Mutex(State())
  /// The time in seconds between two looks at the clock.
  private static let pause = 0.5

  /// Does some work, which the line names if it takes longer than a second.
  func during<Result>(_ text: TerminalText, _ work: () throws -> Result) rethrows -> Result {
    guard ProcessStream.error.takesControls else { return try work() }
    begin(text)
    defer { end() }
    return try work()
  }

  private func begin(_ text: TerminalText) {
    let wasWatched = state.withLock { state in
      defer { state.isWatched = true }
      state.work = (text, .now)
      return state.isWatched
    }
    if wasWatched { return }
    // Without a thread there is no line, and the work is done all the same.
    try? BackgroundThread.start {
      while true {
        BackgroundThread.sleep(seconds: Self.pause)
        self.show()
      }
    }
  }

  private func show() {
    state.withLock { state in
      guard let work = state.work else { return }
      let seconds = (ContinuousClock.now - work.start).components.seconds
      guard seconds > 0 else { return }
      state.isShown = true
      Console.progress("\(work.text) … \(seconds) s")
    }
  }

  /// The line is gone before anything else is written.
  private func end() {
    state.withLock { state in
      if state.isShown { Console.progress("") }
      (state.work, state.isShown) = (nil, false)
    }
  }
}
