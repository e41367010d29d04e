import Glibc

/// A program that is run to its end, with what it took.
package struct MeasuredProcess {
  package let status: Int32
  /// Kilobytes of memory that it held at most. Kernel: `rusage.ru_maxrss`.
  package let peakKilobytes: Int
  /// Seconds of processor time.
  package let seconds: Double

  /// Runs a program with its output going to a file.
  package init(_ path: String, _ arguments: [String], output: String) throws {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var words = unsafe ([path] + arguments).map { unsafe strdup($0) }
    unsafe words.append(nil)
    defer { while let word = unsafe words.popLast() { unsafe free(word) } }
    var process: pid_t = 0
    let error = unsafe posix_spawn(&process, path, &actions, nil, &words, environ)
    guard error == 0 else { throw Failure(number: error) }
    var status: Int32 = 0
    var usage = rusage()
    guard unsafe wait4(process, &status, 0, &usage) == process else { throw Failure(number: errno) }
    self.status = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    peakKilobytes = usage.ru_maxrss
    seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }

  package struct Failure: Error {
    let number: Int32
  }
}
