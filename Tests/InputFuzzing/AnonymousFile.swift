import Glibc

/// A file that stands in no directory, for readers that take a path. It goes with this process.
final class AnonymousFile {
  private let number: Int32

  /// - Parameter name: the beginning of the name that it has for a moment.
  init?(called name: String) {
    var template = Array("/tmp/ferrule-\(name)-XXXXXX".utf8CString)
    number = unsafe mkstemp(&template)
    guard number >= 0 else { return nil }
    _ = unsafe unlink(template)
  }

  deinit { close(number) }

  /// Its path for this process.
  var path: String { "/proc/self/fd/\(number)" }
}
