import Conntrack
import Diagnostics
import Evaluator
import Extensions
import Syntax
import Testing
import Wire
import XTables

/// Answers to what this host broadcasts, which any host of the network may give.
@Suite struct BroadcastHelperTests {
  private func expectations(_ address: String, mayBroadcast: Bool = true) throws -> [ExpectationSnapshot] {
    try broadcast(address, mayBroadcast: mayBroadcast).expectations()
  }

  /// A host that has asked its network for a name.
  private func broadcast(_ address: String, mayBroadcast: Bool = true) throws -> Simulator {
    let host = Host()
    host.addDevice(named: "eth0", hardwareAddress: MACAddress(rawValue: 0x0200_0000_0001), hasNoARP: true)
    try host.apply(ipCommand: "addr add \(address) dev eth0")
    let text =
      "*raw\n-A OUTPUT -p udp --dport 137 -j CT --helper netbios-ns\nCOMMIT\n*filter\n-A INPUT -m conntrack --ctstate RELATED\nCOMMIT\n"
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(SourceFile(name: "rules", bytes: Array(text.utf8)))
    let simulator = try Simulator(host: host, rulesets: [parsed.ruleset])
    let source = try #require(IPAddress("10.0.0.1"))
    let destination = try #require(IPAddress("10.0.0.255"))
    var fields = PacketFields(source, destination)
    (fields.sourcePort, fields.destinationPort) = (137, 137)
    _ = simulator.send(try fields.packet(), by: LocalSender(mayBroadcast: mayBroadcast))
    return simulator
  }

  /// Any host of the network may answer, and more than one, but not for long.
  @Test func answersToABroadcastAreExpectedOnlyForAWhile() throws {
    let simulator = try broadcast("10.0.0.1/24 brd +")
    func answer(_ source: String) throws -> [ConnectionSnapshot] {
      var fields = PacketFields(try #require(IPAddress(source)), try #require(IPAddress("10.0.0.1")))
      (fields.sourcePort, fields.destinationPort) = (137, 137)
      _ = simulator.receive(try fields.packet(), on: "eth0")
      return simulator.connections()
    }
    let related = { (list: [ConnectionSnapshot]) in list.filter { $0.master != nil }.map(\.original.source.description) }
    #expect(related(try answer("10.0.0.50")) == ["10.0.0.50"])
    #expect(related(try answer("10.0.0.77")) == ["10.0.0.50", "10.0.0.77"])
    #expect(related(try answer("10.0.1.5")) == ["10.0.0.50", "10.0.0.77"])
    simulator.advance(nanoseconds: 3_500_000_000)
    #expect(simulator.expectations().isEmpty)
    #expect(related(try answer("10.0.0.99")).contains("10.0.0.99") == false)
  }

  @Test(arguments: ["10.0.0.1/24 brd 10.0.0.255", "10.0.0.1/24 brd +"]) func answersAreExpectedFromTheNetworkOfTheBroadcast(
    _ address: String
  ) throws {
    let expected = try #require(expectations(address).first).expectation
    #expect(expected.tuple.description == "udp 10.0.0.255:137>10.0.0.1:137")
    #expect(expected.mask.source.description == "255.255.255.0" && expected.sourceIDMask == .max)
    #expect(expected.flags == .permanent)
  }

  /// An address that was given none has no broadcast address that the helper would know, nor goes a packet out that may not be broadcast.
  @Test func answersFromOtherNetworksAreNotExpected() throws {
    #expect(try expectations("10.0.0.1/24").isEmpty)
    #expect(try expectations("10.0.0.1/24 brd 10.0.0.255", mayBroadcast: false).isEmpty)
  }
}
