internal import CLinux
internal import Glibc

/// Network namespaces, each bound to a thread.
public enum NetworkNamespace {
  /// Runs work on a new thread in a new network namespace, and waits for it.
  ///
  /// Everything the work opens belongs to that namespace, which ends when the thread and all opened descriptors are gone. Other threads
  /// are not affected. Needs `CAP_SYS_ADMIN`: root, or an own user namespace.
  ///
  /// The work must start processes from its own thread, so that they run in the namespace too.
  ///
  /// - Throws: `KernelError` if no namespace can be created, and what `work` throws.
  public static func onNewThread<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) throws -> Result {
    let call = ThreadCall {
      try enterNew()
      return try work()
    }
    return try call.run()
  }

  /// Keeps a namespace alive, even with no thread in it.
  package struct Reference: Sendable {
    private let file: FileDescriptor

    /// The calling thread's namespace.
    package static func current() throws(KernelError) -> Reference {
      let number = unsafe open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
      guard number >= 0 else { throw .call("opening a network namespace") }
      return Reference(file: FileDescriptor(number))
    }

    /// Moves the calling thread into the namespace.
    package func enter() throws(KernelError) {
      guard ferrule_setns(file.number, Int32(FERRULE_NEW_NETWORK)) == 0 else { throw .call("entering a network namespace") }
    }
  }

  /// Moves the calling thread into a new namespace.
  package static func enterNew() throws(KernelError) {
    guard ferrule_unshare(Int32(FERRULE_NEW_NETWORK)) == 0 else { throw .call("unshare(CLONE_NEWNET)") }
  }

  /// Suspends the calling thread in real time.
  package static func sleepThread(seconds: Double) {
    var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
    var left = timespec()
    while unsafe nanosleep(&wanted, &left) != 0, errno == EINTR { wanted = left }
  }

  /// Pins the calling thread to one processor: everything that a packet triggers is then done before the call that injected it returns.
  package static func pinThread() { _ = ferrule_thread_pin() }
}

/// Runs one closure on one thread. Only that thread accesses the box until it has been joined.
private final class ThreadCall<Value: Sendable>: @unchecked Sendable {
  private let work: @Sendable () throws -> Value
  private var result: Result<Value, any Error>?

  init(work: @escaping @Sendable () throws -> Value) { self.work = work }

  func run() throws -> Value {
    let thread = try DetachedThread.create { self.result = Result { try self.work() } }
    pthread_join(thread, nil)
    guard let result else { throw KernelError.call("a thread", SystemError(number: EINTR)) }
    return try result.get()
  }
}

/// A POSIX thread that runs a closure.
enum DetachedThread {
  private final class Entry {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  /// Starts a thread that is not joined.
  static func start(_ body: @escaping @Sendable () -> Void) throws(KernelError) {
    pthread_detach(try create(body))
  }

  fileprivate static func create(_ body: @escaping () -> Void) throws(KernelError) -> pthread_t {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setstacksize(&attributes, 8 << 20)
    let box = unsafe Unmanaged.passRetained(Entry(body))
    let failure = unsafe pthread_create(
      &thread, &attributes,
      { argument in
        if let argument = unsafe argument { unsafe Unmanaged<Entry>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
    guard failure == 0 else {
      unsafe box.release()
      throw KernelError.call("pthread_create", SystemError(number: failure))
    }
    return thread
  }
}
