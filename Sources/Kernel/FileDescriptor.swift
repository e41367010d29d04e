internal import Glibc

/// An open file or socket, closed when its value goes.
struct FileDescriptor: ~Copyable, Sendable {
  let number: Int32

  init(_ number: Int32) { self.number = number }

  deinit { close(number) }
}
