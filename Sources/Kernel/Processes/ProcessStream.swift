internal import Glibc

/// The standard streams of this process, as bytes.
public enum ProcessStream: Int32, Sendable {
  case input = 0
  case output = 1
  case error = 2

  /// True if the stream is a terminal, `isatty(3)`.
  public var isTerminal: Bool { isatty(rawValue) == 1 }

  /// True for a terminal that understands control sequences.
  public var takesControls: Bool { isTerminal && ProcessEnvironment.value("TERM") != "dumb" }

  /// Writes all bytes. If the reader has gone, SIGPIPE ends the process, as for other programs in a pipe.
  ///
  /// - Throws: `KernelError` if the stream cannot be written.
  public func write(_ bytes: [UInt8]) throws(KernelError) { try HostFile.write(bytes, toStandard: rawValue) }

  /// Writes a text as UTF-8.
  ///
  /// - Throws: `KernelError` if the stream cannot be written.
  public func write(_ text: String) throws(KernelError) { try write(Array(text.utf8)) }
}

/// The environment of this process.
public enum ProcessEnvironment {
  /// The value of a variable; nil if it is not set.
  public static func value(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  /// The value of a variable in this process, or in the nearest of those that started it whose environment may be read.
  public static func nearest(_ name: String) -> String? {
    if let value = value(name) { return value }
    var process = getppid()
    // A limit, in case the processes change while they are followed.
    for _ in 0..<64 where process > 1 {
      let variables = ((try? HostFile.bytes("/proc/\(process)/environ", upTo: 1 << 20)) ?? []).split(separator: 0)
      for variable in variables where variable.starts(with: "\(name)=".utf8) {
        return String(decoding: variable.dropFirst(name.utf8.count + 1), as: UTF8.self)
      }
      let status = (try? HostFile.read("/proc/\(process)/status")) ?? ""
      let parent = status.split(separator: "\n").first { $0.hasPrefix("PPid:") }
      process = parent.flatMap { Int32($0.dropFirst(5).filter(\.isNumber)) } ?? 0
    }
    return nil
  }
}

extension HostFile {
  /// Replaces a file's contents atomically and keeps its permissions: a reader sees the old file or the new one.
  ///
  /// - Throws: `KernelError` if the file does not exist or cannot be replaced; it is then unchanged.
  public static func replace(_ path: String, with bytes: [UInt8]) throws(KernelError) {
    guard let resolved = unsafe realpath(path, nil) else { throw .file("resolving \(path)") }
    let target = unsafe String(cString: resolved)
    unsafe free(resolved)
    var facts = stat()
    guard unsafe stat(target, &facts) == 0 else { throw .file("reading the mode of \(path)") }
    let temporary = target + ".ferrule-\(getpid())"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .file("creating \(temporary)") }
    do throws(KernelError) {
      defer { close(descriptor) }
      try write(bytes, to: descriptor, temporary)
      // Only root may change the owner. The mode is set last: a change of owner clears bits of it.
      _ = fchown(descriptor, facts.st_uid, facts.st_gid)
      guard fchmod(descriptor, facts.st_mode & 0o7777) == 0 else { throw KernelError.file("setting the mode of \(temporary)") }
      guard unsafe rename(temporary, target) == 0 else { throw KernelError.file("replacing \(path)") }
    } catch {
      _ = unsafe unlink(temporary)
      throw error
    }
  }
}
