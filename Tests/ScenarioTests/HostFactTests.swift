import Diagnostics
import Extensions
import Lab
import Scenarios
import Suites
import Testing

@Suite("What a test judges beyond the rules")
struct HostFactTests {
  /// Runs a suite and returns what failed.
  private static func failures(_ text: String) -> [String] {
    let result = Suites.run(text)
    if let problem = result.diagnostics.first { return ["\(problem.message)"] }
    return result.tests.flatMap { test in
      [test.reason].compactMap(\.self) + (test.steps.flatMap(\.failures) + test.failures).map { "\($0.expected) | \($0.actual)" }
    }
  }

  private static func masquerade(_ host: String, _ packet: String, _ expectation: String) -> [String] {
    failures(
      """
      rules: "*nat\\n-A POSTROUTING -j MASQUERADE\\nCOMMIT\\n"
      rules6: "*nat\\n-A POSTROUTING -j MASQUERADE\\nCOMMIT\\n"
      host: \(host)
      tests: [{name: t, steps: [{packet: "\(packet)", expect: \(expectation)}]}]

      """)
  }

  /// The values are those of the running kernel (`ferrule verify`).
  @Test(arguments: [
    // No address anywhere.
    (
      "{interfaces: {wg0: [], pods: []}, routes: [10.50.0.0/16 dev wg0, 10.244.0.0/24 dev pods]}",
      "pods udp 10.244.0.7:1 > 10.50.1.1:53", "{verdict: drop POSTROUTING}"
    ),
    // Only an address of the host's scope.
    (
      "{interfaces: {wg0: [], pods: []}, setup: [addr add 10.8.0.1/24 dev wg0 scope host], routes: [10.50.0.0/16 dev wg0]}",
      "pods udp 10.244.0.7:1 > 10.50.1.1:53", "{verdict: drop POSTROUTING}"
    ),
    (
      "{interfaces: {ppp0: [100.64.3.9 peer 100.64.0.1/32], pods: [10.244.0.1/24]}, routes: [default dev ppp0]}",
      "pods udp 10.244.0.7:1 > 198.51.100.9:53", "{verdict: sent ppp0, nat: {source: 100.64.3.9}}"
    ),
    // The newest of equal addresses; the label of the destination decides before the common prefix.
    (
      #"{interfaces: {eth0: ["2001:db8:1::1/64", "2001:db8:2::1/64"], pods: ["fd00:1::1/64"]}, routes: [default via fe80::1 dev eth0]}"#,
      "pods udp [fd00:1::7]:1 > [2001:db8:9::1]:53", #"{verdict: sent eth0, nat: {source: "2001:db8:2::1"}}"#
    ),
    (
      #"{interfaces: {eth0: ["2001:db8:1::1/64", "fd00::1/64"], pods: ["fd00:1::1/64"]}, routes: [default via fe80::1 dev eth0]}"#,
      "pods udp [fd00:1::7]:1 > [a000::1]:53", #"{verdict: sent eth0, nat: {source: "2001:db8:1::1"}}"#
    ),
  ]) func masqueradeTakesTheKernelsAddress(_ host: String, _ packet: String, _ expectation: String) {
    #expect(Self.masquerade(host, packet, expectation) == [])
  }

  private static let bridge = """
    host:
      interfaces: {eth0: {master: br0}, vnet0: {master: br0}}
      setup: [link add br0 type bridge, link set br0 up, addr add 192.0.2.10/24 dev br0]
      sysctls: {net.bridge.bridge-nf-call-iptables: 0}
    rules: "*filter\\n:FORWARD DROP [0:0]\\nCOMMIT\\n"
    tests:
      - name: t
        steps:
          - eth0 smac=52:54:00:00:00:77 dmac=52:54:00:00:00:07 tcp 192.0.2.77:40000 > 192.0.2.20:22 S

    """

  @Test func aFrameThatPassesNoHookHasAVerdict() {
    let text = String(Self.bridge.dropLast())
    #expect(Self.failures(text + " => sent br0\n") == [])
    #expect(Self.failures(text + " => drop FORWARD\n") == ["drop FORWARD | sent br0"])
  }

  @Test func aPacketWithoutARouteHasAVerdict() {
    let text =
      "host: {interfaces: {eth0: [192.0.2.1/24]}, routes: []}\ntests: [{name: t, steps: ['local udp 192.0.2.1:1 > 198.51.100.1:9 => refused']}]\n"
    #expect(Self.failures(text) == [])
  }

  /// A reset that OUTPUT drops is no answer, and an error that it drops makes no reject of a drop.
  @Test(arguments: [("ACCEPT", "tcp RA", "reject INPUT"), ("DROP", "none", "drop INPUT")])
  func anAnswerCountsWhereItLeft(_ policy: String, _ answer: String, _ verdict: String) {
    let text = """
      mode: stack
      host: {interfaces: {eth0: [192.0.2.10/24]}, routes: [default via 192.0.2.1 dev eth0]}
      rules: "*filter\\n:OUTPUT \(policy) [0:0]\\n-A INPUT -p udp -j REJECT\\nCOMMIT\\n"
      tests:
        - name: t
          steps:
            - {packet: eth0 tcp 203.0.113.9:40000 > 192.0.2.10:81 S, expect: {verdict: local, answer: \(answer)}}
            - eth0 udp 203.0.113.9:40000 > 192.0.2.10:81 => \(verdict)

      """
    #expect(Self.failures(text) == [])
  }

  /// Which next hop the kernel chooses depends on a secret key, so nothing can differ.
  @Test func anUnknownPathIsNoDisagreement() throws {
    let reading = Suites.read(
      """
      host:
        interfaces: {eth0: [192.0.2.10/24], isp2: [198.51.100.10/24]}
        routes: [default nexthop via 192.0.2.1 dev eth0 weight 1 nexthop via 198.51.100.1 dev isp2 weight 1]
      tests: [{name: t, steps: ['local udp 192.0.2.10:1 > 203.0.113.9:9 => sent eth0']}]

      """)
    let verifier = Verifier(runner: TestRunner(registry: .ferrule)) { LabResult(name: $0.name) }
    let result = verifier.verify([reading])[0].tests[0]
    #expect(result.outcome == .broken && result.reason?.contains("2 next hops") == true)
    #expect(Self.failures(String(decoding: reading.file.bytes, as: UTF8.self)).first?.hasPrefix("sent eth0 | unknown: ") == true)
  }

  /// The list of connections is gone over once per tick of 4 ms. With this phase a tick begins between the first and the second packet.
  @Test(arguments: [("0", "drop FORWARD"), ("0.00399", "sent eth1")]) func connectionsAreCollectedOnceATick(
    _ phase: String, _ verdict: String
  ) {
    let text = """
      clock: 1700000000
      host:
        tick_phase: \(phase)
        interfaces: {eth0: [10.0.0.1/24], eth1: [10.0.1.1/24]}
      rules: |
        *filter
        -A FORWARD -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 1 --connlimit-mask 32 -j DROP
        COMMIT
      tests:
        - name: t
          steps:
            - eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S seq=100
            - wait 0.00001
            - eth1 tcp 10.0.1.9:80 > 10.0.0.9:1000 RA seq=0 ack=101
            - wait 0.00001
            - eth0 tcp 10.0.0.9:1001 > 10.0.1.9:80 S seq=100 => \(verdict)

      """
    #expect(Self.failures(text) == [])
  }
}
