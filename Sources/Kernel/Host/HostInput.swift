internal import Diagnostics
internal import Glibc

/// A file of the host, or standard input, read in pieces as data arrives.
public struct HostInput: ~Copyable {
  private let descriptor: Int32
  private let path: String?
  /// The start offset, and the number of bytes from there to the end; nil for input that can be read only once.
  private let extent: (start: Int, length: Int)?

  /// - Parameter path: the file; nil for standard input.
  /// - Throws: `KernelError` if the file cannot be opened.
  public init(path: String?) throws(KernelError) {
    self.path = path
    guard let path else {
      descriptor = STDIN_FILENO
      extent = Self.extent(of: STDIN_FILENO)
      return
    }
    let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw .file("opening \(path)") }
    descriptor = opened
    extent = Self.extent(of: opened)
  }

  private static func extent(of descriptor: Int32) -> (start: Int, length: Int)? {
    var status = stat()
    let start = lseek(descriptor, 0, SEEK_CUR)
    guard start >= 0, unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size >= start else {
      return nil
    }
    return (start, status.st_size - start)
  }

  /// The length of a regular file in bytes; nil for a pipe or other stream, which has no known end and cannot be read again.
  public var length: Int? { extent?.length }

  /// Returns to where reading began.
  ///
  /// - Throws: `KernelError` if the input has no length.
  public func rewind() throws(KernelError) {
    guard let extent, lseek(descriptor, extent.start, SEEK_SET) == extent.start else {
      throw .file("reading \(path ?? "standard input") again")
    }
  }

  /// The next bytes, at most 64 KiB; empty at the end.
  ///
  /// - Throws: `KernelError` if the input cannot be read.
  public func next() throws(KernelError) -> [UInt8] {
    try HostFile.piece(of: descriptor, path ?? "standard input", upTo: 1 << 16)
  }

  /// All remaining bytes.
  ///
  /// - Parameter count: the number of bytes before them, which count towards the limits.
  /// - Throws: `KernelError` if there are more than ``Limits/textBytes``, or ``Limits/streamBytes`` without a length.
  public func rest(after count: Int = 0) throws(KernelError) -> [UInt8] {
    let limit = length == nil ? Limits.streamBytes : Limits.textBytes
    do throws(KernelError) {
      return try HostFile.bytes(of: descriptor, path ?? "-", upTo: limit - count)
    } catch {
      guard case .malformed = error.reason else { throw error }
      throw HostFile.tooLong(path ?? "-", limit)
    }
  }

  deinit { if path != nil { close(descriptor) } }
}
