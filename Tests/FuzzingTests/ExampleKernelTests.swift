import Extensions
import Fuzzing
import Kernel
import KernelLab
import Suites
import TestSupport
import Testing
import Wire
import XTables

/// The packets of the extensions' examples, asked of the running kernel: it must answer as the evaluator does, byte for byte.
@Suite(.asRoot, .serialized) struct ExampleKernelTests {
  /// Examples that the kernel cannot be asked about, and why.
  static let unasked: [String: String] = [
    "-m osf": "fingerprints are the whole machine's", "-m time": "the kernel's clock cannot be set",
    "-m physdev": "the bridge joins groups of its own accord", "-m cgroup --path": "the kernel takes paths of this machine's groups only",
  ]

  @Test func theKernelSaysTheSame() throws {
    let lab = KernelLab(registry: .ferrule)
    var verifier = Verifier(runner: TestRunner(registry: .ferrule)) { lab.answer($0) }
    verifier.now = { Double(HostClock.seconds) }
    let missing = Family.allCases.map { family in
      KernelExtensions(.ferrule, FuzzHost(family), names: .system, asking: lab).refused
    }
    var asked = 0
    for play in ExamplePlay.all(.ferrule) where play.trial.outcome != .unknown {
      let name = "\(play.descriptor.kind == .match ? "-m" : "-j") \(play.descriptor.name)"
      let test = try #require(play.reading().suite?.tests.first)
      let result = verifier.verify(test)
      if let refusal = missing[play.family == .ipv4 ? 0 : 1][name] {
        print("NOT compared, this kernel does not have it: \(play): \(refusal)")
      } else if let reason = Self.unasked.first(where: { play.description.hasPrefix($0.key) })?.value {
        print("NOT asked: \(play): \(reason)")
      } else {
        asked += 1
        let failures = (result.failures + result.steps.flatMap(\.failures)).map {
          "\($0.expected) by the evaluator, \($0.actual) by the kernel"
        }
        #expect(result.outcome == .passed, "\(play): \(failures.joined(separator: "; ")) \(result.reason ?? "")")
      }
    }
    print("\(asked) examples asked of the kernel")
    #expect(asked > 120)
  }
}
