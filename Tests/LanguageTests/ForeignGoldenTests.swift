import Extensions
import Kernel
import TestSupport
import Testing
import XTables

/// The same rules as ``GoldenEntriesTests``, read and printed by libxtables in its own process instead of by Ferrule's declarations:
/// what holds for extensions that are known holds for those that are not.
@Suite struct ForeignGoldenTests {
  static let program = BuiltPrograms.folder + "/" + XtablesExtensions.programName

  @Test(.needsSharedFolder) func everyExtensionThroughLibxtables() throws {
    let registry = Registry().asking(XtablesExtensions(program: Self.program))
    var passed = 0
    var failures: [String] = []
    for row in try GoldenEntriesTests.rows() {
      if let failure = GoldenEntriesTests.check(row, registry) {
        failures.append("\(row.file): \(row.rule)\n      \(failure)")
      } else {
        passed += 1
      }
    }
    print("golden entries through libxtables: \(passed) of \(passed + failures.count)")
    for failure in failures.prefix(20) { print("    \(failure)") }
    #expect(registry.foreign?.complaints == [])
    #expect(failures.isEmpty)
  }
}
