internal import Glibc

/// A thread that ends with its work or with the process, and that nothing waits for.
public enum BackgroundThread {
  /// Starts a thread.
  ///
  /// - Throws: `KernelError` if there can be no further thread.
  public static func start(_ body: @escaping @Sendable () -> Void) throws(KernelError) { try DetachedThread.start(body) }

  /// Suspends the calling thread.
  public static func sleep(seconds: Double) { NetworkNamespace.sleepThread(seconds: seconds) }
}

/// Wakes a waiting thread. Several raises before it waits are one.
public final class WakeSignal: Sendable {
  private let reader: FileDescriptor
  private let writer: FileDescriptor

  /// Creates a signal that is not raised.
  ///
  /// - Throws: `KernelError` if there are no descriptors left.
  public init() throws(KernelError) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw .call("pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    reader = FileDescriptor(ends[0])
    writer = FileDescriptor(ends[1])
    // A full pipe has woken the reader already.
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
  }

  /// Wakes the waiting thread, or the next one that waits.
  public func raise() {
    var byte: UInt8 = 1
    while unsafe write(writer.number, &byte, 1) < 0, errno == EINTR {}
  }

  /// Waits until the signal is raised.
  public func wait() {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while unsafe bytes.withUnsafeMutableBytes({ unsafe read(reader.number, $0.baseAddress, $0.count) }) < 0, errno == EINTR {}
  }
}
