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

  /// When a file was last written, in nanoseconds since 1970; nil where there is none.
  public static func modification(of path: String) -> Int? {
    var facts = stat()
    guard unsafe stat(path, &facts) == 0 else { return nil }
    return Int(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(facts.st_mtim.tv_nsec)
  }
}
