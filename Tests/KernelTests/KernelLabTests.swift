import Documents
import Extensions
import KernelLab
import Lab
import Scenarios
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct KernelLabTests {
  /// The kernel answers as it did when its answers were recorded; in namespaces that have been used before as in new ones.
  @Test(.needsSharedFolder) func theRecordedAnswersAreGivenAgain() throws {
    let lab = KernelLab(registry: .ferrule)
    let recordings = try LabRecording.all()
    for round in 1...2 {
      for recording in round == 1 ? recordings : recordings.reversed() where round == 1 || recording.scenario.name != "udp-stream" {
        let differences = KernelInquiry(recording.scenario).differences(recording.kernel, limit: 12) { lab.answer($0).json }
        #expect(differences.isEmpty, "\(recording.scenario.name)")
        print("\(recording.scenario.name): \(differences.isEmpty ? "agrees" : "differs")")
        for difference in differences { print("  \(difference)") }
      }
    }
  }

  private static let filter = """
    *filter
    :INPUT ACCEPT [0:0]
    :FORWARD ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    """

  private func answer(_ line: String) throws -> LabResult {
    KernelLab(registry: .ferrule).answer(try Scenario(line: line))
  }

  private func rules(_ lines: String) -> String {
    JSONValue.string("\(KernelLabTests.filter)\n\(lines)\nCOMMIT\n").description
  }

  @Test func whatCannotBePlayedIsAnsweredWithTheReason() throws {
    #expect(try answer(#"{"name": "x", "rules": \#(rules("-A FORWARD -j NOPE"))}"#).error?.contains("NOPE") == true)
    #expect(try answer(#"{"name": "x", "topology": {"ifaces": {"a": ["1.2.3.4/99"]}}}"#).error == "`1.2.3.4/99' is not an address")
    #expect(
      try answer(#"{"name": "x", "topology": {"ifaces": {"a": []}, "setup": ["route nonsense"]}}"#).error
        == "topology.setup[0]: `route nonsense': `route nonsense' is not supported")
    #expect(try answer(#"{"name": "x", "sysctl": {"net.ipv4.no_such": 1}}"#).error?.contains("/proc/sys/net/ipv4/no_such") == true)
    #expect(try answer(#"{"name": "x", "sysctl": {"kernel.panic": 1}}"#).error == "kernel.panic is not a sysctl of a network namespace")
    #expect(
      try answer(#"{"name": "x", "topology": {"setup": ["netns add y"]}}"#).error
        == "topology.setup[0]: `netns add y': `netns' is not supported")
    #expect(
      try answer(#"{"name": "x", "steps": [{"in": "eth9", "src": "1.1.1.1", "dst": "1.1.1.2"}]}"#).error == "there is no interface eth9")
    #expect(try answer(#"{"name": "x", "ipset": "nonsense"}"#).error?.hasPrefix("ipset: ") == true)
    #expect(KernelLab(registry: .ferrule).answer(line: "{").contains("\"error\": \"not JSON"))
  }

  @Test func packetsThatAreLostAreToldFromThoseDropped() throws {
    let result = try answer(
      #"""
      {"name": "x", "rules": \#(rules("-A FORWARD -d 10.0.1.66 -j DROP")), "steps": [
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "ttl": 1},
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "df": 1, "payload": {"len": 2000}},
       {"in": "eth0", "src": "10.0.0.9", "dst": "127.0.0.5"},
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.66"},
       {"in": "eth0", "hex": "4500"},
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "dmac": "02:00:00:00:00:77"},
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1"}]}
      """#)
    #expect(result.error == nil)
    #expect(result.steps.map(\.verdict.kind) == [.lost, .lost, .lost, .drop, .none, .none, .local])
    #expect(result.steps[3].verdict == LabVerdict(.drop, hook: "FORWARD", by: "filter:FORWARD:rule:1"))
    #expect(result.steps[0].egress.map(\.interface) == ["eth0"])
    #expect(result.steps[0].packets.map(\.origin) == [.own, .kernel])
  }

  /// Without conntrack fragments for this host are put together behind PREROUTING, and every one of them is seen there.
  @Test func fragmentsForThisHostAreAbsorbedBetweenHooks() throws {
    let result = try answer(
      #"""
      {"name": "x", "rules": \#(rules("")), "steps": [
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1", "dport": 2, "payload": {"len": 40}, "frag": {"off": 0, "len": 24, "mf": 1}},
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1", "dport": 2, "payload": {"len": 40}, "frag": {"off": 24}}]}
      """#)
    #expect(result.steps.map(\.verdict) == [LabVerdict(.absorbed), LabVerdict(.local)])
    #expect(result.steps[0].packets.map(\.hooks) == [["PREROUTING:in", "PREROUTING:out"]])
  }

  @Test func socketsConverse() throws {
    let result = try answer(
      #"""
      {"name": "x", "mode": "stack", "rules": \#(rules("")), "sockets": [{"name": "t", "port": 80}, {"name": "u", "proto": "udp", "port": 53}], "steps": [
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1", "sport": 7, "dport": 53, "payload": "q"},
       {"send": "u", "payload": "answer"},
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1", "proto": "tcp", "sport": 9, "dport": 80, "seq": 100},
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1", "proto": "tcp", "sport": 9, "dport": 80, "seq": "auto", "ack": "auto", "flags": "A"},
       {"send": "t#1", "payload": "hello"},
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1", "proto": "tcp", "sport": 9, "dport": 80, "seq": "auto", "ack": "auto", "flags": "FA"},
       {"close": "t#1", "fin": false}, {"send": "nobody", "payload": "x"}]}
      """#)
    #expect(result.error == nil)
    // When a mere acknowledgment goes out is a matter of time.
    let briefs = result.steps.map { step in
      (step.json["egress"]?.elements ?? []).compactMap { $0["brief"]?.text }.filter { !$0.hasSuffix(" A") }
    }
    #expect(
      briefs == [
        [], ["udp 10.0.0.1:53>10.0.0.9:7"], ["tcp 10.0.0.1:80>10.0.0.9:9 SA"], [], ["tcp 10.0.0.1:80>10.0.0.9:9 PA"], [],
        ["tcp 10.0.0.1:80>10.0.0.9:9 RA"], [],
      ])
    #expect(result.steps[0].json["sockets"]?.description == #"[{"socket": "u", "data": "71", "from": ["10.0.0.9", 7]}]"#)
    #expect(result.steps[5].json["sockets"]?.description == #"[{"socket": "t#1", "closed": true}]"#)
    #expect(result.steps[7].errno == "ENOENT")
  }

  @Test func aQueueGivesItsVerdictsInOrder() throws {
    let result = try answer(
      #"""
      {"name": "x", "rules": \#(rules("-A FORWARD -j NFQUEUE --queue-num 7")), "queues": {"7": ["accept", "drop", {"mark": 5}]}, "steps": [
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "repeat": 2}, {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9"},
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9"}]}
      """#)
    #expect(result.steps.map { $0.packets.map(\.verdict.kind) } == [[.sent, .drop], [.sent], [.sent]])
    #expect(result.steps.map { $0.packets.map(\.mark) } == [[0, 0], [5], [5]])
  }

  @Test func aHostOfIPv6AnswersInTheSameShape() throws {
    let result = try answer(
      #"""
      {"name": "x", "topology": {"ifaces": {"eth0": ["fd00::1/64"], "eth1": ["fd00:1::1/64"]}},
       "rules6": \#(rules("-A FORWARD -m conntrack --ctstate NEW\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset")), "steps": [
       {"in": "eth0", "src": "fd00::9", "dst": "fd00:1::9", "sport": 1, "dport": 2},
       {"in": "eth0", "src": "fd00::9", "dst": "fd00:1::9", "proto": "tcp", "sport": 1, "dport": 2},
       {"in": "eth0", "src": "fd00::9", "dst": "fd00:1::9", "dport": 2, "payload": {"len": 100}, "frag": {"off": 0, "len": 48, "mf": 1}},
       {"in": "eth0", "src": "fd00::9", "dst": "fd00:1::9", "dport": 2, "payload": {"len": 100}, "frag": {"off": 48}},
       {"sleep": 1.2}]}
      """#)
    #expect(result.error == nil)
    #expect(result.steps.map(\.verdict.kind) == [.sent, .drop, .absorbed, .sent, .none])
    #expect(
      result.steps[0].hits6 == [
        LabHit(table: "filter", chain: "FORWARD", rule: 1, count: LabCount(1, 48)),
        LabHit(table: "filter", chain: "FORWARD", rule: 0, count: LabCount(1, 48)),
      ])
    #expect(result.steps[1].json["egress"]?.elements?.map { $0["brief"]?.text } == ["tcp [fd00:1::9]:2>[fd00::9]:1 RA"])
    #expect(result.steps[0].events.count == 1)
    // The host says nothing of its own accord.
    #expect(result.steps[4].packets.isEmpty && result.steps[4].egress.isEmpty)
    #expect(result.counters.isEmpty && result.counters6.map(\.name) == ["filter"])
  }

  @Test func connectionsAreFoundWhereRulesSilenceTheirEvents() throws {
    let result = try answer(
      #"""
      {"name": "x", "rules": "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -j CT --ctevents destroy\nCOMMIT\n", "steps": [
       {"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "sport": 1, "dport": 2}]}
      """#)
    #expect(result.steps[0].events.isEmpty)
    #expect(result.connections?.count == 1)
  }
}
