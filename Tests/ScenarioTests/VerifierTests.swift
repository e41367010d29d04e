import Diagnostics
import Extensions
import Lab
import Suites
import Testing

/// What a verifier makes of kernels that say the same, something else, or nothing.
@Suite("Engine and kernel side by side") struct VerifierTests {
  static let suite =
    TestRunnerTests.head + """
            - eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S => local
            - eth0 udp 10.0.0.9:1000 > 192.0.2.1:53
            - eth0 tcp 10.0.0.9:1001 > 10.0.0.1:99 S

      """

  /// A kernel that answers as the engine does, but for what is changed.
  static func verify(_ text: String = suite, change: @escaping @Sendable (inout LabResult) -> Void = { _ in }) -> TestResult {
    let engine = LabEngine(registry: .ferrule)
    let verifier = Verifier(runner: TestRunner(registry: .ferrule)) { scenario in
      var answer = engine.play(scenario)
      change(&answer)
      return answer
    }
    return verifier.verify([Suites.read(text)])[0].tests[0]
  }

  static func subjects(_ change: @escaping @Sendable (inout LabResult) -> Void) -> [String] {
    let result = verify(change: change)
    return result.steps.flatMap { step in step.failures.map { "\(step.number) \($0.subject ?? "?")" } }
      + result.failures.map { $0.subject ?? "?" }
  }

  @Test func theSameIsAgreement() {
    let result = Self.verify()
    #expect(result.outcome == .passed)
    #expect(result.packets == 3)
    #expect(result.steps.map(\.verdict) == ["local", "sent eth2", "drop INPUT by filter:INPUT:policy:5"])
  }

