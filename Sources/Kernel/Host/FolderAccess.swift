internal import Diagnostics
internal import Glibc

/// The folders that a file may read other files from: its own folder with everything below it, and the folders that the user allowed.
///
/// Paths are checked after `..` and symbolic links are resolved. Anything but a regular file is refused without being opened, because
/// opening a FIFO waits for a writer and opening a device can act on it. The file that was checked is the file that is read: the path is
/// resolved once.
public struct FolderAccess: Sendable {
  private let folders: [String]

  /// - Parameters:
  ///   - file: the path of the file that names others; for standard input and other streams, the working directory is used.
  ///   - others: further folders, from `--allow-path`.
  public init(besides file: String, allowing others: [String] = []) {
    folders = ([FolderAccess.folder(of: file)] + others).compactMap { FolderAccess.resolved($0) }
  }

  private static func folder(of file: String) -> String {
    let isStream = file == "-" || file == "/dev/stdin" || file.hasPrefix("/dev/fd/") || file.hasPrefix("/proc/self/fd/")
    guard !isStream, let slash = file.lastIndex(of: "/") else { return "." }
    return slash == file.startIndex ? "/" : String(file[..<slash])
  }

  /// The bytes of a file.
  ///
  /// - Throws: `KernelError` if the file is outside the folders, is not a regular file, or cannot be read.
  public func bytes(_ path: String) throws(KernelError) -> [UInt8] {
    try reading(path) { (place) throws(KernelError) in
      let descriptor = unsafe open(place, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { throw .file("opening \(path)") }
      defer { close(descriptor) }
      return try HostFile.bytes(of: descriptor, path, upTo: Limits.namedFileBytes)
    }
  }

  /// Calls `body` with a path under which the checked file can be opened until `body` returns.
  ///
  /// - Throws: as ``bytes(_:)``, and what `body` throws.
  public func reading<Result>(_ path: String, _ body: (String) throws(KernelError) -> Result) throws(KernelError) -> Result {
    let descriptor = unsafe open(path, FolderAccess.pathOnly | O_CLOEXEC)
    guard descriptor >= 0 else {
      let error = SystemError.last
      // The message must not reveal whether a file outside the folders exists.
      throw holds(FolderAccess.nearest(path)) ? .file("opening \(path)", error) : refusal(path)
    }
    defer { close(descriptor) }
    let place = "/proc/self/fd/\(descriptor)"
    guard let target = FolderAccess.resolved(place) else { throw .file("resolving \(path)") }
    guard holds(target) else { throw refusal(path) }
    var facts = stat()
    guard unsafe fstat(descriptor, &facts) == 0 else { throw .file("reading \(path)") }
    guard facts.st_mode & S_IFMT == S_IFREG else {
      throw KernelError(.malformed("\(path) is \(FolderAccess.kind(facts.st_mode)), not a file"))
    }
    guard facts.st_size <= Limits.namedFileBytes else {
      throw KernelError(.malformed("\(path) is larger than \(Limits.namedFileBytes >> 20) MiB"))
    }
    return try body(place)
  }

  private func refusal(_ path: String) -> KernelError {
    KernelError(.malformed("\(path) is outside the folder of the file that names it; allow its folder with --allow-path DIR"))
  }

  private func holds(_ target: String) -> Bool {
    folders.contains { target == $0 || target.hasPrefix($0 == "/" ? $0 : $0 + "/") }
  }

  /// `O_PATH`: a reference to a file without opening it.
  private static let pathOnly: Int32 = 0o10000000

  private static func kind(_ mode: mode_t) -> String {
    switch mode & S_IFMT {
    case S_IFDIR: "a directory"
    case S_IFIFO: "a FIFO"
    case S_IFSOCK: "a socket"
    case S_IFCHR, S_IFBLK: "a device"
    default: "something else"
    }
  }

  /// The absolute path without `..` and symbolic links; nil if the file does not exist.
  private static func resolved(_ path: String) -> String? {
    guard let text = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }

  /// The resolved path of the nearest existing parent folder.
  private static func nearest(_ path: String) -> String {
    var path = path[...]
    while let slash = path.lastIndex(of: "/") {
      path = path[..<slash]
      if let place = resolved(path.isEmpty ? "/" : String(path)) { return place }
    }
    return resolved(".") ?? "/"
  }
}
