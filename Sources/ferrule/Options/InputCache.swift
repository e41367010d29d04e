import Diagnostics
import Kernel

/// The files of a command. Each is read once, because standard input and pipes can be read only once.
final class InputCache {
  private var sources: [String: SourceFile] = [:]

  func source(_ path: String, upTo limit: Int = Limits.textBytes) throws -> SourceFile {
    if let source = sources[path] { return source }
    let source = try RulesetInput.source(path, upTo: limit)
    sources[path] = source
    return source
  }

  /// A text that the command itself made, such as the description of this machine.
  func source(named name: String, made: () throws -> [UInt8]) rethrows -> SourceFile {
    if let source = sources[name] { return source }
    let source = SourceFile(name: name, bytes: try made())
    sources[name] = source
    return source
  }
}
