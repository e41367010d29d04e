import Documents
import Evaluator
import TestSupport
import Testing
import Wire
import XTables

@Suite("The host a ruleset stands on")
struct HostTests {
  static let router = """
    interfaces:
      lan: {addresses: [10.0.0.1/24, 2001:db8::1/64], mac: "02:00:00:00:00:10"}
      wan: {addresses: [198.51.100.1/24], mtu: 1400}
      spare: {addresses: [192.0.2.1/24], up: false}
    routes:
      - default via 198.51.100.254 dev wan
      - unreachable 172.16.0.0/12
      - 172.16.9.0/24 via 10.0.0.9
    sysctls: {net.ipv4.ip_forward: 1}
    sockets:
      - {proto: tcp, port: 80, uid: 33}
    """

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test(
    "a host routes by the longest prefix and derives connected routes from addresses",
    arguments: [
      ("10.0.0.9", "lan", AddressType.unicast), ("10.0.0.1", "lo", .local), ("127.5.5.5", "lo", .local),
      ("10.0.0.255", "lan", .broadcast), ("8.8.8.8", "wan", .unicast), ("172.16.9.1", "lan", .unicast),
    ])
  func routes(_ destination: String, _ output: String, _ type: AddressType) throws {
    let host = try Host(yaml: Self.router)
    let answer = try #require(host.outputRoute(Flow(to: try address(destination))))
    #expect(answer.output?.name == output)
    #expect(answer.type == type)
  }

  @Test("a destination without a route is unreachable, and an interface that is down has no route but to its own address")
  func aHostHasNoRouteThroughAnInterfaceThatIsDown() throws {
    let host = try Host(yaml: Self.router)
    #expect(host.outputRoute(Flow(to: try address("172.16.1.1")))?.type == .unreachable)
    #expect(host.outputRoute(Flow(to: try address("192.0.2.9")))?.output?.name == "wan")
    #expect(host.addressType(try address("192.0.2.1"), on: nil) == .local)
  }

  @Test("without routes a far destination is unknown")
  func aFarDestinationIsUnknownWithoutRoutes() throws {
    let host = try Host(yaml: "interfaces: {eth0: {addresses: [10.0.0.1/24]}}")
    #expect(host.outputRoute(Flow(to: try address("10.0.0.5")))?.output?.name == "eth0")
    #expect(host.outputRoute(Flow(to: try address("8.8.8.8"))) == nil)
  }

  @Test("a host is read from the JSON that ip prints")
  func aHostIsReadFromTheOutputOfIp() throws {
    let addresses = """
      [{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"address":"00:00:00:00:00:00",
        "addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
       {"ifindex":2,"ifname":"eth0","flags":["BROADCAST","MULTICAST","UP"],"mtu":1450,"address":"02:42:ac:11:00:02",
        "addr_info":[{"family":"inet","local":"172.17.0.2","prefixlen":16,"broadcast":"172.17.255.255","scope":"global"}]}]
      """
    let routes = """
      [{"dst":"default","gateway":"172.17.0.1","dev":"eth0","flags":[],"flow":{"from":"3","to":"5"}},
       {"dst":"172.17.0.0/16","dev":"eth0","protocol":"kernel","scope":"link","prefsrc":"172.17.0.2","flags":[]}]
      """
    let host = try Host(ipAddresses: addresses, ipRoutes: [routes])
    let answer = try #require(host.outputRoute(Flow(to: try address("9.9.9.9"))))
    #expect(answer.gateway?.description == "172.17.0.1")
    #expect(answer.preferredSource?.description == "172.17.0.2")
    #expect(answer.mtu == 1450)
    #expect(host.routes.first?.realms == 0x3_0005)
    #expect(host.addressType(try address("172.17.255.255"), on: nil) == .broadcast)
  }

  @Test(
    "a host file that is not understood is refused with the place",
    arguments: [
      "interfaces: {eth0: {addresses: [10.0.0.300/24]}}", "interfaces: [1, 2]", "networks: {}", "sysctls: {net.ipv4.ip_forward: b}", "- 1",
      ": :",
      "routes: [default via 10.0.0.1 dev none]", "routes: [default by magic]", "routes: [default via 127.0.0.2 realms 1/65536]",
      "routes: [default via 127.0.0.2 realm cosmos]", "sockets: [{proto: icmp, port: 1}]",
      "interfaces: {a-name-that-is-too-long: {}}",
    ])
  func refused(_ text: String) {
    #expect(throws: ScenarioFileError.self) { try Host(yaml: text) }
  }

  @Test("a host has the kernel's sysctls, and forwards by interface")
  func theHostHasTheKernelsSysctls() throws {
    let host = try Host(yaml: Self.router)
    #expect(host.sysctl("net.ipv4.ip_default_ttl") == 64)
    #expect(host.sysctl("net/ipv4/conf/lan/forwarding") == 1)
    #expect(host.sysctl("net.ipv4.no_such_thing") == nil)
    host.sysctls["net.ipv4.conf.lan.forwarding"] = 0
    #expect(host.sysctl("net.ipv4.conf.lan.forwarding") == 0)
    #expect(host.sysctl("net.ipv4.conf.wan.forwarding") == 1)
  }
}
