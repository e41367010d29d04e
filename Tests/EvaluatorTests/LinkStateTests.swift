import Diagnostics
import Evaluator
import Scenarios
import TestSupport
import Testing
import Wire
import XTables

/// Routes over a link that is down. The expected routes are those of `ip route get` of a kernel with these listings.
@Suite struct LinkStateTests {
  private static let addresses = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
        inet 127.0.0.1/8 scope host lo
    2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
        link/ether 1a:41:1f:81:6a:64 brd ff:ff:ff:ff:ff:ff
        inet 203.0.113.5/24 scope global eth0
        inet6 2001:db8:1::1/64 scope global nodad
    3: eth1@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN
        link/ether 9e:17:0d:6e:a7:61 brd ff:ff:ff:ff:ff:ff
        inet 10.0.0.1/24 brd 10.0.0.255 scope global eth1
        inet6 2001:db8:2::1/64 scope global nodad
    """
  private static let addressesInJSON = #"""
    [{"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"addr_info":[{"local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
     {"ifname":"eth0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"address":"1a:41:1f:81:6a:64","addr_info":[
       {"local":"203.0.113.5","prefixlen":24},{"local":"2001:db8:1::1","prefixlen":64}]},
     {"ifname":"eth1","flags":["NO-CARRIER","BROADCAST","MULTICAST","UP"],"address":"9e:17:0d:6e:a7:61","addr_info":[
       {"local":"10.0.0.1","prefixlen":24,"broadcast":"10.0.0.255"},{"local":"2001:db8:2::1","prefixlen":64}]}]
    """#

  /// - Parameter flags: those of the routes over eth1, by family.
  private static func routes(_ narrow: String, _ wide: String) -> [String] {
    [
      """
      default via 203.0.113.7 dev eth0
      10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.1 \(narrow)
      198.51.100.0/24
      \tnexthop via 10.0.0.80 dev eth1 weight 1 \(narrow)
      \tnexthop via 203.0.113.7 dev eth0 weight 1
      198.51.101.0/24
      \tnexthop via 10.0.0.80 dev eth1 weight 1 \(narrow)
      \tnexthop via 10.0.0.81 dev eth1 weight 1 \(narrow)
      203.0.113.0/24 dev eth0 proto kernel scope link src 203.0.113.5
      """,
      """
      2001:db8:1::/64 dev eth0 proto kernel metric 256 pref medium
      2001:db8:2::/64 dev eth1 proto kernel metric 256 \(wide) pref medium
      default via 2001:db8:1::7 dev eth0 metric 1024 pref medium
      """,
    ]
  }

  private static func routesInJSON(_ narrow: String, _ wide: String) -> [String] {
    [
      """
      [{"dst":"default","gateway":"203.0.113.7","dev":"eth0","flags":[]},
       {"dst":"10.0.0.0/24","dev":"eth1","protocol":"kernel","scope":"link","prefsrc":"10.0.0.1","flags":[\(list(narrow))]},
       {"dst":"198.51.100.0/24","flags":[],"nexthops":[{"gateway":"10.0.0.80","dev":"eth1","weight":1,"flags":[\(list(narrow))]},
        {"gateway":"203.0.113.7","dev":"eth0","weight":1,"flags":[]}]},
       {"dst":"198.51.101.0/24","flags":[],"nexthops":[{"gateway":"10.0.0.80","dev":"eth1","weight":1,"flags":[\(list(narrow))]},
        {"gateway":"10.0.0.81","dev":"eth1","weight":1,"flags":[\(list(narrow))]}]}]
      """,
      """
      [{"dst":"2001:db8:2::/64","dev":"eth1","protocol":"kernel","metric":256,"flags":[\(list(wide))],"pref":"medium"},
       {"dst":"default","gateway":"2001:db8:1::7","dev":"eth0","metric":1024,"flags":[],"pref":"medium"}]
      """,
    ]
  }

  private static func list(_ flags: String) -> String { flags.split(separator: " ").map { "\"\($0)\"" }.joined(separator: ", ") }

  private static func way(_ host: Host, _ destination: String) throws -> String {
    guard let answer = host.outputRoute(Flow(to: try #require(IPAddress(destination)))) else { return "unknown" }
    return "\(answer.type) \(answer.output?.name ?? "none")"
  }

  private static func expect(_ host: Host, ignoresIPv4: Bool, ignoresIPv6: Bool) throws {
    let expected = [
      ("10.0.0.80", "unicast \(ignoresIPv4 ? "eth0" : "eth1")"), ("10.0.0.255", ignoresIPv4 ? "unicast eth0" : "broadcast eth1"),
      ("10.0.0.1", "local lo"), ("198.51.101.1", ignoresIPv4 ? "unicast eth0" : "unknown"),
      // The kernel shared the packets out before it ignored the link, or after: some of them may still go there.
      ("198.51.100.1", "unknown"),
      ("2001:db8:2::80", "unicast \(ignoresIPv6 ? "eth0" : "eth1")"), ("2001:db8:2::1", "local lo"),
    ]
    for (destination, way) in expected { #expect(try Self.way(host, destination) == way, "\(destination)") }
  }

  @Test(arguments: ["linkdown", "dead linkdown"], ["linkdown", "dead linkdown"])
  func flagsOfRoutesSayWhetherTheyAreUsed(_ narrow: String, _ wide: String) throws {
    for host in [
      try Host(ipAddresses: Self.addresses, ipRoutes: Self.routes(narrow, wide)),
      try Host(ipAddresses: Self.addressesInJSON, ipRoutes: Self.routesInJSON(narrow, wide)),
    ] { try Self.expect(host, ignoresIPv4: narrow.hasPrefix("dead"), ignoresIPv6: wide.hasPrefix("dead")) }
  }

  @Test(arguments: [
    ("net.ipv4.conf.all.ignore_routes_with_linkdown", true, false), ("net.ipv4.conf.eth1.ignore_routes_with_linkdown", true, false),
    ("net.ipv4.conf.eth0.ignore_routes_with_linkdown", false, false), ("net.ipv6.conf.all.ignore_routes_with_linkdown", false, true),
    ("net.ipv6.conf.eth1.ignore_routes_with_linkdown", false, true), ("net.ipv6.conf.lo.ignore_routes_with_linkdown", false, false),
  ]) func theSysctlDecides(_ sysctl: String, _ ignoresIPv4: Bool, _ ignoresIPv6: Bool) throws {
    for flags in ["linkdown", ""] {
      let host = try Host(ipAddresses: Self.addresses, ipRoutes: Self.routes(flags, flags))
      host.sysctls[sysctl] = 1
      try Self.expect(host, ignoresIPv4: ignoresIPv4, ignoresIPv6: ignoresIPv6)
    }
  }

  /// Writing `all` of IPv6 changes every interface, so it comes first wherever it stands in a listing.
  @Test func aListingOfSysctlsIsOrdered() throws {
    let host = try Host(ipAddresses: Self.addresses, ipRoutes: Self.routes("linkdown", "linkdown"))
    let listing = "net.ipv6.conf.eth1.ignore_routes_with_linkdown = 0\nnet.ipv6.conf.all.ignore_routes_with_linkdown = 1\n"
    try host.setSysctls(ofListing: SourceFile(name: "sysctl", bytes: Array(listing.utf8)))
    try Self.expect(host, ignoresIPv4: false, ignoresIPv6: false)
  }

  /// A link that is up but not ready (dormant) is also printed with NO-CARRIER.
  @Test func aDormantLinkHasACarrier() throws {
    let addresses = Self.addresses.replacing("<NO-CARRIER,BROADCAST,MULTICAST,UP>", with: "<NO-CARRIER,BROADCAST,MULTICAST,UP,LOWER_UP>")
    let host = try Host(ipAddresses: addresses, ipRoutes: Self.routes("", ""))
    host.sysctls["net.ipv4.conf.all.ignore_routes_with_linkdown"] = 1
    #expect(try Self.way(host, "10.0.0.80") == "unicast eth1")
  }

  @Test(arguments: ["routes: [10.9.0.0/16 dev eth1 dead linkdown]", "routes: [10.9.0.0/16 dev eth1]\n\(ignoring)"])
  func aDescriptionStatesIt(_ rest: String) throws {
    let host = try Host(yaml: "interfaces: {eth0: [203.0.113.5/24], eth1: {addresses: [10.0.0.1/24], carrier: false}}\n\(rest)\n")
    #expect(try Self.way(host, "10.9.0.1") == "unreachable none")
    #expect(try Self.way(host, "10.0.0.80") == "unreachable none")
    #expect(try Self.way(host, "10.0.0.1") == "local lo")
  }

  private static let ignoring = "sysctls: {net.ipv4.conf.eth1.ignore_routes_with_linkdown: 1}"

  /// The gateway may be behind a link that is down. Kernel: `fib_check_nh_v4_gw` with `FIB_LOOKUP_IGNORE_LINKSTATE`.
  @Test func aGatewayBehindTheLinkIsAccepted() throws {
    let host = try Host(
      yaml: """
        interfaces: {eth0: [203.0.113.5/24], eth1: {addresses: [10.0.0.1/24], carrier: false}}
        routes: [default via 203.0.113.7 dev eth0, 10.9.0.0/16 via 10.0.0.80 dev eth1 dead linkdown]
        """)
    #expect(try Self.way(host, "10.9.0.1") == "unicast eth0")
  }

  /// The route back to a source is found though the link is down. Kernel: `rpfilter_lookup_reverse`.
  @Test func theRouteBackIgnoresTheLink() throws {
    let host = try Host(ipAddresses: Self.addresses, ipRoutes: Self.routes("dead linkdown", "dead linkdown"))
    for source in ["10.0.0.99", "2001:db8:2::99"] {
      let address = try #require(IPAddress(source))
      #expect(host.routeBack(to: address, from: nil, mark: 0, output: nil)?.output?.name == "eth1")
      #expect(try Self.way(host, source) == "unicast eth0")
    }
  }
}
