internal import Glibc

extension HostFile {
  /// The names in a directory, in no order; nil where the path is none.
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

  /// Whether something stands at the path that can be read.
  public static func exists(_ path: String) -> Bool { unsafe access(path, R_OK) == 0 }

  /// What tells a file from what stood at its path before: it is another file, or was written or renamed since. Times are in nanoseconds
  /// since 1970.
  public struct State: Sendable, Hashable {
    let device: UInt
    let number: UInt
    let size: Int
    let written: Int
    let changed: Int
  }

  /// nil where there is no file.
  public static func state(of path: String) -> State? {
    var facts = stat()
    guard unsafe stat(path, &facts) == 0 else { return nil }
    func nanoseconds(_ time: timespec) -> Int { Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec) }
    return State(
      device: UInt(facts.st_dev), number: UInt(facts.st_ino), size: Int(facts.st_size), written: nanoseconds(facts.st_mtim),
      changed: nanoseconds(facts.st_ctim))
  }
}
