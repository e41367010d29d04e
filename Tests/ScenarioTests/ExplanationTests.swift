import Diagnostics
import Suites
import Testing

/// What a packet's report tells: its state in connection tracking, why it is INVALID, which table was not asked, and the sets of rules.
@Suite("Explanations of a packet's path")
struct ExplanationTests {
  private static let masquerade = """
    rules: |
      *nat
      -A POSTROUTING -s 10.244.1.0/24 -o eth0 -j MASQUERADE
      COMMIT
    host:
      interfaces: {eth0: [10.1.0.10/24], cni0: [10.244.1.1/24]}
      routes: [default via 10.1.0.1 dev eth0]
    tests:
      - name: t
        steps:

    """
  private static let connection = """
          - cni0 tcp 10.244.1.7:40000 > 198.51.100.80:80 S seq=1000 win=64240
          - eth0 tcp 198.51.100.80:80 > 10.1.0.10:40000 SA seq=5000 ack=1001 win=64240
          - cni0 tcp 10.244.1.7:40000 > 198.51.100.80:80 A seq=1001 ack=5001 win=500

    """

  /// The packets that follow a connection (or none), and what their reports must tell.
  @Test(arguments: [
    (
      true,
      """
      {packet: eth0 tcp 198.51.100.80:80 > 10.1.0.10:40000 PA seq=305000 ack=1001 payload="late", expect: {verdict: local, ctstate: INVALID, conntrack: none, report: "sequence number 305000 is over the window, which ends at 5501"}}
      """
    ),
    (
      true,
      """
      {packet: cni0 tcp 10.244.1.7:40000 > 198.51.100.80:80 A seq=1001 ack=9001 win=500, expect: {ctstate: INVALID, report: ["acknowledgment 9001 is of data that was not sent: the other side has sent up to 5001 (over by 4000)", "nat: not asked: the packet is INVALID"]}}
      """
    ),
    (
      true,
      """
      {packet: cni0 tcp 10.244.1.7:40000 > 198.51.100.80:80 PA seq=1001 ack=5001 win=500 payload="x", expect: {verdict: sent eth0, ctstate: ESTABLISHED, report: "nat: not asked: only the first packet of a connection passes the nat table"}}
      """
    ),
    (
      false,
      """
      {packet: cni0 tcp 10.244.1.7:40000 > 198.51.100.80:80 SF, expect: {ctstate: INVALID, report: "the TCP flags FS do not fit together"}}
      """
    ),
    (
      false,
      """
      {packet: cni0 tcp 10.244.1.7:40000 > 198.51.100.80:80 R, expect: {ctstate: INVALID, report: "belongs to no connection and cannot start one"}}
      """
    ),
    (
      false,
      """
      {packet: cni0 icmp 10.244.1.7 > 198.51.100.80 echo-reply, expect: {ctstate: INVALID, report: "ICMP type 0: a message that answers no tracked request"}}
      """
    ),
    (false, "{packet: cni0 udp 10.244.1.7:1 > 198.51.100.80:2, expect: {ctstate: NEW, nat: {source: 10.1.0.10}}}"),
  ]) func theStateAndItsReasonAreTold(_ follows: Bool, _ step: String) throws {
    let result = Suites.run(Self.masquerade + (follows ? Self.connection : "") + "      - \(step)\n")
    #expect(result.isPassed, "\(result)")
  }

  /// A wrong claim fails and says what is so.
  @Test func wrongClaimsFail() throws {
    for claim in ["ctstate: ESTABLISHED", "ctstate: none", "report: nonsense", "why: {nat POSTROUTING 1: nonsense}"] {
      let result = Suites.run(Self.masquerade + "      - {packet: eth0 udp 10.1.0.7:1 > 10.1.0.10:2, expect: {\(claim)}}\n")
      #expect(!result.isPassed, "\(claim)")
    }
    let reading = Suites.read(Self.masquerade + "      - {packet: eth0 udp 10.1.0.7:1 > 10.1.0.10:2, expect: {ctstate: SOMETHING}}\n")
    #expect(reading.diagnostics.first?.message == "`SOMETHING' is not a state")
  }

  /// A nat table whose rules need no connection tracking is not asked.
  @Test func aTableThatIsNeverAskedIsTold() {
    let result = Suites.run(
      """
      rules: |
        *nat
        -A PREROUTING -j MARK --set-mark 1
        COMMIT
      host: {interfaces: {eth0: [10.1.0.10/24]}}
      tests:
        - name: t
          steps:
            - packet: eth0 udp 10.1.0.7:1 > 10.1.0.10:2
              expect: {mark: 0, ctstate: none, report: "nat: not asked: nothing is tracked", misses: nat PREROUTING 1}
        - name: once something is tracked
          rules: |
            *nat
            -A PREROUTING -j MARK --set-mark 1
            COMMIT
            *raw
            -A PREROUTING -p udp --dport 9 -j NOTRACK
            COMMIT
            *filter
            -A INPUT -m conntrack --ctstate INVALID -j DROP
            COMMIT
          steps:
            - packet: eth0 udp 10.1.0.7:1 > 10.1.0.10:2
              expect: {mark: 1, ctstate: NEW}
            - packet: eth0 udp 10.1.0.7:1 > 10.1.0.10:9
              expect: {mark: 0, ctstate: UNTRACKED, conntrack: none, report: "nat: not asked: the packet is not tracked"}
      """)
    #expect(result.isPassed, "\(result)")
  }

  /// A rule is named with its sets, whether it matches or not.
  @Test func setsAreNamed() {
    let result = Suites.run(
      """
      host: {interfaces: {eth0: [10.1.0.10/24]}}
      ipsets: |
        create office hash:net
        add office 192.0.2.0/24
      rules: |
        *filter
        :INPUT DROP [0:0]
        -A INPUT -m set --match-set office src -j ACCEPT
        COMMIT
      tests:
        - name: t
          steps:
            - packet: eth0 tcp 203.0.113.9:1 > 10.1.0.10:22 S
              expect: {verdict: drop INPUT, misses: filter INPUT 1, why: {filter INPUT 1: "-m set --match-set office src"}}
            - packet: eth0 tcp 192.0.2.9:1 > 10.1.0.10:22 S
              expect: {verdict: local, report: "--match-set office src -j ACCEPT"}
      """)
    #expect(result.isPassed, "\(result)")
  }
}
