internal import CLinux
internal import Glibc

/// A file that stands in no directory. The programs that this process starts open it by the path it has here; it goes with the
/// process, however that ends.
package struct AnonymousFile: Sendable {
  private let file: FileDescriptor

  /// - Parameter name: what `/proc` calls it.
  package init(called name: String) throws(KernelError) {
    let number = unsafe ferrule_anonymous_file(name)
    guard number >= 0 else { throw .call("memfd_create") }
    file = FileDescriptor(number)
  }

  package var path: String { "/proc/\(getpid())/fd/\(file.number)" }
}
