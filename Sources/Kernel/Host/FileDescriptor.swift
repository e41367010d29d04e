internal import Glibc

/// An open file or socket. It is closed when the last reference is released.
final class FileDescriptor: Sendable {
  let number: Int32

  init(_ number: Int32) { self.number = number }

  deinit { close(number) }
}
