import Diagnostics
import Extensions
import Kernel
import KernelLab
import Measuring
import Suites
import XTables

/// Measures `ferrule test` and, as root, `ferrule verify` by the calls that these commands make, on generated scenarios of 20 packets, and says
/// which goals are reached. Ends with status 1 where a test does not pass or the kernel does not agree.
///
/// Words choose what is measured: `test`, `verify`; both without any.
func readSuite(_ tests: Int) -> ScenarioFile.Reading {
  ScenarioFile.read(SourceFile(name: "suite.yaml", bytes: Array(suite(tests: tests).utf8)), registry: .ferrule, loader: .none)
}

/// The lowest time that `body` takes, in seconds: how long it lasts, and what it has of the processors.
func lowest(rounds: Int, _ body: () -> Void) -> (elapsed: Double, processor: Double) {
  var best = (elapsed: Double.infinity, processor: Double.infinity)
  for _ in 0..<rounds {
    let processor = ProcessStatus.processTime
    let elapsed = ContinuousClock().measure(body)
    best.processor = min(best.processor, (ProcessStatus.processTime - processor) / 1e9)
    best.elapsed = min(best.elapsed, elapsed / .seconds(1))
  }
  return best
}

func rounded(_ seconds: Double) -> String { "\((seconds * 100).rounded() / 100) s" }

func measureTest(_ findings: inout Findings) {
  var results: [SuiteResult] = []
  let time = lowest(rounds: 3) {
    results = TestRunner(registry: .ferrule).run([readSuite(1000)])
    precondition(!TestReportFormat.text.render(results, coloured: false, verbose: false).isEmpty)
  }
  findings.line("test, 1,000 scenarios of 20 packets", "\(rounded(time.elapsed)), of processors \(rounded(time.processor))")
  findings.goal(time.processor < 2, "they take less than 2 s of one core")
  findings.check(results.reduce(0) { $0 + $1.count(.passed) } == 1000, "all pass")
}

func measureVerify(_ findings: inout Findings) {
  let lab = KernelLab(registry: .ferrule)
  let verifier = Verifier(runner: TestRunner(registry: .ferrule)) { lab.answer($0) }
  let count = 100
  var results: [SuiteResult] = []
  let time = lowest(rounds: 3) { results = verifier.verify([readSuite(count)]) }
  findings.line("verify, \(count) scenarios of 20 packets", "\(rounded(time.elapsed)), of processors \(rounded(time.processor))")
  // Waiting for the kernel counts too.
  findings.goal(time.elapsed * 20 <= Double(count), "20 scenarios or more a second (\(Int(Double(count) / time.elapsed)))")
  findings.check(results.reduce(0) { $0 + $1.count(.passed) } == count, "engine and kernel agree about all")
}

var findings = Findings()
let words = CommandLine.arguments.dropFirst()
let verifies = words.isEmpty ? ProcessStatus.isRoot : words.contains("verify")
if verifies {
  do throws(KernelError) {
    // Before anything starts a thread, as the command does it.
    try Sandbox.enter()
    measureVerify(&findings)
  } catch {
    findings.check(false, "the kernel can be asked (\(error))")
  }
} else if words.isEmpty {
  print("verify needs root, and is left out")
}
if words.isEmpty || words.contains("test") { measureTest(&findings) }
findings.end()
