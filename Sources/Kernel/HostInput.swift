internal import Glibc

/// A file of the host, or standard input, read piece by piece as it comes.
public struct HostInput: ~Copyable {
  private let descriptor: Int32
  private let path: String?
  /// How many bytes there are to read from where the input stands, and where that is; nothing for what can be read only once.
  private let extent: (start: Int, length: Int)?

  /// - Parameter path: nothing stands for standard input.
  public init(path: String?) throws(KernelError) {
    self.path = path
    guard let path else {
      descriptor = STDIN_FILENO
      extent = Self.extent(of: STDIN_FILENO)
      return
    }
    let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw .call("opening \(path)") }
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

  /// The length of a regular file; nothing for a pipe and the like, whose end nobody knows and which cannot be read again.
  public var length: Int? { extent?.length }

  /// Goes back to where the reading began; only what has a length can.
  public func rewind() throws(KernelError) {
    guard let extent, lseek(descriptor, extent.start, SEEK_SET) == extent.start else {
      throw .call("reading \(path ?? "standard input") again")
    }
  }

  /// What has come, at most 64 KiB; nothing at the end.
  public func next() throws(KernelError) -> [UInt8] {
    var failure: SystemError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      while true {
        let read = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if read < 0, errno == EINTR { continue }
        if read < 0 { failure = .last }
        count = max(0, read)
        return
      }
    }
    if let failure { throw .call("reading \(path ?? "standard input")", failure) }
    return bytes
  }

  /// All that is still to come; what is longer than ``Limits/textBytes`` is refused.
  public func rest() throws(KernelError) -> [UInt8] { try HostFile.bytes(of: descriptor, path ?? "-") }

  deinit { if path != nil { close(descriptor) } }
}
