import Diagnostics
import Extensions
import Snapshots
import Suites
import Testing
import XTables

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

/// The rules of such chains in the words of nft(8).
@Suite struct NativeRuleTests {
  private static func failures(
    _ rules: [String], _ packet: String, verdict: String, policy: String = "accept", sets: String = ""
  ) -> [String] {
    let lines = rules.map { "'\($0)'" }.joined(separator: ", ")
    let text = """
      host:
        interfaces: {eth0: [10.0.0.1/24], eth1: [10.0.1.1/24]}
        sysctls: {net.ipv4.ip_forward: 1}
        chains: [{family: inet, table: t, chain: c, hook: FORWARD, priority: 10, policy: \(policy), may: drop}]
        nftables:
          - family: inet
            table: t
            sets: {\(sets)}
            chains:
              c: [\(lines)]
              d: [accept]
      tests:
        - name: a packet
          steps: [{packet: "\(packet)", expect: {verdict: \(verdict)}}]

      """
    let result = Suites.run(text)
    if let problem = result.diagnostics.first { return ["\(problem.message)"] }
    return result.tests[0].steps.flatMap(\.failures).map { "\($0.expected) | \($0.actual)" }
  }

  private static let web = "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S"

  /// What a rule does is certain unless the packet reaches something unknown, and passes the known tests of its rule.
  @Test(arguments: [
    (["tcp dport 80 drop"], "drop"), (["tcp dport 81 drop"], "accept"), (["udp dport 80 drop"], "accept"),
    (["tcp dport != 81 drop"], "drop"),
    (["unknown \"the expression x\" drop"], "unknown"), (["tcp dport 81 unknown \"the expression x\" drop"], "accept"),
    (["tcp dport 80 accept", "unknown \"the expression x\" drop"], "accept"), (["jump d", "drop"], "accept"),
    (["ip saddr @s drop"], "drop"),
    (["iifname \"eth*\" oifname \"eth1\" drop"], "drop"), (["ip daddr { 10.0.1.0/24 } drop"], "drop"),
    (["ct state new drop"], "drop"), (["ct state established,related accept", "drop"], "drop"), (["ip6 saddr ::/0 drop"], "accept"),
    (["tcp dport vmap { 80 : drop }"], "drop"), (["tcp dport vmap { 1-79 : drop, 81-90 : drop }"], "accept"),
    (["return", "drop"], "accept"),
    // A later test that fails excludes the packet, whatever an unknown test says, but not behind a change.
    (["unknown test \"the expression x\" drop"], "unknown"), (["unknown test \"the expression x\" tcp dport 81 drop"], "accept"),
    (["unknown test \"the expression x\" meta mark 5 tcp dport 80 drop"], "accept"),
    (["unknown test \"the expression x\" accept", "drop"], "unknown"), (["unknown \"the expression x\" tcp dport 81 drop"], "unknown"),
    (["unknown \"the expression x\" tcp dport 81"], "unknown"), (["unknown test \"x\" meta mark set 5 tcp dport 81"], "unknown"),
    (["tcp dport 81 unknown test \"x\" meta mark set 5", "drop"], "drop"), (["unknown \"x\" tcp dport vmap { 81 : drop }"], "unknown"),
    (["unknown test \"x\" tcp dport vmap { 81 : drop }"], "accept"), (["unknown test \"x\" tcp dport vmap { 80 : drop }"], "unknown"),
    (["ip saddr @other drop"], "unknown"), (["meta length 40-60 drop"], "drop"), (["meta skuid 0 drop"], "unknown"),
  ]) func aRuleIsEvaluated(_ rules: [String], _ verdict: String) {
    #expect(Self.failures(rules, Self.web, verdict: verdict, sets: "s: 'ip saddr { 10.0.0.0/24, 192.0.2.1 }'") == [])
  }

  @Test func thePolicyDecidesAtTheEnd() {
    #expect(Self.failures([], Self.web, verdict: "drop", policy: "drop") == [])
  }

  @Test(arguments: [
    ("tcp dport eighty drop", "`eighty' is no value of tcp dport"), ("tcp dport 70000 drop", "`70000' is no value"),
    ("tcp dport { 80 drop", "a comma is missing"), ("frobnicate", "`frobnicate' is not known"), ("drop drop", "follows the end"),
    ("jump e", "which the table does not have"), ("jump c", "lead in a loop"), ("ip saddr 10.0.0.1/8 drop", "is no value of ip saddr"),
    ("limit rate fast drop", "`fast' is no rate"),
  ]) func mistakesAreNamed(_ rule: String, _ told: String) {
    let actual = Self.failures([rule], Self.web, verdict: "drop")
    #expect(actual.contains { $0.contains(told) }, "\(actual)")
  }

  /// Rules of which text and meaning are equal to what nft(8) prints.
  @Test(arguments: [
    "tcp dport 22 accept", "ip saddr 10.0.0.0/8 drop", "iifname \"eth*\" accept", "ct state established,related accept",
    "tcp flags syn / fin,syn,rst,ack drop", "meta l4proto { tcp, udp } th dport 53 accept", "icmpv6 type nd-router-advert accept",
    "ip saddr . tcp dport { 10.0.0.1 . 22, 10.0.0.0/24 . 80-90 } accept", "ct state vmap { invalid : drop, established : accept }",
    "limit rate over 10/minute burst 3 packets drop", "log prefix \"in \\\"x\\\" \" level 6 flags 47",
    "meta mark set meta mark & 0xff ^ 0x1",
    "ip6 saddr fe80::/10 accept", "fib daddr type local accept", "ip saddr @blocked reject with icmpx admin-prohibited",
    "queue num 3 bypass", "@nh,96,32 0xa000001 drop", "meta nfproto ipv4 udp dport 5", "ct state ! invalid",
    "meta mark != { 0x1-0x5, 0x9 }",
    "tcp dport 9016 unknown \"the expression ct\" ct mark 0x7 accept", "unknown test \"the expression numgen\" tcp dport 22 drop",
    "goto \"a b\"", "ip saddr @ \"a b\" drop", "iifname 0x31323300000000000000000000000000 drop",
  ]) func theTextStaysTheSame(_ text: String) throws {
    #expect(try NativeRule(text: text, in: .inet).text(in: .inet) == text)
  }

  @Test func aRedactedSnapshotHidesAddressesAndNames() throws {
    var table = NativeTable(.inet, "acme")
    let texts = [
      "ip saddr 198.51.100.7 jump acme_in", "ip saddr @acme_set drop", "@nh,96,32 0xc6336407 drop", "ip protocol udp accept",
      "log prefix \"acme \" accept", "unknown \"the set acme_set, which is a map\" drop",
    ]
    let rules = try texts.map { try NativeRule(text: $0, in: .inet) }
    table.chains = [NativeTable.NativeChain(name: "acme_in", rules: rules)]
    table.sets["acme_set"] = try NativeSet(text: "ip saddr { 198.51.100.0/24 }", in: .inet)
    var snapshot = Snapshot(clock: 0)
    snapshot.tables = [table]
    let redacted = snapshot.redacted(key: (1, 2), registry: .ferrule)
    #expect(!redacted.document.contains("acme") && !redacted.document.contains("0xc6336407"), "\(redacted.document)")
    #expect(redacted.tables[0].chains[0].rules[3] == rules[3])
    #expect(redacted.tables[0].chains[0].rules[0].chains == [redacted.tables[0].chains[0].name])
  }
}
