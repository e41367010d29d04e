import Foundation
import TestSupport
import Testing

@Suite("ferrule fuzz", .asRoot, .serialized) struct FuzzCommandTests {
  private struct Report: Decodable {
    struct Run: Decodable {
      struct Counts: Decodable {
        let rules: Int
        let matched: Int
        let mismatched: Int
      }
      let family: String
      let rulesets: Int
      let pairs: Int
      let extensions: [String: Counts]
    }
    let seed: Int
    let runs: [Run]
  }

  @Test func theReportIsMachineReadable() throws {
    let outcome = try BuiltCommand.shell("ferrule fuzz --seed 7 --count 3 --format json Examples/*/ruleset.*")
    let report = try JSONDecoder().decode(Report.self, from: Data(outcome.text.utf8))
    #expect(report.seed == 7)
    #expect(report.runs.map(\.family) == ["IPv4", "IPv6"])
    for run in report.runs {
      #expect(run.rulesets == 3 && run.pairs > 30)
      #expect(run.extensions.values.contains { $0.matched > 0 } && run.extensions.values.contains { $0.mismatched > 0 })
    }
  }

  /// What stands in the report does not depend on how the run ended.
  @Test(arguments: [
    "--time 3", "--count 100000 & P=$!; sleep 3; kill -INT $P; wait $P", "--count 100000 & P=$!; sleep 3; kill -TERM $P; wait $P",
  ])
  func aRunEndsWithItsReport(_ end: String) throws {
    let outcome = try BuiltCommand.shell("ferrule fuzz -4 --seed 7 \(end)")
    #expect([0, 1].contains(outcome.status), "\(outcome.status)")
    #expect(outcome.text.hasPrefix("seed 7\nIPv4: seed 7, "), "\(outcome.text)")
    #expect(outcome.text.contains(#/\ntotal: \d+ pairs, \d+ disagreements\n/#), "\(outcome.text)")
  }

  @Test func theDrawIsPrintedAndPlaysAsAScenario() throws {
    let outcome = try CommandTests.shell(
      "ferrule fuzz -6 --seed 7 --count 2 --draw > $F.jsonl; ferrule fuzz -6 --seed 7 --count 2 --draw | cmp - $F.jsonl && ferrule lab < $F.jsonl | grep -c '\"steps\"'; rm $F.jsonl",
      with: "")
    #expect(outcome.text == "2\n", "\(outcome.text)")
  }
}
