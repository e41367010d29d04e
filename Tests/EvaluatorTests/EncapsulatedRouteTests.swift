import Evaluator
import TestSupport
import Testing
import Wire
import XTables

/// Routes whose packets are encapsulated (`encap`), as iproute2 prints them: the way of their packets is unknown, that of others is not.
@Suite struct EncapsulatedRouteTests {
  private static let addresses =
    #"[{"ifname":"eth0","flags":["UP","LOWER_UP"],"addr_info":[{"local":"10.0.0.1","prefixlen":24},{"local":"2001:db8::1","prefixlen":64}]}]"#
  private static let text = [
    """
    default via 10.0.0.254 dev eth0
    10.4.0.0/24 dev eth0 scope link features ecn rto_min lock 20ms
    10.5.0.0/24 via inet6 2001:db8::5 dev eth0
    10.7.0.0/24
    \tnexthop  encap mpls  100 via 10.0.0.2 dev eth0 weight 1
    \tnexthop via 10.0.0.3 dev eth0 weight 1
    10.8.0.0/24  encap ip id 100 src 0.0.0.0 dst 10.0.0.7 ttl 0 tos 0 dev eth0 scope link
    10.9.0.0/24  encap mpls  100/200 via 10.0.0.2 dev eth0
    """,
    """
    2001:db8:9::/64  encap seg6 mode encap segs 2 [ fc00::1 fc00::2 ] dev eth0 metric 1024 pref medium
    2001:db8:a::/64  encap seg6local action End.X nh6 2001:db8::9 dev eth0 metric 1024 pref medium
    default via 2001:db8::2 dev eth0 metric 1024 pref medium
    """,
  ]
  private static let json = [
    """
    [{"dst":"default","gateway":"10.0.0.254","dev":"eth0","flags":[]},
     {"dst":"10.4.0.0/24","dev":"eth0","scope":"link","flags":[],"metrics":[{"ecn":null,"rto_min":20},{"mtu":1300}]},
     {"dst":"10.5.0.0/24","via":{"family":"inet6","host":"2001:db8::5"},"dev":"eth0","flags":[]},
     {"dst":"10.7.0.0/24","flags":[],"nexthops":[{"encap":"mpls","dst":"100","gateway":"10.0.0.2","dev":"eth0","weight":1,"flags":[]},
      {"gateway":"10.0.0.3","dev":"eth0","weight":1,"flags":[]}]},
     {"dst":"10.8.0.0/24","encap":"ip","id":100,"src":"0.0.0.0","dst":"10.0.0.7","ttl":0,"tos":0,"dev":"eth0","scope":"link","flags":[]},
     {"dst":"10.9.0.0/24","encap":"mpls","dst":"100/200","gateway":"10.0.0.2","dev":"eth0","flags":[]}]
    """,
    """
    [{"dst":"2001:db8:9::/64","encap":"seg6","mode":"encap","segs":["fc00::1","fc00::2"],"dev":"eth0","metric":1024,"flags":[]},
     {"dst":"2001:db8:a::/64","encap":"seg6local","action":"End.X","nh6":"2001:db8::9","dev":"eth0","metric":1024,"flags":[]},
     {"dst":"default","gateway":"2001:db8::2","dev":"eth0","metric":1024,"flags":[]}]
    """,
  ]

  @Test(arguments: [text, json]) func theirPacketsAreUnknown(_ routes: [String]) throws {
    let host = try Host(ipAddresses: Self.addresses, ipRoutes: routes)
    func answer(_ destination: String) throws -> (gateway: String?, mtu: Int)? {
      host.outputRoute(Flow(to: try #require(IPAddress(destination)))).map { ($0.gateway?.description, $0.mtu) }
    }
    for destination in ["10.7.0.1", "10.8.0.1", "10.9.0.1", "2001:db8:9::1", "2001:db8:a::1"] {
      #expect(try answer(destination) == nil, "\(destination)")
    }
    let others = [
      ("10.0.0.7", nil), ("10.6.0.1", "10.0.0.254"), ("10.5.0.1", "2001:db8::5"), ("10.4.0.1", nil), ("2001:db8:b::1", "2001:db8::2"),
    ]
    for (destination, gateway) in others { #expect(try #require(try answer(destination)).gateway == gateway, "\(destination)") }
    #expect(try #require(try answer("10.4.0.1")).mtu == (routes == Self.json ? 1300 : 1500))
  }

  @Test func aDescriptionStatesThem() throws {
    let host = try Host(yaml: "interfaces: {eth1: [10.1.0.1/24]}\nroutes: [10.9.0.0/24 encap mpls 100/200 via 10.1.0.2 dev eth1]\n")
    #expect(host.routes.contains { $0.encapsulation == "mpls" })
    for text in ["10.9.0.0/24 dev eth1 encap mpls 100", "10.9.0.0/24 encap mpls 100", "10.9.0.0/24 encap ../x dev eth1"] {
      #expect(throws: HostError.self) { try host.route(text: text) }
    }
  }
}
