import Extensions
import FoundationEssentials
import Fuzzing
import Kernel
import Scenarios
import TestSupport
import Testing
import Wire
import XTables

/// Drawn scenarios, answered by the engine and by the running kernel.
///
/// `FERRULE_FUZZ=N` plays N scenarios of each family instead of 40; `FERRULE_SEED=S` draws others.
@Suite(.serialized) struct FuzzingTests {
  static let seed = ProcessInfo.processInfo.environment["FERRULE_SEED"].flatMap(UInt64.init) ?? 20_261_130
  static let count = ProcessInfo.processInfo.environment["FERRULE_FUZZ"].flatMap(Int.init) ?? 40

  /// The rulesets that others are mutated from: those of the examples, and of the shared material where it is.
  static func corpus(_ family: Family) -> [String] {
    var paths: [String] = []
    for folder in [PackageFolder.path + "/Examples", SharedFolder.path + "/rulesets"] {
      guard let names = try? FileManager.default.subpathsOfDirectory(atPath: folder) else {
        print("NOT there, so nothing is mutated from it: \(folder)")
        continue
      }
      paths += names.sorted().filter { $0.contains("ruleset.") || $0.contains("tables-save") }.map { "\(folder)/\($0)" }
    }
    let wanted = paths.filter { ($0.contains("rules6") || $0.contains("ip6tables")) == (family == .ipv6) }
    return wanted.compactMap { try? TextFile.text($0) }.filter { $0.utf8.count < 20_000 }
  }

  private static func source(_ family: Family) -> FuzzCase.Source {
    FuzzCase.Source(
      registry: .ferrule, host: FuzzHost(family), seed: seed, extensions: Set(Registry.ferrule.all.map(\.name)), corpus: corpus(family))
  }

  @Test(arguments: Family.allCases) func theSameSeedDrawsTheSame(_ family: Family) throws {
    for number in 0..<4 {
      let drawn = Self.source(family).drawCase(number).line
      #expect(drawn == Self.source(family).drawCase(number).line)
      let scenario = try Scenario(drawn)
      #expect(scenario.steps.count > 10)
    }
    #expect(Self.source(family).drawCase(0).line != Self.source(family).drawCase(1).line)
  }

  @Test(.asRoot, arguments: Family.allCases) func engineAndKernelAgree(_ family: Family) {
    print("\(family): seed \(Self.seed)")
    let fuzzer = ExtensionTableTests.fuzzer(family, seed: Self.seed, corpus: Self.corpus(family))
    let outcome = fuzzer.run { done, _ in done < Self.count }
    print("\(family): \(outcome.tally.rulesets) rulesets, \(outcome.tally.pairs) pairs")
    #expect(outcome.tally.pairs > 10 * Self.count)
    for disagreement in outcome.disagreements {
      Issue.record(
        "number \(disagreement.number) of seed \(Self.seed): \(disagreement.differences.map { "\n  \($0)" }.joined())\n\(disagreement.scenario)"
      )
    }
  }

  /// What fuzzing has found, each a disagreement once.
  @Test(.asRoot, arguments: Family.allCases) func whatWasFoundStaysMended(_ family: Family) throws {
    let fuzzer = ExtensionTableTests.fuzzer(family)
    for line in try TextFile.lines(PackageFolder.path + "/Tests/Fixtures/fuzz-regressions.jsonl") {
      let scenario = try Scenario(line: line)
      guard (scenario.rules6 != nil) == (family == .ipv6) else { continue }
      var differences = fuzzer.examine(scenario, limit: 4)?.differences ?? []
      // A busy machine delays packets of the kernel's timers. A difference is there each time.
      for attempt in 1...2 where !differences.isEmpty {
        print("attempt \(attempt): \(scenario.name) differs")
        differences = fuzzer.examine(scenario, limit: 4)?.differences ?? []
      }
      #expect(differences.isEmpty, "\(scenario.name): \(differences.map { "\n  \($0)" }.joined())")
    }
  }
}
