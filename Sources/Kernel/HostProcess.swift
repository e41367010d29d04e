internal import CLinux
internal import Glibc

/// A program run to its end. It is started by the calling thread and so shares that thread's network namespace.
public struct HostProcess: Sendable {
  /// The exit status, or 128 and the signal that ended it.
  public var status: Int32
  /// What it wrote to its standard output and standard error, in the order it came.
  public var output: String

  /// - Parameters:
  ///   - arguments: those behind the program's name, which is looked for in the PATH.
  ///   - input: what it reads from its standard input.
  ///   - environment: variables set for it (`NAME=value`) beside those of this process.
  ///   - directory: where it is started; nothing for where this process is.
  public static func run(
    _ program: String, _ arguments: [String] = [], input: String = "", environment: [String] = [], directory: String? = nil
  ) throws(KernelError) -> HostProcess {
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    // A socket and no pipe, because writing to a socket whose reader has gone need not raise SIGPIPE. No other child may inherit an
    // end, or the output would end with that child only.
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, kind, 0, &toChild) == 0 else { throw .call("socketpair") }
    guard unsafe ferrule_pipe(&fromChild) == 0 else {
      let error = SystemError.last
      for end in toChild { close(end) }
      throw .call("pipe", error)
    }
    let process: pid_t
    do throws(KernelError) {
      process = try spawn(
        program, arguments, environment, directory: directory, input: toChild[0], output: fromChild[1], errors: fromChild[1])
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

  /// - Parameter errors: what becomes its standard error; nothing for that of this process.
  static func spawn(
    _ program: String, _ arguments: [String], _ environment: [String], directory: String? = nil, input: Int32, output: Int32,
    errors: Int32?
  ) throws(KernelError) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    // A thread of a pool blocks signals; what it starts shall hear them.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    unsafe sigaddset(&signals, SIGPIPE)
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    if let directory { _ = unsafe ferrule_spawn_in(&actions, directory) }
    unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
    if let errors { unsafe posix_spawn_file_actions_adddup2(&actions, errors, 2) }
    var variables: [UnsafeMutablePointer<CChar>?] = unsafe []
    for variable in environment { unsafe variables.append(strdup(variable)) }
    var inherited = unsafe environ
    let names = environment.map { $0.prefix { $0 != "=" } + "=" }
    while let variable = unsafe inherited.pointee {
      let text = unsafe String(cString: variable)
      if !names.contains(where: { text.hasPrefix($0) }) { unsafe variables.append(strdup(variable)) }
      unsafe inherited += 1
    }
    unsafe variables.append(nil)
    var words: [UnsafeMutablePointer<CChar>?] = unsafe []
    for word in [program] + arguments { unsafe words.append(strdup(word)) }
    unsafe words.append(nil)
    defer {
      for unsafe word in unsafe words + variables { unsafe free(word) }
    }
    var process: pid_t = 0
    let failure = unsafe posix_spawnp(&process, program, &actions, &attributes, words, variables)
    guard failure == 0 else { throw .call("starting \(program)", SystemError(number: failure)) }
    return process
  }

  /// Writes and reads as the child is ready for either, so that neither waits for the other for ever.
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
        let count = unsafe input[written...].withUnsafeBytes { unsafe send(sink, $0.baseAddress, min($0.count, 65536), Int32(MSG_NOSIGNAL)) }
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
