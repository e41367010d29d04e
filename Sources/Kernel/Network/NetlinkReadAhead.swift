internal import Synchronization

/// Receives the answers of one dump on a thread of its own: the kernel lists the next objects while the last ones are processed.
///
/// Only one thread may use the socket until ``next()`` has given the end of the dump, or ``stop()`` has returned.
final class NetlinkReadAhead: Sendable {
  typealias Answers = Result<[NetlinkMessage], KernelError>

  /// The greatest number of datagrams that wait to be processed. The kernel fills at most 32 KiB of each.
  private static let most = 32

  private struct State {
    var waiting: [Answers] = []
    var isStopped = false
  }

  private let state = Mutex(State())
  private let filled: WakeSignal
  private let emptied: WakeSignal
  private let ended: WakeSignal

  /// Begins to receive.
  ///
  /// - Parameters:
  ///   - receive: receives the answers of the next datagram.
  ///   - isEnd: whether answers are the last ones of the dump.
  /// - Throws: `KernelError` if there can be no further thread.
  init(
    _ receive: @escaping @Sendable () throws(KernelError) -> [NetlinkMessage], until isEnd: @escaping @Sendable ([NetlinkMessage]) -> Bool
  ) throws(KernelError) {
    (filled, emptied, ended) = (try WakeSignal(), try WakeSignal(), try WakeSignal())
    try DetachedThread.start { [self] in
      var isOver = false
      while !isOver {
        let answers: Answers
        do throws(KernelError) { answers = .success(try receive()) } catch { answers = .failure(error) }
        isOver = (try? answers.get()).map(isEnd) ?? true
        isOver = put(answers) || isOver
      }
      ended.raise()
    }
  }

  /// - Returns: whether nobody wants more.
  private func put(_ answers: Answers) -> Bool {
    state.withLock { $0.waiting.append(answers) }
    filled.raise()
    while true {
      let (count, isStopped) = state.withLock { ($0.waiting.count, $0.isStopped) }
      if isStopped || count < Self.most { return isStopped }
      emptied.wait()
    }
  }

  /// The answers of the next datagrams, in order; waits for them.
  func next() throws(KernelError) -> [NetlinkMessage] {
    while true {
      let taken = state.withLock { state in
        defer { state.waiting = [] }
        return state.waiting
      }
      guard !taken.isEmpty else {
        filled.wait()
        continue
      }
      emptied.raise()
      var messages: [NetlinkMessage] = []
      for answers in taken { messages += try answers.get() }
      return messages
    }
  }

  /// Receives no more, and waits until the thread has ended.
  func stop() {
    state.withLock { $0.isStopped = true }
    emptied.raise()
    ended.wait()
  }
}
