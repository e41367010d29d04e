public import Diagnostics
internal import Glibc

/// Reads and writes whole files of the host. Files under /proc and /sys do not report their length.
public enum HostFile {
  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: a path, or `-` for standard input.
  ///   - limit: the most bytes. A longer regular file is refused before it is read. Other input, of which no more than
  ///     ``Limits/streamBytes`` are read, is refused as soon as the limit is exceeded.
  /// - Throws: `KernelError` if the file cannot be read or is longer than `limit`.
  public static func bytes(_ path: String, upTo limit: Int = Limits.textBytes) throws(KernelError) -> [UInt8] {
    if path == "-" { return try bytes(of: STDIN_FILENO, path, upTo: limit) }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .file("opening \(path)") }
    defer { close(descriptor) }
    return try bytes(of: descriptor, path, upTo: limit)
  }

  /// The first bytes of a regular file; empty for standard input and other files, of which a byte can be read only once, and for files
  /// that cannot be read.
  public static func beginning(of path: String, bytes count: Int) -> [UInt8] {
    guard path != "-" else { return [] }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = unsafe max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
    }
  }

  /// The error for an input of more bytes than are read.
  public static func tooLong(_ path: String, _ limit: Int) -> KernelError {
    let advice = limit == Limits.streamBytes ? ", the most that is read from a pipe or a device" : ""
    return KernelError(.malformed("\(path == "-" ? "standard input" : path) is longer than \(limit) bytes\(advice)"))
  }

  static func bytes(of descriptor: Int32, _ path: String, upTo limit: Int = Limits.textBytes) throws(KernelError) -> [UInt8] {
    var status = stat()
    // Files under /proc and /sys have no length either.
    let hasLength = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_size > 0
    let limit = hasLength ? limit : min(limit, Limits.streamBytes)
    let tooLong = tooLong(path, limit)
    if hasLength, status.st_size > limit { throw tooLong }
    var bytes: [UInt8] = []
    if hasLength { bytes.reserveCapacity(status.st_size) }
    while true {
      let piece = try piece(of: descriptor, path, upTo: 1 << 18)
      if piece.isEmpty { return bytes }
      guard bytes.count + piece.count <= limit else { throw tooLong }
      bytes += piece
    }
  }

  /// The next bytes; empty at the end. No more memory is touched than there are bytes.
  static func piece(of descriptor: Int32, _ path: String, upTo count: Int) throws(KernelError) -> [UInt8] {
    var failure: SystemError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while true {
        let read = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if read < 0, errno == EINTR { continue }
        if read < 0 { failure = .last }
        filled = max(0, read)
        return
      }
    }
    if let failure { throw .file("reading \(path)", failure) }
    return bytes
  }

  /// Reads a file as UTF-8 text; invalid bytes become U+FFFD.
  ///
  /// - Throws: `KernelError` if the file cannot be read or is longer than `limit`.
  public static func read(_ path: String, upTo limit: Int = Limits.textBytes) throws(KernelError) -> String {
    String(decoding: try bytes(path, upTo: limit), as: UTF8.self)
  }

  /// Writes to an existing file, such as a switch under /proc.
  package static func write(_ text: String, to path: String) throws(KernelError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .file("opening \(path)") }
    defer { close(descriptor) }
    try write(Array(text.utf8), to: descriptor, path)
  }

  /// Creates or overwrites a file.
  ///
  /// - Throws: `KernelError` if the file cannot be opened or written.
  public static func write(_ bytes: [UInt8], to path: String) throws(KernelError) { try write([bytes], to: path) }

  /// Creates or overwrites a file with several parts, one after the other.
  ///
  /// - Throws: `KernelError` if the file cannot be opened or written.
  public static func write(_ parts: [[UInt8]], to path: String) throws(KernelError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .file("opening \(path)") }
    defer { close(descriptor) }
    for part in parts { try write(part, to: descriptor, path) }
  }

  /// Writes all bytes to standard output (1) or standard error (2). Waits as often as the reader needs.
  ///
  /// - Throws: `KernelError` if the stream cannot be written.
  public static func write(_ bytes: [UInt8], toStandard descriptor: Int32) throws(KernelError) {
    try write(bytes, to: descriptor, "standard output")
  }

  static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(KernelError) {
    var at = 0
    while at < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress! + at, bytes.count - at) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .file("writing \(path)") }
      at += count
    }
  }
}
