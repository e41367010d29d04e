import Diagnostics
import Documents
import Evaluator
import Scenarios
import TestSupport
import Testing
import Wire
import XTables

/// Hosts of many interfaces, addresses, routes, rules and sockets: the time they take grows with their size, not with its square.
@Suite struct HostSizeTests {
  private static let count = 2300

  /// A host with as many of one kind as about 64 KB of YAML hold.
  private static let kinds: [(name: String, head: String, line: @Sendable (Int) -> String)] = [
    ("interfaces", "interfaces:", { "  e\($0): [10.\($0 >> 8).\($0 & 255).1/24]" }),
    ("addresses", "interfaces:\n  e0:", { "    - 10.\($0 >> 8).\($0 & 255).1/24" }),
    ("rules", "rules:", { "  - from 10.\($0 >> 8).\($0 & 255).0/24 table 100" }),
    ("neighbours", "interfaces: {e0: [10.0.0.1/8]}\nneighbours:\n  e0:", { "    10.1.\($0 >> 8).\($0 & 255): none" }),
    ("sockets", "sockets:", { "  - {port: \($0 + 1)}" }),
    ("routes to interfaces", "interfaces: {e0: [10.0.0.1/8]}\nroutes:", { "  - 20.\($0 >> 8).\($0 & 255).0/24 dev e0" }),
    ("routes to gateways", "interfaces: {e0: [10.0.0.1/8]}\nroutes:", { "  - 20.\($0 >> 8).\($0 & 255).0/24 via 10.0.0.2" }),
    ("added links", "setup:", { "  - link add e\($0) type dummy" }),
    (
      "addresses and routes in turn", "interfaces: {e0: [10.0.0.1/8]}\nsetup:",
      { "  - \($0 % 2 == 0 ? "addr add 11.\($0 >> 8).\($0 & 255).1/24 dev e0" : "route add 20.\($0 >> 8).\($0 & 255).0/24 via 10.0.0.2")" }
    ),
  ]

  /// Three seconds without optimisation; each of these took longer when every change had the routes derived or the interfaces searched.
  @Test(arguments: kinds.indices) func manyOfAKindTakeLittleTime(_ index: Int) throws {
    let kind = Self.kinds[index]
    let text = kind.head + "\n" + (0..<Self.count).map { kind.line($0) + "\n" }.joined()
    let file = SourceFile(name: "host.yaml", bytes: Array(text.utf8))
    let used = try ThreadTime.seconds {
      let host = try Host(yaml: file)
      #expect(host.devices.count + host.rules.count + host.routes.count + host.sockets.count > 4)
      _ = host.addressType(.v4(.loopback), on: nil)
    }
    #expect(used < 3, "\(kind.name)")
  }

  /// What `ip -j addr` prints is one line.
  @Test func aListingOfManyLinksTakesLittleTime() throws {
    let links = (0..<Self.count).map { number in
      """
      {"ifname":"e\(number)","flags":["UP"],"mtu":1500,"address":"02:00:00:00:00:01","addr_info":\
      [{"family":"inet","local":"10.\(number >> 8).\(number & 255).1","prefixlen":24,"scope":"global"}]}
      """
    }
    let file = SourceFile(name: "addr.json", bytes: Array("[\(links.joined(separator: ","))]".utf8))
    let used = try ThreadTime.seconds {
      let host = try Host(addressListing: file)
      #expect(host.devices.count == Self.count + 1)
      #expect(host.device(named: "e2299")?.addresses.first?.prefixLength == 24)
    }
    #expect(used < 5)
  }

  /// Behind thousands of characters of several bytes a place is still that of the byte.
  @Test func aPlaceOnALongLineIsThatOfTheByte() throws {
    let lead = #"{"sockets": [{"name": ""# + String(repeating: "ä", count: 3000) + #"", "port": ""#
    let file = SourceFile(name: "host.json", bytes: Array((lead + #"none"}]}"#).utf8))
    let error = #expect(throws: ScenarioFileError.self) { try Host(yaml: file) }
    #expect(error.map { Int($0.range.lowerBound) } == lead.utf8.count - 1)
  }

  /// The way to a gateway follows from the lines before: longest prefix, metric, rules, and which interfaces are up.
  @Test func aGatewayIsFoundByWhatStandsBefore() throws {
    let host = try Host(yaml: "interfaces: {e0: [10.0.0.1/24], e1: [10.0.1.1/24], e2: [10.0.2.1/24]}")
    for line in [
      "route add 20.0.0.0/8 dev e0", "route add 20.1.0.0/16 dev e2 metric 9", "route add 20.1.0.0/16 dev e1 metric 5",
      "route add 20.1.0.0/16 dev e0 tos 4", "rule add to 20.2.0.0/16 table 7", "route add 20.2.0.0/16 dev e2 table 7",
      "route add 1.0.0.0/8 via 20.1.0.1", "route add 2.0.0.0/8 via 20.2.0.1", "route add 3.0.0.0/8 via 20.3.0.1", "link set e1 down",
      "route add 4.0.0.0/8 via 20.1.0.1", "addr add 20.3.0.1/24 dev e2", "route add 5.0.0.0/8 via 20.3.0.2",
    ] { try host.apply(ipCommand: line) }
    let outputs = host.routes.filter { $0.gateway != nil }.map { $0.output?.name }
    #expect(outputs == ["e1", "e2", "e0", "e2", "e2"])
  }
}
