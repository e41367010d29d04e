internal import Glibc

/// An open file or socket, closed when the last reference to it goes.
final class FileDescriptor: Sendable {
  let number: Int32

  init(_ number: Int32) { self.number = number }

  deinit { close(number) }
}
