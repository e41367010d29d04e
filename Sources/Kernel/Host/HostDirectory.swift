internal import Glibc

extension HostFile {
  /// The names in a directory, unordered; nil if the path cannot be opened as a directory.
  public static func entries(of path: String) -> [String]? {
    guard let directory = unsafe opendir(path) else { return nil }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// True if a file exists at the path and can be read, `access(2)`.
  public static func exists(_ path: String) -> Bool { unsafe access(path, R_OK) == 0 }

  /// True if the path is that of a regular file, which can be read several times.
  public static func isRegular(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Identifies a version of a file. It changes when the file is replaced, written or renamed. Times are in nanoseconds since 1970.
  public struct State: Sendable, Hashable {
    let device: UInt
    let number: UInt
    let size: Int
    let written: Int
    let changed: Int
  }

  /// The state of the file at a path; nil if there is none.
  public static func state(of path: String) -> State? {
    var facts = stat()
    guard unsafe stat(path, &facts) == 0 else { return nil }
    func nanoseconds(_ time: timespec) -> Int { Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec) }
    return State(
      device: UInt(facts.st_dev), number: UInt(facts.st_ino), size: Int(facts.st_size), written: nanoseconds(facts.st_mtim),
      changed: nanoseconds(facts.st_ctim))
  }
}
