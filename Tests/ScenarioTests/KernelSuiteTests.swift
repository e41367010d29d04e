import Extensions
import Glibc
import KernelLab
import Lab
import Scenarios
import Suites
import TestSupport
import Testing
import XTables

@Suite("The suites of the examples and the running kernel", .asRoot, .serialized)
struct KernelSuiteTests {
  @Test(arguments: Suites.examples, [false, true]) func theExamplesAgreeWithTheRunningKernel(
    _ example: String, _ usesNfTables: Bool
  ) throws {
    let reading = try Suites.read(example: example)
    let runner = TestRunner(registry: .ferrule)
    let kernel = KernelLab(registry: .ferrule)
    for test in reading.suite?.tests ?? [] {
      var test = test
      test.base.usesNfTables = usesNfTables
      let resolved = try runner.resolve(test)
      let differences = KernelInquiry(resolved.scenario).differences(resolved.answer.json, limit: 4) { kernel.answer($0).json }
      #expect(differences.isEmpty, "\(test.name): \(differences.map { String("\($0)".prefix(500)) }.joined(separator: "\n"))")
    }
  }
}
