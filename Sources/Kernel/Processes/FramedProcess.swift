internal import CNetfilter
internal import Glibc
internal import Synchronization

/// A child process that answers requests over its standard input and output. A frame is a length of four bytes, then that many bytes.
/// The process is not trusted: it may answer anything, end, or never answer. It cannot write files.
final class FramedProcess: Sendable {
  /// Why there is no answer. The process must not be used afterwards.
  enum Failure: Error, Equatable {
    /// The process ended, with its exit status, or 128 plus the signal.
    case ended(Int32)
    case silent
    /// The announced length exceeds the longest allowed answer.
    case excessive(Int)

    var sentence: String {
      switch self {
      case .ended(let status) where status > 128: "was ended by signal \(status - 128)"
      case .ended(let status): "ended with status \(status)"
      case .silent: "did not answer in time"
      case .excessive(let count): "answered with \(count) bytes"
      }
    }
  }

  static let longestAnswer = 1 << 22

  private let socket: Int32
  private let process: pid_t
  private let status = Mutex<Int32?>(nil)

  init(_ program: String, _ arguments: [String], _ environment: [String]) throws(KernelError) {
    var ends: [Int32] = [-1, -1]
    // A socket, not a pipe: writing to a socket whose reader has gone can avoid SIGPIPE.
    guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else { throw .call("socketpair") }
    do throws(KernelError) {
      process = try HostProcess.spawnConfined(
        program, arguments, variables: HostProcess.merged(environment), input: ends[1], output: ends[1], errors: nil, hidesFiles: false)
    } catch {
      for end in ends { close(end) }
      throw error
    }
    close(ends[1])
    socket = ends[0]
    _ = fcntl(socket, F_SETFL, O_NONBLOCK)
  }

  deinit {
    _ = end()
    close(socket)
  }

  /// Sends a request and waits for its answer, at most for `patience`.
  func answer(to request: [UInt8], within patience: Duration) throws(Failure) -> [UInt8] {
    let deadline = ContinuousClock.now + patience
    var frame: [UInt8] = []
    frame.appendHostWord(UInt32(request.count))
    frame += request
    try send(frame, deadline)
    guard let length = try receive(4, deadline).hostWord(UInt32.self, at: 0) else { throw .ended(end()) }
    guard length <= Self.longestAnswer else { throw .excessive(Int(length)) }
    return try receive(Int(length), deadline)
  }

  /// Kills the process if it still runs, and returns its exit status, or 128 plus the signal.
  private func end() -> Int32 {
    status.withLock { known in
      if let known { return known }
      // A process that is already exiting keeps its own status.
      kill(process, SIGKILL)
      var word: Int32 = 0
      while unsafe waitpid(process, &word, 0) < 0, errno == EINTR {}
      let status = word & 0x7f == 0 ? word >> 8 & 0xff : 128 + (word & 0x7f)
      known = status
      return status
    }
  }

  private func send(_ bytes: [UInt8], _ deadline: ContinuousClock.Instant) throws(Failure) {
    var at = 0
    while at < bytes.count {
      try wait(for: Int16(POLLOUT), deadline)
      let count = unsafe bytes[at...].withUnsafeBytes { unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count > 0 { at += count } else if count < 0, errno != EAGAIN, errno != EINTR { throw .ended(end()) }
    }
  }

  private func receive(_ count: Int, _ deadline: ContinuousClock.Instant) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: min(count, 1 << 16))
    while bytes.count < count {
      try wait(for: Int16(POLLIN), deadline)
      let wanted = min(buffer.count, count - bytes.count)
      let read = unsafe buffer.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, wanted, 0) }
      if read > 0 { bytes += buffer[..<read] } else if read == 0 || errno != EAGAIN && errno != EINTR { throw .ended(end()) }
    }
    return bytes
  }

  private func wait(for event: Int16, _ deadline: ContinuousClock.Instant) throws(Failure) {
    while true {
      let left = deadline - ContinuousClock.now
      guard left > .zero else {
        _ = end()
        throw .silent
      }
      let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
      var descriptor = pollfd(fd: socket, events: event, revents: 0)
      if unsafe poll(&descriptor, 1, Int32(clamping: milliseconds)) > 0 { return }
    }
  }
}
