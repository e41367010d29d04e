internal import Glibc

/// A file of the host, or standard input, read piece by piece as it comes.
public struct HostInput: ~Copyable {
  private let descriptor: Int32
  private let path: String?

  /// - Parameter path: nothing stands for standard input.
  public init(path: String?) throws(KernelError) {
    self.path = path
    guard let path else {
      descriptor = STDIN_FILENO
      return
    }
    let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw .call("opening \(path)") }
    descriptor = opened
  }

  /// What has come, at most 256 KiB; nothing at the end.
  public func next() throws(KernelError) -> [UInt8] {
    var failure: SystemError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
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

  deinit { if path != nil { close(descriptor) } }
}
