internal import CLinux
internal import CNetfilter
internal import Glibc

/// A program that was run to its end. The calling thread starts it, so it runs in that thread's network namespace.
public struct HostProcess: Sendable {
  /// The exit status, or 128 plus the signal that ended the program.
  public var status: Int32
  /// Standard output and standard error, in the order of arrival.
  public var output: String

  /// Runs a program.
  ///
  /// - Parameters:
  ///   - arguments: the arguments after the program's name. The program is searched in the PATH.
  ///   - input: its standard input.
  ///   - environment: variables (`NAME=value`) added to this process's environment.
  ///   - directory: its working directory; nil for that of this process.
  /// - Throws: `KernelError` if the program cannot be started.
  public static func run(
    _ program: String, _ arguments: [String] = [], input: String = "", environment: [String] = [], directory: String? = nil
  ) throws(KernelError) -> HostProcess {
    try run(input: input) { source, sink throws(KernelError) in
      try spawn(program, arguments, environment, directory: directory, input: source, output: sink)
    }
  }

  /// Runs the process that `start` creates to its end.
  ///
  /// - Parameter start: starts a process, given the descriptors for its standard input, and for its standard output and error.
  static func run(input: String, _ start: (Int32, Int32) throws(KernelError) -> pid_t) throws(KernelError) -> HostProcess {
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    // A socket, not a pipe: writing to a socket whose reader has gone can avoid SIGPIPE. No other child may inherit an end: the output would
    // not end before that child does.
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, kind, 0, &toChild) == 0 else { throw .call("socketpair") }
    guard unsafe ferrule_pipe(&fromChild) == 0 else {
      let error = SystemError.last
      for end in toChild { close(end) }
      throw .call("pipe", error)
    }
    let process: pid_t
    do throws(KernelError) {
      process = try start(toChild[0], fromChild[1])
    } catch {
      for end in toChild + fromChild { close(end) }
      throw error
    }
    close(toChild[0])
    close(fromChild[1])
    let bytes = converse(Array(input.utf8), to: toChild[1], from: fromChild[0])
    close(fromChild[0])
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7F
    return HostProcess(status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: String(decoding: bytes, as: UTF8.self))
  }

  private static func spawn(
    _ program: String, _ arguments: [String], _ environment: [String], directory: String?, input: Int32, output: Int32
  ) throws(KernelError) -> pid_t {
    unsafe try start(program, [program] + arguments, merged(environment), flags: POSIX_SPAWN_SETSIGDEF) { actions, attributes in
      var ended = sigset_t()
      unsafe sigemptyset(&ended)
      unsafe sigaddset(&ended, SIGPIPE)
      unsafe posix_spawnattr_setsigdefault(&attributes, &ended)
      if let directory { _ = unsafe ferrule_spawn_in(&actions, directory) }
      unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
      unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
      unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
    }
  }

  /// Starts a program in which no signal is blocked: threads of a pool block signals, and the started program must receive them.
  ///
  /// - Parameters:
  ///   - program: the program; it is searched in the PATH if its name has no slash.
  ///   - words: its arguments, the name by which it is called first.
  ///   - variables: its whole environment.
  ///   - flags: `POSIX_SPAWN_*` for what `prepare` sets.
  ///   - prepare: says what happens in the child before the program begins.
  private static func start(
    _ program: String, _ words: [String], _ variables: [String], flags: Int32,
    _ prepare: (inout posix_spawn_file_actions_t, inout posix_spawnattr_t) -> Void
  ) throws(KernelError) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    var blocked = sigset_t()
    unsafe sigemptyset(&blocked)
    unsafe posix_spawnattr_setsigmask(&attributes, &blocked)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | flags))
    unsafe prepare(&actions, &attributes)
    var process: pid_t = 0
    let failure = unsafe withCStrings(words) { words in
      unsafe withCStrings(variables) { settings in unsafe posix_spawnp(&process, program, &actions, &attributes, words, settings) }
    }
    guard failure == 0 else { throw .call("starting \(program)", SystemError(number: failure)) }
    return process
  }

  /// Starts a program that can change nothing but the network (`ferrule_spawn_confined`).
  ///
  /// - Parameters:
  ///   - path: the program; the PATH is not searched.
  ///   - variables: its whole environment.
  ///   - errors: its standard error; nil for that of this process.
  ///   - hidesFiles: it starts in the root directory, and `/run`, `/tmp` and `/root` appear empty to it.
  static func spawnConfined(
    _ path: String, _ arguments: [String], variables: [String], input: Int32, output: Int32, errors: Int32?, hidesFiles: Bool
  ) throws(KernelError) -> pid_t {
    let process = unsafe withCStrings([path] + arguments) { words in
      unsafe withCStrings(variables) { settings in
        unsafe ferrule_spawn_confined(path, words, settings, input, output, errors ?? -1, hidesFiles ? 1 : 0)
      }
    }
    guard process > 0 else { throw .call("starting \(path)") }
    return process
  }

  /// Starts a program in a session of its own, which outlives this process. It gets no other descriptors, and all signals.
  ///
  /// - Parameter words: its arguments, the name by which it is called first.
  static func spawnDetached(_ path: String, _ words: [String], input: Int32, output: Int32) throws(KernelError) {
    let session: Int32 = 0x80  // POSIX_SPAWN_SETSID
    _ = unsafe try start(path, words, merged([]), flags: session) { actions, _ in
      unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
      unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
      unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
      unsafe ferrule_spawn_closing(&actions, 3)
    }
  }

  /// The environment of this process, with the given variables (`NAME=value`) added or replaced.
  static func merged(_ environment: [String]) -> [String] {
    var variables = environment
    var inherited = unsafe environ
    let names = environment.map { $0.prefix { $0 != "=" } + "=" }
    while let variable = unsafe inherited.pointee {
      let text = unsafe String(cString: variable)
      if !names.contains(where: { text.hasPrefix($0) }) { variables.append(text) }
      unsafe inherited += 1
    }
    return variables
  }

  /// Writes and reads as soon as the child is ready for either, to avoid a deadlock.
  private static func converse(_ input: [UInt8], to sink: Int32, from source: Int32) -> [UInt8] {
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    var written = 0
    var isOpen = true
    _ = fcntl(sink, F_SETFL, O_NONBLOCK)
    while true {
      if isOpen, written == input.count {
        close(sink)
        isOpen = false
      }
      var descriptors = [pollfd(fd: source, events: Int16(POLLIN), revents: 0)]
      if isOpen { descriptors.append(pollfd(fd: sink, events: Int16(POLLOUT), revents: 0)) }
      let ready = unsafe poll(&descriptors, nfds_t(descriptors.count), -1)
      if ready < 0, errno != EINTR { break }
      guard ready > 0 else { continue }
      if isOpen, descriptors[1].revents != 0 {
        let count = unsafe input[written...].withUnsafeBytes {
          unsafe send(sink, $0.baseAddress, min($0.count, 65536), Int32(MSG_NOSIGNAL))
        }
        if count > 0 { written += count } else if errno != EAGAIN { written = input.count }
      }
      if descriptors[0].revents != 0 {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(source, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        output += buffer[..<count]
      }
    }
    if isOpen { close(sink) }
    return output
  }
}

/// Calls `body` with the texts as a null-terminated array of zero-terminated C strings.
func withCStrings<Result>(_ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result) -> Result {
  var pointers: [UnsafeMutablePointer<CChar>?] = unsafe []
  for text in texts { unsafe pointers.append(strdup(text)) }
  unsafe pointers.append(nil)
  defer {
    while let pointer = unsafe pointers.popLast() { unsafe free(pointer) }
  }
  return unsafe body(pointers)
}