  @Test func everyKindOfDifferenceIsTold() {
    #expect(Self.subjects { $0.steps[0].verdict = LabVerdict(.drop, hook: "INPUT") } == ["1 verdict"])
    #expect(Self.subjects { $0.steps[0].packets[0].mark = 7 } == ["1 packet 1: mark"])
    #expect(Self.subjects { $0.steps[0].packets[0].trace.removeLast() } == ["1 packet 1: rules"])
    #expect(Self.subjects { $0.steps[0].packets[0].hooks = [] } == ["1 packet 1: hooks"])
    #expect(Self.subjects { $0.steps[0].packets = [] } == ["1 packet 1"])
    #expect(Self.subjects { $0.steps[1].egress = [] } == ["2 outgoing frame 1"])
    #expect(Self.subjects { $0.steps[1].egress[0].packet[8] = 9 } == ["2 outgoing frame 1: bytes, starting at byte 8"])
    #expect(Self.subjects { $0.steps[1].egress[0].interface = "eth1" } == ["2 outgoing frame 1: interface"])
    #expect(Self.subjects { $0.steps[0].hits.removeLast() }.allSatisfy { $0.hasPrefix("1 counters: ") })
    #expect(Self.subjects { $0.steps[0].hits[0].count.bytes += 1 }.count == 1)
    #expect(Self.subjects { $0.steps[0].events = [] } == ["1 conntrack events"])
    #expect(Self.subjects { $0.steps[0].connections = [] } == ["1 conntrack entries"])
    #expect(Self.subjects { $0.connections = [] }.allSatisfy { $0 == "conntrack entries" })
    #expect(Self.subjects { $0.steps[0].errno = "EPERM" } == ["1 the sender's error"])
    #expect(Self.subjects { $0.counters[0].chains[0].rules[0].packets += 1 } == ["counters: filter.INPUT.rules[0][0]"])
    #expect(
      Self.subjects {
        $0.steps[0].packets[0].queued = [
          LabPacket.Queued(queue: 1, hook: "INPUT", mark: 0, brief: "", verdict: nil, input: nil, output: nil)
        ]
      }
        == ["1 packet 1: queue deliveries"])
    #expect(Self.subjects { $0.steps.removeLast() }.contains("3 verdict"))
  }

  @Test func bothSidesAreTold() throws {
    let result = Self.verify { $0.steps[0].verdict = LabVerdict(.drop, hook: "INPUT", by: "filter:INPUT:rule:1") }
    let failure = try #require(result.steps.first?.failures.first)
    #expect(failure.expected == "local")
    #expect(failure.actual == "drop at INPUT by filter:INPUT:rule:1")
    let suite = SuiteResult(file: SourceFile(name: "s.yaml", bytes: Array(Self.suite.utf8)), name: "s", tests: [result])
    let text = TestReportFormat.text.render([suite], of: .agreement)
    #expect(
      text == """
        ✗ s: 1 differ, 3 packets
          ✗ t
            s.yaml:26: step 1: eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S => local
              verdict
                Ferrule: local
                 kernel: drop at INPUT by filter:INPUT:rule:1

        """)
    let json = TestReportFormat.json.render([suite], of: .agreement)
    #expect(json.contains(#""ferrule": "local", "kernel": "drop at INPUT by filter:INPUT:rule:1""#))
    #expect(json.contains(#""counts": {"agree": 0, "differ": 1, "not_verified": 0, "skipped": 0}"#))
    #expect(TestReportFormat.junit.render([suite], of: .agreement).contains("message=\"verdict: Ferrule: local, kernel: drop"))
    #expect(TestReportFormat.tap.render([suite], of: .agreement).contains("not ok 1 - s: t"))
  }

  /// What cannot be asked is no agreement, and no difference either.
  @Test(arguments: [
    ("-A INPUT -m statistic --mode random --probability 0.5 -j DROP", "- wait: 0", "the rules have -m statistic --mode random"),
    ("-A INPUT -p tcp -j DROP", "- wait: 600", "the test waits 600.000 seconds, more than the 10.000 of --patience"),
    ("-A INPUT -m time --timestart 10:00 -j DROP", "- wait: 0", "the rules have -m time, but the kernel's clock cannot be set for a test"),
    ("-A INPUT -m set --match-set nowhere src -j DROP", "- eth0 tcp 10.0.0.9:1 > 10.0.0.1:2 S", "Ferrule's verdict is unknown"),
  ]) func whatCannotBeAsked(_ rule: String, _ step: String, _ reason: String) {
    let text = """
      clock: 2024-01-31T09:30:00Z
      rules: |
        *filter
        :INPUT ACCEPT [0:0]
        \(rule)
        COMMIT
      tests:
        - name: t
          steps:
            \(step)

      """
    let result = Self.verify(text)
    #expect(result.outcome == .broken)
    #expect(result.reason?.contains(reason) == true, "\(result.reason ?? "no reason")")
  }

  @Test func aKernelThatCannotAnswerIsNoAgreement() {
    let result = Self.verify { $0 = LabResult(name: "", error: "no module") }
    #expect(result.outcome == .broken)
    #expect(result.reason == "the test cannot run in the kernel: no module")
  }

  @Test func linesOfTheProtocolAreTests() {
    let lines = #"""
      {"name": "one", "rules": "*filter\n-A FORWARD -j DROP\nCOMMIT\n", "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9"}]}

      {"rules6": "*filter\n-A FORWARD -j DROP\nCOMMIT\n", "steps": []}
      {"name": "wrong", "rules": "*filter\n-A FORWARD -j NOPE\nCOMMIT\n", "steps": []}
      no JSON
      """#
    let reading = ScenarioFile.read(
      SourceFile(name: "some.jsonl", bytes: Array(lines.utf8)), registry: .ferrule, loader: .none)
    #expect(reading.suite?.tests.map(\.name) == ["one", "line 3"])
    #expect(reading.diagnostics.map { reading.file.position(of: Int($0.range.lowerBound)).line } == [4, 5])
    let result = TestRunner(registry: .ferrule).run([reading])[0].tests
    #expect(result.map(\.outcome) == [.passed, .passed])
    #expect(result[0].steps.map(\.verdict) == ["drop FORWARD by filter:FORWARD:rule:1"])
  }
}
