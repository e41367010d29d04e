import Extensions
import FoundationEssentials
import Glibc
import KernelLab
import Lab
import Scenarios
import TestSupport
import Testing
import XTables

/// The scenarios of the fixtures, or of the file that `FERRULE_SCENARIOS` names, played by the engine and by the running kernel:
/// `path-scenarios.jsonl` has ways of packets, `protocol-scenarios.jsonl` uses everything that the lab's protocol has.
enum PathScenarios {
  static let lines: [String] = {
    if let path = ProcessInfo.processInfo.environment["FERRULE_SCENARIOS"] { return (try? TextFile.lines(path)) ?? [] }
    return ["path", "protocol"].flatMap { (try? TextFile.lines("\(PackageFolder.path)/Tests/Fixtures/\($0)-scenarios.jsonl")) ?? [] }
  }()
}

@Suite("The engine and the running kernel", .asRoot, .serialized)
struct KernelAgreementTests {
  private static let engine = LabEngine(registry: .ferrule)
  private static let shown = ProcessInfo.processInfo.environment["FERRULE_DIFFERENCES"].flatMap { Int($0) } ?? 1

  /// Plays each scenario in both, says which differ, and returns how many agree.
  private static func agreeing(_ scenarios: [Scenario]) -> Int {
    let kernel = KernelLab(registry: .ferrule)
    var agreed = 0
    for scenario in scenarios {
      let differences = KernelInquiry(scenario).differences(
        { engine.play(scenario, beside: $0).json }, limit: shown, asking: { kernel.answer($0).json })
      if differences.isEmpty { agreed += 1 } else { print("differs  \(scenario.name)") }
      for difference in differences { print("   \(String("\(difference)".prefix(600)))") }
    }
    return agreed
  }

  @Test("engine and kernel agree on every kept scenario")
  func engineAndKernelAgreeOnEveryScenario() throws {
    let scenarios = try PathScenarios.lines.map { try Scenario(line: $0) }
    #expect(!scenarios.isEmpty)
    let agreed = Self.agreeing(scenarios)
    print("\(agreed) of \(scenarios.count) scenarios agree with the running kernel")
    #expect(agreed == scenarios.count)
  }

  /// Where the kernel hashes addresses and ports under a secret of the boot, other hosts are as good as another boot.
  @Test("engine and kernel agree for other hosts too, where the kernel draws something", arguments: [("20", "c"), ("77", "4d")])
  func engineAndKernelAgreeForOtherHosts(_ number: String, _ number6: String) throws {
    let drawn = ["*nat", "--queue-balance", "SYNPROXY", "--hashlimit-mode", "-m recent", "-m connlimit", "hash:", "nexthop"]
    let lines = PathScenarios.lines.filter { line in drawn.contains { line.contains($0) } }
    let scenarios = try lines.map { line in
      let others = line.replacing(#/\b10\.0\.([01])\.9\b/#) { "10.0.\($0.1).\(number)" }
        .replacing(#/\bfd0([01])::9\b/#) { "fd0\($0.1)::\(number6)" }
      return try Scenario(line: others)
    }
    let agreed = Self.agreeing(scenarios)
    print("\(agreed) of \(scenarios.count) scenarios with hosts .\(number) agree with the running kernel")
    #expect(agreed == scenarios.count)
  }
}
