import Glibc

/// Counts the instructions of a kernel: of this program as a child under valgrind, which a busy machine does not disturb.
struct Counter {
  /// A copy of this program without debug information, which older valgrinds cannot read.
  private let program = "/tmp/ferrule-instructions-\(getpid())"

  /// Nil if `strip` or `valgrind` cannot be started.
  init?() {
    guard Self.errors(of: ["strip", "-o", program, Self.path]) != nil, Self.errors(of: ["valgrind", "--version"]) != nil else {
      unlink(program)
      return nil
    }
  }

  /// Removes the copy.
  func end() { unlink(program) }

  /// Instructions of one piece of work: the difference of two runs, so that start and preparation do not count; nil if the
  /// child fails.
  func instructions(of kernel: Kernel) -> Double? {
    guard let few = total(kernel, rounds: 2), let many = total(kernel, rounds: 6) else { return nil }
    return Double(many - few) / Double(4 * kernel.pieces)
  }

  private func total(_ kernel: Kernel, rounds: Int) -> Int? {
    let words = [
      "valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", program, kernel.rawValue, String(rounds),
    ]
    guard let output = Self.errors(of: words) else { return nil }
    // ==123== I   refs:      1,234,567
    guard let line = output.split(separator: "\n").first(where: { $0.contains("refs:") }) else { return nil }
    return Int(line.split(separator: " ").last?.filter { $0 != "," } ?? "")
  }

  private static var path: String {
    var path = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count - 1)
    return String(decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// What a program prints to standard error; nil if it cannot be started or fails.
  private static func errors(of words: [String]) -> String? {
    var ends: (Int32, Int32) = (0, 0)
    guard withUnsafeMutablePointer(to: &ends, { $0.withMemoryRebound(to: Int32.self, capacity: 2) { pipe($0) } }) == 0 else { return nil }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends.1, STDERR_FILENO)
    posix_spawn_file_actions_addclose(&actions, ends.0)
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for word in arguments { free(word) } }
    var process: pid_t = 0
    let error = posix_spawnp(&process, words[0], &actions, nil, &arguments, environ)
    close(ends.1)
    defer { close(ends.0) }
    guard error == 0 else { return nil }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(ends.0, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer.prefix(count)
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status == 0 ? String(decoding: bytes, as: UTF8.self) : nil
  }
}
