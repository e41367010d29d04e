internal import CLinux
internal import Glibc

/// Network namespaces that live as long as a thread does.
public enum NetworkNamespace {
  /// Runs work on a thread of its own in a new network namespace, and waits for it. Everything the work opens belongs to that
  /// namespace, which goes when the thread and all that was opened are gone. Other threads notice nothing, so this may be called
  /// while they run. It needs `CAP_SYS_ADMIN`: root, or a user namespace of one's own.
  ///
  /// The work starts processes, if any, from its own thread, so that they are in the namespace too.
  public static func onNewThread<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) throws -> Result {
    let call = ThreadCall {
      try enterNew()
      return try work()
    }
    return try call.run()
  }

  /// A namespace that is kept while it is referred to, though no thread be in it.
  package struct Reference: Sendable {
    private let file: FileDescriptor

    /// The namespace that the calling thread is in.
    package static func current() throws(KernelError) -> Reference {
      let number = unsafe open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
      guard number >= 0 else { throw .call("opening a network namespace") }
      return Reference(file: FileDescriptor(number))
    }

    /// Moves the calling thread into it.
    package func enter() throws(KernelError) {
      guard ferrule_setns(file.number, Int32(FERRULE_NEW_NETWORK)) == 0 else { throw .call("entering a network namespace") }
    }
  }

  /// Moves the calling thread into a new namespace.
  package static func enterNew() throws(KernelError) {
    guard ferrule_unshare(Int32(FERRULE_NEW_NETWORK)) == 0 else { throw .call("unshare(CLONE_NEWNET)") }
  }

  /// Lets real time pass for the calling thread.
  package static func sleepThread(seconds: Double) {
    var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
    var left = timespec()
    while unsafe nanosleep(&wanted, &left) != 0, errno == EINTR { wanted = left }
  }

  /// Keeps the calling thread on one processor: what a packet sets off is then done before the call that brought it returns.
  package static func pinThread() { _ = ferrule_thread_pin() }
}

/// One closure on one thread. The thread alone touches the box until it has been joined.
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

  /// Starts one that nobody waits for.
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
