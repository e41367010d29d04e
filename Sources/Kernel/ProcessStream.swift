internal import Glibc

/// The standard streams of this process, as bytes.
public enum ProcessStream: Int32, Sendable {
  case input = 0, output = 1, error = 2

  public var isTerminal: Bool { isatty(rawValue) == 1 }

  /// A terminal that understands control sequences.
  public var takesControls: Bool { isTerminal && ProcessEnvironment.value("TERM") != "dumb" }

  /// Writes all of it. A reader that has gone ends the process by SIGPIPE, as it does other programs of a pipe.
  public func write(_ bytes: [UInt8]) throws(KernelError) { try HostFile.write(bytes, toStandard: rawValue) }

  public func write(_ text: String) throws(KernelError) { try write(Array(text.utf8)) }
}

/// A variable of the environment, or nothing where it is not set.
public enum ProcessEnvironment {
  public static func value(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }
}

extension HostFile {
  /// Puts new contents in a file's place at one stroke, its permissions kept: a reader sees the old file or the new one.
  public static func replace(_ path: String, with bytes: [UInt8]) throws(KernelError) {
    guard let resolved = unsafe realpath(path, nil) else { throw .call("resolving \(path)") }
    let target = unsafe String(cString: resolved)
    unsafe free(resolved)
    var facts = stat()
    guard unsafe stat(target, &facts) == 0 else { throw .call("reading the mode of \(path)") }
    let temporary = target + ".ferrule-\(getpid())"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .call("creating \(temporary)") }
    do throws(KernelError) {
      defer { close(descriptor) }
      try write(bytes, to: descriptor, temporary)
      // Only root may give a file away; the mode comes last, because a change of owner takes bits from it.
      _ = fchown(descriptor, facts.st_uid, facts.st_gid)
      guard fchmod(descriptor, facts.st_mode & 0o7777) == 0 else { throw KernelError.call("setting the mode of \(temporary)") }
      guard unsafe rename(temporary, target) == 0 else { throw KernelError.call("replacing \(path)") }
    } catch {
      _ = unsafe unlink(temporary)
      throw error
    }
  }
}
