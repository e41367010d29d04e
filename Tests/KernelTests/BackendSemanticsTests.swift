import Extensions
import KernelLab
import Lab
import Scenarios
import TestSupport
import Testing
import XTables

/// Where the same rules mean something else in nf_tables than in ip_tables: engine and kernel agree on each, and the two differ.
@Suite(.asRoot, .serialized) struct BackendSemanticsTests {
  private static let scenarios = [
    // A packet too short for the flags: xt_tcp drops it, an expression only fails.
    #"""
    {"rules": "*raw\n-A PREROUTING -p tcp -m tcp --tcp-flags SYN,ACK SYN\nCOMMIT\n", "steps": [
    {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "tcp", "l4": "03e800500000000100"}]}
    """#,
    // The ports of the same packet can be compared.
    #"""
    {"rules": "*filter\n-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n", "steps": [
    {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "tcp", "l4": "03e800500000000100"}]}
    """#,
    // iptables-nft writes no test of all ports, inverted or not.
    #"""
    {"rules": "*filter\n-A FORWARD -p udp -m udp ! --sport 0:65535\nCOMMIT\n", "steps": [
    {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "udp"}]}
    """#,
    // The header of a truncated packet: nf_tables finds no protocol, and the rule ends.
    #"""
    {"rules6": "*filter\n-A FORWARD -p udp\nCOMMIT\n", "steps": [
    {"in": "eth0", "src": "fd00::9", "dst": "fd01::9", "proto": 51}]}
    """#,
    // An Authentication header is the transport header of nf_tables.
    #"""
    {"rules6": "*filter\n-A FORWARD -p udp -j DROP\nCOMMIT\n", "steps": [
    {"in": "eth0", "src": "fd00::9", "dst": "fd01::9", "proto": 51, "l4": "110400000000010100000001090909090909090909090909"}]}
    """#,
    // A match that drops a packet: only nf_tables traces the rule.
    #"""
    {"rules": "*filter\n-A FORWARD -p 33 -m dccp\nCOMMIT\n", "steps": [
    {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": 33}]}
    """#,
    // nat comes before security at INPUT.
    #"""
    {"rules": "*nat\n-A INPUT -j ACCEPT\nCOMMIT\n*security\n-A INPUT -j DROP\nCOMMIT\n*raw\n-A PREROUTING -m conntrack --ctstate NEW\nCOMMIT\n",
     "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1", "proto": "udp"}]}
    """#,
    // A rule that no packet reaches is checked too.
    #"""
    {"rules": "*filter\n-A INPUT -j DROP\n-A INPUT -j CLASSIFY --set-class 1:2\nCOMMIT\n", "steps": []}
    """#,
  ]

  private static let topology = #""topology": {"ifaces": {"eth0": ["10.0.0.1/24", "fd00::1/64"], "eth1": ["10.0.1.1/24", "fd01::1/64"]}}, "#

  @Test(arguments: scenarios) func theKernelSaysTheSame(_ text: String) throws {
    let line = "{" + Self.topology + text.replacing("\n", with: " ").dropFirst()
    let engine = LabEngine(registry: .ferrule)
    let kernel = KernelLab(registry: .ferrule)
    var answers: [LabResult] = []
    for usesNfTables in [false, true] {
      var scenario = try Scenario(line: line)
      scenario.usesNfTables = usesNfTables
      let (ours, theirs) = (engine.play(scenario), kernel.answer(scenario))
      if ours.error == nil || theirs.error == nil {
        let differences = LabComparison(scenario).differences(theirs.json, ours.json, limit: 3)
        #expect(differences.isEmpty, "\(usesNfTables ? "nf_tables" : "ip_tables"): \(differences)")
      }
      answers.append(ours)
    }
    #expect(answers[0].json != answers[1].json, "both backends say the same: the scenario shows nothing")
  }
}
