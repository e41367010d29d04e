import Diagnostics
import Extensions
import Lab
import Scenarios
import Suites
import Testing

@Suite("What tests expect")
struct TestRunnerTests {
  static let head = """
    rules: |
      *filter
      :INPUT DROP [0:0]
      :FORWARD DROP [0:0]
      :OUTPUT ACCEPT [0:0]
      :web - [0:0]
      -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
      -A INPUT -p tcp -m tcp --dport 80:90 -j web
      -A INPUT -p udp -j LOG --log-prefix "udp "
      -A INPUT -p udp -j REJECT
      -A FORWARD -i eth0 -j ACCEPT
      -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
      -A web -s 10.0.0.0/24 -m comment --comment "near by" -j ACCEPT
      -A web -m mark --mark 0x5 -j ACCEPT
      COMMIT
      *nat
      :PREROUTING ACCEPT [0:0]
      :INPUT ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      -A POSTROUTING -o eth2 -j MASQUERADE
      COMMIT
    tests:
      - name: t
        steps:

    """

  /// Runs one step, whose text is given, and says what failed.
  static func failures(_ steps: String) -> [String] {
    let result = Suites.run(head + steps.split(separator: "\n", omittingEmptySubsequences: false).map { "      \($0)\n" }.joined())
    if let problem = result.diagnostics.first { return ["\(problem.message)"] }
    let test = result.tests[0]
    if let reason = test.reason { return [reason] }
    return (test.steps.flatMap(\.failures) + test.failures).map { "\($0.expected) | \($0.actual)" }
  }

  static let packet = "packet: eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S"
  static let datagram = "packet: eth0 udp 10.0.0.9:1000 > 10.0.0.1:53"
  static let outward = "packet: eth0 udp 10.0.0.9:1000 > 192.0.2.1:53"

