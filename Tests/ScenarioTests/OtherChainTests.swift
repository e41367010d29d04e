import Diagnostics
import Suites
import Testing

/// Chains at hooks beside the rules: a packet that passes one that may drop or change it has an unknown verdict.
@Suite struct OtherChainTests {
  private static func result(_ chains: String, verdict: String, packet: String) -> [String] {
    let text = """
      host:
        interfaces: {eth0: [10.0.0.1/24], eth1: [10.0.1.1/24]}
        sysctls: {net.ipv4.ip_forward: 1}
        chains: [\(chains)]
      rules: |
        *filter
        -A FORWARD -p tcp --dport 25 -j DROP
        COMMIT
      tests:
        - name: a packet
          steps: [{packet: "\(packet)", expect: {verdict: \(verdict)}}]

      """
    let result = Suites.run(text)
    if let problem = result.diagnostics.first { return ["\(problem.message)"] }
    let test = result.tests[0]
    return (test.steps.flatMap(\.failures) + test.failures).map { "\($0.expected) | \($0.actual)" }
  }

  private static let web = "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S"
  private static let mail = "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:25 S"
  private static func chain(_ hook: String, _ priority: Int, _ more: String = ", may: drop", family: String = "inet") -> String {
    "{family: \(family), table: firewalld, chain: c, hook: \(hook), priority: \(priority)\(more)}"
  }

  @Test(arguments: [
    (chain("FORWARD", 10), "unknown", web), (chain("FORWARD", 10), "drop", mail), (chain("FORWARD", -1), "unknown", mail),
    (chain("FORWARD", 10, ""), "accept", web), (chain("INPUT", 0), "accept", web), (chain("FORWARD", 10, family: "ip6"), "accept", web),
    (chain("POSTROUTING", 300, ", may: change"), "unknown", web),
    (chain("ingress", 0, ", may: drop, devices: [eth1]", family: "netdev"), "accept", web),
    (chain("ingress", 0, ", may: drop, devices: [eth0]", family: "netdev"), "unknown", mail),
  ]) func theVerdictFollowsTheOrderOfPriorities(_ chains: String, _ verdict: String, _ packet: String) {
    #expect(Self.result(chains, verdict: verdict, packet: packet) == [])
  }

  @Test(arguments: [
    ("{family: inet, table: t, chain: c, hook: input}", "`input' is not a hook"),
    ("{family: arp, table: t, chain: c, hook: INPUT}", "`arp' is not a family"), ("{family: inet, table: t, hook: INPUT}", "chain"),
    ("{family: inet, table: t, chain: c, hook: INPUT, may: explode}", "`explode' is not what a chain may do"),
  ]) func mistakesAreNamed(_ chains: String, _ told: String) {
    #expect(Self.result(chains, verdict: "accept", packet: Self.web).contains { $0.contains(told) })
  }
}
