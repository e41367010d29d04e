internal import Glibc
internal import Synchronization

/// A program that is asked and answers in frames over its standard input and output: four bytes of length, then so many bytes. It is
/// not trusted: it may answer anything, end, or be silent for ever, and it can write no file.
final class FramedProcess: Sendable {
  /// Why there is no answer. The program is of no use after that.
  enum Failure: Error, Equatable {
    /// It ended, with a status or 128 and a signal.
    case ended(Int32)
    case silent
    /// It promised an answer longer than any can be.
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
    // A socket and no pipe, because writing to a socket whose reader has gone need not raise SIGPIPE.
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

  /// Sends a request and waits for its answer.
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

  /// Ends the program, unless it has ended by itself, and tells how it did.
  private func end() -> Int32 {
    status.withLock { known in
      if let known { return known }
      // One that is ending already keeps the status it ends with.
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
