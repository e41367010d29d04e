import Suites
import Testing

@Suite("Coverage")
struct CoverageTests {
  static let coverage = Coverage([
    Suites.run(
      TestRunnerTests.head + "      - {packet: eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S, repeat: 2}\n      - eth1 icmp 10.0.1.9 > 10.0.0.1\n")
  ])

  @Test func countsEveryRule() throws {
    let file = try #require(Self.coverage.files.first)
    #expect(Self.coverage.files.count == 1)
    let hits = file.chains.flatMap { chain in chain.rules.map { "\(chain.table) \(chain.name) \($0.number): \($0.hits)" } }
    #expect(
      hits == [
        "filter INPUT 1: 0", "filter INPUT 2: 2", "filter INPUT 3: 0", "filter INPUT 4: 0", "filter FORWARD 1: 0", "filter FORWARD 2: 0",
        "filter web 1: 2", "filter web 2: 0", "nat POSTROUTING 1: 0",
      ])
    #expect(file.chains.first { $0.name == "INPUT" && $0.table == "filter" }?.policyHits == 1)
    #expect((Self.coverage.hitCount, Self.coverage.ruleCount) == (2, 9))
  }

  @Test func rulesHaveTheLinesOfTheFile() throws {
    let lines = try #require(Self.coverage.files.first).rules.map(\.line)
    #expect(lines == [7, 8, 9, 10, 11, 12, 13, 14, 21])
  }

  @Test func tracefileHasLinesAndFunctions() {
    let text = CoverageFormat.lcov.render(Self.coverage)
    for line in ["SF:test.yaml", "FN:6,filter:web", "FNDA:2,filter:web", "DA:8,2", "DA:7,0", "LF:9", "LH:2", "end_of_record"] {
      #expect(text.split(separator: "\n").contains { $0 == line }, "\(line) is not in\n\(text)")
    }
  }

  @Test func pageNamesNoOtherFile() {
    let page = CoverageFormat.html.render(Self.coverage)
    #expect(page.contains("<tr class=\"hit\"><td class=\"n\">8</td><td class=\"n\">2</td>"))
    #expect(page.contains("<tr class=\"never\"><td class=\"n\">7</td><td class=\"n\">0</td>"))
    #expect(!page.contains("src=") && !page.contains("<link") && !page.contains("http"))
    #expect(page.contains("&quot;udp &quot;"))
  }

  @Test func textNamesWhatWasNeverMatched() {
    let text = CoverageFormat.text.render(Self.coverage)
    #expect(text.contains("never: test.yaml:14: rule 2: -A web -m mark --mark 0x5 -j ACCEPT"))
    #expect(text.hasPrefix("test.yaml: 2 of 9 rules matched (22.2%)\n"))
  }
}
