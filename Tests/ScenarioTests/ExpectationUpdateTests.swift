import Diagnostics
import Extensions
import Suites
import Testing
import XTables

/// What `ferrule test --update` writes into a file.
@Suite("Expectations written anew") struct ExpectationUpdateTests {
  private static let head = """
    rules: |
      *nat
      -A POSTROUTING -o eth2 -p udp -j MASQUERADE
      COMMIT
      *filter
      :INPUT DROP [0:0]
      :FORWARD ACCEPT [0:0]
      :known - [0:0]
      -A INPUT -p udp -m udp --dport 53 -m mark --mark 0 -j known
      -A INPUT -p tcp -j REJECT --reject-with tcp-reset
      -A FORWARD -p udp -j LOG --log-prefix "out: "
      -A known -j ACCEPT
      COMMIT
    host:
      interfaces: {eth0: [10.0.0.1/24], eth2: [198.51.100.1/24]}
      routes: [default via 198.51.100.2 dev eth2]
    tests:
      - name: t
        steps:

    """

  private static func run(_ text: String) -> (suite: SuiteResult, problems: [String]) {
    let reading = Suites.read(text)
    return (TestRunner(registry: .ferrule).run([reading])[0], reading.diagnostics.map(\.message))
  }

  /// The step's expectation as it is written anew; what is written must hold, and all around it must be as it was.
  private static func updated(_ step: String, _ expectation: String) -> String {
    let lead = "      - \(step)\n        expect:"
    let tail = " # behind\n# the end\n"
    let before = head + lead + expectation + tail
    let (suite, problems) = run(before)
    guard problems.isEmpty else { return "\(problems)" }
    let text = String(decoding: TestUpdate(suite).bytes, as: UTF8.self)
    guard text.hasPrefix(head + lead), text.hasSuffix(tail) else { return text }
    let again = run(text)
    let failures = again.suite.tests.flatMap { test in test.failures + test.steps.flatMap(\.failures) }.map {
      "\($0.expected): \($0.actual)"
    }
    guard again.problems.isEmpty, failures.isEmpty else { return "\(text.dropFirst(head.count)): \(again.problems) \(failures)" }
    return String(text.dropFirst(head.count + lead.count).dropLast(tail.count))
  }

  private static let query = "packet: eth0 udp 10.0.0.9:1000 > 10.0.0.1:53"
  private static let away = "packet: eth0 udp 10.0.0.9:1000 > 8.8.8.8:53"
  private static let web = "packet: eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S"

  @Test(
    "every kind of expectation is written",
    arguments: [
      (query, " {verdict: drop}", " {verdict: local}"), (query, " {verdict: 'drop INPUT'}", " {verdict: 'local'}"),
      (query, " {rule: INPUT policy}", " {rule: filter known 1}"), (query, #" {rule: "INPUT 2"}"#, #" {rule: "filter known 1"}"#),
      (query, " {matches: INPUT 2}", " {matches: filter known 1}"),
      (query, " {matches: [INPUT 1, INPUT 2]}", " {matches: [INPUT 1, filter known 1]}"),
      (query, " {misses: INPUT 1, mark: 0}", " {mark: 0}"), (query, " {misses: [INPUT 2, INPUT 1]}", " {misses: [INPUT 2]}"),
      (query, " {never: [known]}", " {never: []}"), (query, " {mark: 0, never: known}", " {mark: 0}"),
      (query, " {never: known}", " {}"), (away, " {reaches: filter known}", " {reaches: filter FORWARD}"),
      (away, " {log: none}", #" {log: "out: "}"#), (away, " {log: 'in: '}", " {log: 'out: '}"),
      (query, " {log: ['x']}", " {log: ['none']}"),
      (query, " {out: eth2, mark: 0}", " {mark: 0}"), (away, " {out: eth0}", " {out: eth2}"),
      (away, " {packet: {src: 10.0.0.9, ttl: 64, dport: 53}}", " {packet: {src: 198.51.100.1, ttl: 63, dport: 53}}"),
      (web, " {answer: tcp A}", " {answer: tcp RA}"), (query, " {answer: {proto: icmp}}", " {answer: none}"),
      (web, " {answer: {flags: A, sport: 1}}", " {answer: {flags: RA, sport: 80}}"),
      (query, " {mark: 0x5/0xf}", " {mark: 0x0/0xf}"), (query, " {queue: 5}", " {queue: none}"),
      (query, " {errno: EPERM}", " {errno: none}"),
      (away, " {nat: none}", " {nat: {source: 198.51.100.1:1000}}"), (query, " {nat: {source: 1.2.3.4}}", " {nat: none}"),
      (away, " {nat: {source: 1.2.3.4}}", " {nat: {source: 198.51.100.1}}"),
      (away, " {conntrack: none}", " {conntrack: CONFIRMED}"),
      (
        away, " {conntrack: {zone: 4, status: [ASSURED]}}",
        " {conntrack: {zone: 0, status: [CONFIRMED, SRC_NAT, SRC_NAT_DONE, DST_NAT_DONE]}}"
      ),
      (web, " {conntrack: {state: ESTABLISHED, mark: 5}}", " {conntrack: none}"),
      (query, " {counters: {INPUT 1: 7, INPUT 2: [0, 0]}}", " {counters: {INPUT 1: 1, INPUT 2: [0, 0]}}"),
      (query, " {counters: {INPUT 1: [1, 2]}}", " {counters: {INPUT 1: [1, 28]}}"),
    ])
  func isWritten(_ step: String, _ expectation: String, _ wanted: String) {
    #expect(Self.updated(step, expectation) == wanted)
  }

  /// Lines keep their comments, and lists on lines of their own lose the elements that cannot hold.
  @Test func updateKeepsCommentsAndDropsWhatCannotHold() {
    let block = """

                # why
                verdict: drop  # a verdict
                matches:
                  - INPUT 1 # the first
                  - "INPUT 2"
                never:
                  - known # gone
                misses:
                  - INPUT 1
                  - INPUT 2
                counters:
                  INPUT 1: 9 # counted
                mark: 0
      """
    let wanted = """

                # why
                verdict: local  # a verdict
                matches:
                  - INPUT 1 # the first
                  - "filter known 1"
                never:
                  [] # gone
                misses:
                  - INPUT 2
                counters:
                  INPUT 1: 1 # counted
                mark: 0
      """
    #expect(Self.updated(Self.query, block) == wanted)
  }

  @Test func aSequenceIsWrittenByWhatStopsIt() {
    #expect(Self.updated("udp: eth0 10.0.0.9:1000 > 10.0.0.1:54", " accept") == " drop INPUT")
  }
}
