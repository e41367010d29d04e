import FoundationEssentials
import Glibc
import Kernel

/// Extensions of libxtables that no system has, compiled from `Tests/Fixtures/extensions` into the folder of what is built.
package enum ForeignLibraries {
  /// A folder as `XTABLES_LIBDIR` names it, or why there is none.
  package static let folder = Result { try build() }

  private static func build() throws -> String {
    let folder = BuiltPrograms.folder + "/test-extensions"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let sources = PackageFolder.path + "/Tests/Fixtures/extensions"
    for file in try FileManager.default.contentsOfDirectory(atPath: sources) where file.hasSuffix(".c") {
      let library = folder + "/" + file.dropLast(2) + ".so"
      // Another process of these tests may be using the one that is there.
      let fresh = library + ".\(getpid())"
      let compiled = try HostProcess.run(
        "cc", ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", fresh, sources + "/" + file, "-lxtables"])
      guard compiled.status == 0, unsafe rename(fresh, library) == 0 else { throw Failure(sentence: compiled.output) }
    }
    return folder
  }

  private struct Failure: Error { let sentence: String }
}
