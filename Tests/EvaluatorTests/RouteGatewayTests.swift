import Extensions
import KernelLab
import Lab
import Scenarios
import TestSupport
import Testing

/// Routes whose gateway the kernel accepts, and routes that it refuses because no link leads to the gateway.
@Suite struct RouteGatewayTests {
  private static func scenario(_ setup: [String]) throws -> Scenario {
    let commands = setup.map { "\"\($0)\"" }.joined(separator: ", ")
    let faces =
      #""eth0": ["10.0.0.1/24", "fd00::1/64", "fe80::5/64"], "eth1": ["10.0.1.1/24", "fd01::1/64"], "eth2": ["198.51.100.1/24"]"#
    return try Scenario(line: #"{"rules": "", "rules6": "", "topology": {"ifaces": {\#(faces)}, "setup": [\#(commands)]}, "steps": []}"#)
  }

  private static let accepted = [
    ["route add 203.0.113.6 via 10.0.0.9"], ["route add 203.0.113.6 via 10.0.0.1 dev eth0"],
    ["route add 203.0.113.6 via 10.9.1.9 dev eth2 onlink"], ["route add 203.0.113.6 via inet6 fd00::9 dev eth0"],
    ["addr add 10.9.0.1 peer 10.9.0.2/32 dev eth2", "route add 203.0.113.6 via 10.9.0.2 dev eth2"],
    ["route add 10.9.1.0/24 dev eth0 table 100", "route add 203.0.113.6 via 10.9.1.9 dev eth0 table 100"],
    [
      "route add 10.9.1.0/24 dev eth0 table 100", "rule add to 10.9.1.0/24 priority 1000 table 100",
      "route add 203.0.113.6 via 10.9.1.9 dev eth0",
    ],
    // The route that refuses is not nearer than a link.
    ["route add blackhole 10.0.0.9", "route add 203.0.113.6 via 10.0.0.9 dev eth0"],
    ["route add 2001:db8:9::6 via fd00::9"], ["route add 2001:db8:9::6 via fd00:: dev eth0"],
    ["route add 2001:db8:9::6 via fd07::1 dev eth0 onlink"], ["route add 2001:db8:9::6 via fe80::1 dev eth0"],
    ["route add blackhole fd00::9", "route add 2001:db8:9::6 via fd00::9 dev eth0"],
    ["route add fd07::/64 dev eth0 table 100", "route add 2001:db8:9::6 via fd07::9 dev eth0 table 100"],
  ]

  private static let refused = [
    ["route add default via 198.51.100.2", "route add 203.0.113.6 via 10.9.0.2 dev eth2"],
    ["route add 203.0.113.6 via 10.0.1.9 dev eth2"], ["route add 203.0.113.6 via 10.9.1.9"],
    ["route add 203.0.113.6 via 10.0.1.1 dev eth0"], ["route add 203.0.113.6 via 10.0.0.255 dev eth0"],
    ["route add 203.0.113.6 nexthop via 10.0.0.9 dev eth0 nexthop via 10.9.1.9 dev eth1"],
    ["route add 10.9.1.0/24 via 10.0.0.9", "route add 203.0.113.6 via 10.9.1.9 dev eth0"],
    ["route add 203.0.113.6 via inet6 fd09::9 dev eth0"], ["route add 203.0.113.6 via 10.0.0.9 dev eth0 scope link"],
    ["route add 10.9.1.0/24 dev eth0 table 100", "route add 203.0.113.6 via 10.9.1.9 dev eth0"],
    ["link set eth0 down", "route add 203.0.113.6 via 10.0.0.9 dev eth0"],
    ["rule add to 10.0.0.9 priority 1000 prohibit", "route add 203.0.113.6 via 10.0.0.9 dev eth0"],
    ["route add 2001:db8:9::6 via fd09::2 dev eth2"], ["route add 2001:db8:9::6 via fd01::2 dev eth0"],
    ["route add 2001:db8:9::6 via fd00::1 dev eth0"], ["route add 2001:db8:9::6 via fd00::1 dev eth1"],
    ["route add 2001:db8:9::6 via fe80::5 dev eth0"], ["route add 2001:db8:9::6 via ff02::1 dev eth0"],
    ["route replace 2001:db8:9::6 via fd07::9 dev eth0"],
    ["route add 2001:db8:9::6 nexthop via fd00::9 dev eth0 nexthop via fd07::9 dev eth1"],
    ["route add fd07::/64 dev eth0 table 100", "route add 2001:db8:9::6 via fd07::9 dev eth0"],
    ["-6 rule add to fd00::9 priority 1000 prohibit", "route add 2001:db8:9::6 via fd00::9 dev eth0 table 100"],
    ["route add fd00::9/128 via fd00::8 dev eth0", "route add 2001:db8:9::6 via fd00::9 dev eth0"],
  ]

  @Test("a gateway on a link is accepted", arguments: accepted) func accepts(_ setup: [String]) throws {
    #expect(LabEngine(registry: .ferrule).play(try Self.scenario(setup)).error == nil)
  }

  @Test("a gateway that no link leads to is refused", arguments: refused) func refuses(_ setup: [String]) throws {
    #expect(LabEngine(registry: .ferrule).play(try Self.scenario(setup)).error != nil)
  }

  @Test("the kernel accepts and refuses the same gateways", .asRoot) func kernelDecidesAlike() throws {
    let kernel = KernelLab(registry: .ferrule)
    for setup in Self.accepted { #expect(kernel.answer(try Self.scenario(setup)).error == nil, "\(setup)") }
    for setup in Self.refused { #expect(kernel.answer(try Self.scenario(setup)).error?.contains("failed: ") == true, "\(setup)") }
  }
}