  @Test(arguments: [
    "- eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S => local", "- eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S => accept",
    "- {\(packet), expect: local}", "- {\(packet), expect: {rule: filter web 1}}", "- {\(packet), expect: {rule: web 1}}",
    "- {\(packet), expect: {rule: comment near by}}", "- {\(packet), expect: {rule: line 13}}",
    "- {\(packet), expect: {matches: [web 1, INPUT 2], misses: INPUT 1}}",
    "- {\(packet), expect: {reaches: filter web, never: [FORWARD, nat POSTROUTING]}}",
    "- {\(packet), expect: {answer: none, nat: none, mark: 0, queue: none, log: none, errno: none}}",
    "- {\(packet), expect: {conntrack: SYN_SENT}}", "- {\(packet), expect: {conntrack: {state: SYN_SENT, mark: 0, zone: 0}}}",
    "- {\(packet), expect: {counters: {web 1: 1, INPUT 2: [1, 40], INPUT policy: 0}}}",
    "- {\(packet), repeat: 3, expect: {verdict: local, counters: {web 1: 3}}}",
    "- {\(packet), expect: {packet: {src: 10.0.0.9, dport: 80, ttl: 64, flags: S}}}",
    "- eth1 tcp 10.0.1.9:1000 > 10.0.0.1:80 S => drop", "- eth1 tcp 10.0.1.9:1000 > 10.0.0.1:80 S => drop INPUT",
    "- {\(datagram), expect: {verdict: reject, answer: icmp 3/3, log: 'udp '}}", "- {\(datagram), expect: {answer: {type: 3}}}",
    "- {\(outward), expect: {verdict: sent eth2, out: eth2, rule: nat POSTROUTING 1}}",
    "- {\(outward), expect: {nat: {source: 198.51.100.1}}}",
    "- {\(outward), expect: {nat: {source: '198.51.100.1:1000', destination: ':53'}}}",
    "- {\(outward), expect: {packet: {src: 198.51.100.1, sport: 1000, ttl: 63}}}",
    "- {\(outward), expect: {conntrack: {status: [SRC_NAT, CONFIRMED]}}}",
    "- udp: eth0 10.0.0.9:1000 > 192.0.2.1:53", "- {ping: eth0 10.0.0.9 > 192.0.2.1, expect: sent eth2}",
    "- {handshake: eth0 10.0.0.9:1000 > 10.0.0.1:80, expect: {verdict: local, conntrack: ESTABLISHED}}",
    "- {handshake: eth1 10.0.1.9:1000 > 10.0.0.1:80, expect: drop INPUT}",
    "- {exchange: eth0 10.0.0.9:1000 > 192.0.2.1:80, expect: {verdict: sent eth2, conntrack: TIME_WAIT}}",
    "- {udp: eth0 10.0.0.9:1000 > 192.0.2.1:53, expect: {matches: FORWARD 2}}",
    "- local tcp 10.0.0.1:1000 > 10.0.0.9:80 S => sent eth0",
    "- {in: eth0, src: 10.0.0.9, dst: 10.0.0.1, proto: tcp, sport: 1, dport: 81, flags: S, expect: local}",
    "- wait: 5", "- {\(packet), wait: 3, expect: local}",
  ]) func hold(_ steps: String) { #expect(Self.failures(steps) == []) }

  @Test(arguments: [
    ("- eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S => drop", "drop | local"),
    ("- {\(packet), expect: {rule: web 2}}", "rule: web 2 | filter web 1 decided"),
    ("- {\(packet), expect: {rule: INPUT policy}}", "rule: INPUT policy | filter web 1 decided"),
    (
      "- {\(packet), expect: {matches: INPUT 1}}",
      "matches: INPUT 1 | matched: nat:PREROUTING:policy:1, filter:INPUT:rule:2, filter:web:rule:1, nat:INPUT:policy:1"
    ),
    ("- {\(packet), expect: {misses: web 1}}", "misses: web 1 | the rule matched"),
    ("- {\(packet), expect: {never: web}}", "never: web | reached: nat PREROUTING, filter INPUT, filter web, nat INPUT"),
    ("- {\(packet), expect: {out: eth1}}", "out: eth1 | local"),
    ("- {\(packet), expect: {packet: {dport: 81}}}", "packet dport: 81 | dport is 80"),
    ("- {\(packet), expect: {answer: tcp RA}}", "answer: tcp RA | the host did not answer"),
    ("- {\(packet), expect: {mark: 0x1/0xf}}", "mark: 0x1/0xf | 0x0"),
    ("- {\(packet), expect: {nat: {source: 1.2.3.4}}}", "nat source: 1.2.3.4 | the connection is not translated"),
    ("- {\(packet), expect: {conntrack: none}}", "conntrack: none | the packet belongs to a connection in SYN_SENT"),
    (
      "- {\(packet), expect: {conntrack: ESTABLISHED}}",
      "conntrack: ESTABLISHED | state SYN_SENT, status CONFIRMED,SRC_NAT_DONE,DST_NAT_DONE"
    ),
    ("- {\(packet), expect: {queue: 3}}", "queue: 3 | none"), ("- {\(packet), expect: {log: udp}}", "log: udp | nothing was logged"),
    ("- {\(packet), expect: {errno: EPERM}}", "errno: EPERM | none"),
    ("- {\(packet), expect: {counters: {web 1: 2}}}", "counters: 2 | 1 packets, 40 bytes"),
    (
      "- {handshake: eth1 10.0.1.9:1000 > 10.0.0.1:80, expect: accept}",
      "accept | tcp 10.0.1.9:1000>10.0.0.1:80 S: drop INPUT by filter:INPUT:policy:5"
    ),
    ("- {handshake: eth0 10.0.0.9:1000 > 10.0.0.1:80, expect: drop}", "drop | local"),
    ("- reply: SA", "the step can run | there is no host that can reply: there is no previous packet"),
    (
      "- handshake: eth1 10.0.1.9:1000 > 10.0.0.1:80\n- reply: SA",
      "the step can run | there is no host that can reply: the previous packet did not arrive; its verdict is drop INPUT by filter:INPUT:policy:5"
    ),
  ]) func fail(_ steps: String, _ message: String) { #expect(Self.failures(steps) == [message]) }

  @Test func aSenderHasAControlGroup() {
    let text = """
      rules: |
        *filter
        :OUTPUT DROP [0:0]
        -A OUTPUT -m cgroup --path system.slice/web.service -j ACCEPT
        COMMIT
      tests:
        - name: t
          steps:
            - local cgroup=system.slice/web.service udp 10.0.0.1:1 > 10.0.0.9:2 => sent eth0
            - local cgroup=system.slice/other.service udp 10.0.0.1:1 > 10.0.0.9:2 => drop OUTPUT
            - local udp 10.0.0.1:1 > 10.0.0.9:2 => unknown
            - {local: {cgroup: system.slice/web.service/worker}, src: 10.0.0.1, dst: 10.0.0.9, expect: sent eth0}

      """
    let test = Suites.run(text).tests.first
    #expect(test?.outcome == .passed, "\(test?.steps.flatMap(\.failures).map { "\($0.expected) | \($0.actual)" } ?? [])")
    let verified = Verifier(runner: TestRunner(registry: .ferrule)) { LabResult(name: $0.name, error: "not asked") }.verify([
      Suites.read(text)
    ])[0].tests[0]
    #expect(verified.outcome == .broken)
  }

  @Test func whyNotNamesTheFirstPartThatDoesNotFit() throws {
    func why(_ step: String) -> [String] {
      Suites.run(Self.head + "      \(step)\n").tests[0].steps.flatMap(\.failures).flatMap(\.whyNot)
    }
    #expect(
      why("- {packet: eth1 tcp 10.0.1.9:1000 > 10.0.0.1:85 S, expect: {rule: web 1}}").last
        == "at INPUT the rule did not match: -s 10.0.0.0/24: it is 10.0.1.9")
    #expect(
      why("- {packet: eth1 tcp 10.0.1.9:1000 > 10.0.0.1:85 S, expect: {rule: web 2}}").last
        == "at INPUT the rule did not match: -m mark --mark 0x5: meta.mark is 0x0, not 0x5")
    #expect(
      why("- {packet: eth0 tcp 10.0.0.9:1000 > 10.0.0.1:91 S, expect: {rule: web 1}}").last
        == "at INPUT the packet did not reach web: INPUT rule 2 jumps there and did not match: "
        + "-m tcp --dport 80:90: transport.dport is 91, not 80 to 90")
    #expect(
      why("- {packet: eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S, expect: {rule: INPUT 4}}").last
        == "at INPUT the rule was not reached; the packet was decided by filter web 1 (-A web -s 10.0.0.0/24 -m comment --comment \"near by\" -j ACCEPT); the rule would not match: -p udp: it is tcp"
    )
    #expect(
      why("- {packet: eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S, expect: {rule: INPUT 1}}").last
        == "at INPUT the rule did not match: -m conntrack --ctstate ESTABLISHED: ct.state is NEW, not ESTABLISHED")
    #expect(
      why("- {packet: eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S, expect: {rule: FORWARD 1}}").last
        == "no packet reached the table filter")
  }
}
