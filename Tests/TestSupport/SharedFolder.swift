import FoundationEssentials
import Glibc
package import Testing

/// The project's shared material (conformance data, rulesets, answers of a kernel): what `FERRULE_SHARED` names, by default `../shared`
/// beside the package.
package enum SharedFolder {
  package static let path = ProcessInfo.processInfo.environment["FERRULE_SHARED"] ?? PackageFolder.path + "/../shared"

  package static func text(_ name: String) throws -> String { try TextFile.text(path + "/" + name) }
  package static func lines(_ name: String) throws -> [String] { try TextFile.lines(path + "/" + name) }
}

extension Trait where Self == ConditionTrait {
  /// Runs only where the shared material is; says so where it is not.
  package static var needsSharedFolder: Self {
    .enabled("the shared material was NOT found: set FERRULE_SHARED to its directory") {
      FileManager.default.fileExists(atPath: SharedFolder.path)
    }
  }

  /// Runs only where a program is installed; says so where it is not.
  package static func needsTool(_ name: String) -> Self {
    .enabled("\(name) was NOT found") {
      ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }
  }

  /// Runs only as root; says so where it does not.
  package static var asRoot: Self {
    .enabled("the kernel was NOT asked: that needs root, for network namespaces of the test's own") { geteuid() == 0 }
  }
}
