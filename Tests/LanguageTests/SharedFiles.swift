import Foundation

/// The project's shared material (conformance data, rulesets, lab answers), which lies beside the checkout or where
/// `FERRULE_SHARED` says.
enum Shared {
  static let folder: URL = {
    if let path = ProcessInfo.processInfo.environment["FERRULE_SHARED"] { return URL(filePath: path) }
    return URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared").standardized
  }()

  static var isThere: Bool { FileManager.default.fileExists(atPath: folder.path) }

  static func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.appending(path: path)), as: UTF8.self)
  }
}
