internal import Glibc
internal import Synchronization

/// A thread that lives as long as this object and runs one job after another, with a state that no other thread accesses. Jobs may change
/// the thread's network namespace.
package final class WorkerThread<State>: Sendable {
  private typealias Job = @Sendable (inout State) -> Void

  /// State shared by the thread and its owner. The thread does not keep its owner alive.
  private final class Exchange: Sendable {
    let job = Mutex<Job?>(nil)
    let wake: FileDescriptor
    let done: FileDescriptor

    init(wake: FileDescriptor, done: FileDescriptor) {
      self.wake = wake
      self.done = done
    }
  }

  private let exchange: Exchange
  private let wake: FileDescriptor
  private let done: FileDescriptor
  /// Serialises calls.
  private let turn = Mutex(())

  /// - Parameter state: creates the state; called on the thread.
  package init(state: @escaping @Sendable () -> State) throws(KernelError) {
    let (wakeReader, wakeWriter) = try WorkerThread.makePipe()
    let (doneReader, doneWriter) = try WorkerThread.makePipe()
    wake = wakeWriter
    done = doneReader
    let exchange = Exchange(wake: wakeReader, done: doneWriter)
    self.exchange = exchange
    try DetachedThread.start {
      var state = state()
      // The pipe is closed when the owner is released.
      while WorkerThread.readByte(exchange.wake) {
        exchange.job.withLock { job -> Job? in
          defer { job = nil }
          return job
        }?(&state)
        WorkerThread.writeByte(exchange.done)
      }
    }
  }

  /// Runs work on the thread and waits for the result.
  package func run<Value: Sendable>(_ work: @escaping @Sendable (inout State) -> Value) -> Value? {
    turn.withLock { _ in
      let result = Outcome<Value>()
      exchange.job.withLock { job in
        job = { state in
          let value = work(&state)
          result.value.withLock { $0 = value }
        }
      }
      WorkerThread.writeByte(wake)
      guard WorkerThread.readByte(done) else { return nil }
      return result.value.withLock { $0 }
    }
  }

  private final class Outcome<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
  }

  private static func makePipe() throws(KernelError) -> (FileDescriptor, FileDescriptor) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw .call("pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (FileDescriptor(ends[0]), FileDescriptor(ends[1]))
  }

  private static func readByte(_ file: FileDescriptor) -> Bool {
    var byte: UInt8 = 0
    while true {
      let count = unsafe read(file.number, &byte, 1)
      if count < 0, errno == EINTR { continue }
      return count == 1
    }
  }

  private static func writeByte(_ file: FileDescriptor) {
    var byte: UInt8 = 1
    while unsafe write(file.number, &byte, 1) < 0, errno == EINTR {}
  }
}
