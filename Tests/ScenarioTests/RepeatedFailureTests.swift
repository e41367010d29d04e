import Diagnostics
import Extensions
import Suites
import TestSupport
import Testing
import XTables

/// Steps that fail with very many packets are explained once, in the time that playing them takes.
@Suite struct RepeatedFailureTests {
  private static func suite(repetitions: Int, _ expectation: String, _ rules: String = limited) -> String {
    """
    rules: |
      *filter
      \(rules.replacing("\n", with: "\n  "))
      COMMIT
    host: {interfaces: {eth0: [10.0.0.1/24]}}
    tests:
      - name: a
        steps:
          - {packet: "eth0 udp 10.0.0.9:1 > 10.0.0.1:2", repeat: \(repetitions), expect: \(expectation)}
    """
  }

  private static let limited = "-A INPUT -p udp -m limit --limit 1/hour --limit-burst 1 -j ACCEPT"

  @Test func whatManyPacketsMetIsToldOnce() throws {
    let result = Suites.run(Self.suite(repetitions: 2000, "{verdict: local, rule: filter INPUT 1}"))
    let step = try #require(result.tests.first?.steps.first)
    let whyNot = try #require(step.failures.first?.whyNot)
    #expect(whyNot.count == 3, "\(whyNot)")
    #expect(whyNot[1] == "at INPUT the rule matched")
    #expect(whyNot[2].hasPrefix("at INPUT the rule did not match: -m limit"))
    let trace = try #require(step.trace)
    #expect(trace.hasSuffix("… \(2000 - Limits.waysOfStep) more packets\n"))
    #expect(trace.split(separator: "\n").count { $0.contains("delivered to this host") } == Limits.waysOfStep)
  }

  /// Ten times the packets take ten times as long, not a hundred times.
  @Test func theTimeGrowsWithThePackets() {
    func time(_ repetitions: Int) -> Double {
      let reading = Suites.read(Self.suite(repetitions: repetitions, "{verdict: local, rule: filter INPUT 1}"))
      return ThreadTime.seconds { _ = TestRunner(registry: .ferrule).run([reading]) }
    }
    let few = (0..<3).map { _ in time(1000) }.min() ?? .zero
    #expect(time(16_000) < few * 80)
  }

  /// Every failing step asks for its rule, and all of them are followed in one replay.
  @Test func manyFailingStepsAreExplainedEach() throws {
    let steps = (1...300).map { "      - {packet: \"eth0 udp 10.0.0.9:\($0) > 10.0.0.1:2\", expect: {rule: filter INPUT 1}}\n" }.joined()
    let result = Suites.run(
      """
      rules: |
        *filter
        -A INPUT -p tcp -j ACCEPT
        COMMIT
      host: {interfaces: {eth0: [10.0.0.1/24]}}
      tests:
        - name: a
          expect: {matches: filter INPUT 1}
          steps:

      """ + steps.replacing("      - ", with: "      - "))
    let test = try #require(result.tests.first)
    #expect(test.steps.count == 300)
    #expect(
      test.steps.allSatisfy {
        $0.failures.count == 1 && $0.failures[0].whyNot.last == "at INPUT the rule did not match: -p tcp: it is udp"
      },
      "\(test.steps.first?.failures.first?.whyNot ?? [])")
    #expect(test.failures.first?.whyNot.count == 2)
  }

  /// A walk of more entries than a trace lists: hits, deciding rules and coverage are those of the whole way.
  @Test func coverageCountsWhatNoTraceLists() throws {
    let levels = 13
    let names = (0..<levels).map { ":c\($0) - [0:0]\n" }.joined()
    let jumps = (1..<levels).map { "-A c\($0 - 1) -j c\($0)\n-A c\($0 - 1) -j c\($0)\n" }.joined()
    let rules = names + "-A INPUT -j c0\n-A INPUT -j last\n" + jumps + "-A last -p udp -j ACCEPT"
    let result = Suites.run(
      Self.suite(
        repetitions: 1, "{verdict: local, rule: filter last 1, matches: filter c11 2, reaches: filter last}",
        ":last - [0:0]\n" + rules))
    #expect(result.tests.first?.outcome == .passed, "\(result.tests.first.map { $0.steps.flatMap(\.failures).map(\.actual) } ?? [])")
    let coverage = Coverage([result])
    let chains = coverage.files.flatMap(\.chains)
    #expect(chains.first { $0.name == "c11" }?.rules.map(\.hits) == [2048, 2048])
    #expect(chains.first { $0.name == "last" }?.rules.map(\.hits) == [1])
  }
}
