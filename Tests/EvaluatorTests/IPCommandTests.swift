import Evaluator
import Testing
import Wire
import XTables

/// Lines for `ip` become values, or errors: nothing of a line is passed over, and nothing traps.
@Suite struct IPCommandTests {
  private static func host() throws -> Host {
    let host = Host()
    for (index, name) in ["eth0", "eth1"].enumerated() {
      host.addDevice(named: name, hardwareAddress: MACAddress(rawValue: 0x0200_0000_0000 + UInt64(index)))
      let address = try #require(Host.Address("10.0.\(index).1/24"))
      host.updateDevice(named: name) { $0.addresses.append(address) }
    }
    return host
  }

  @Test(arguments: [
    "link add br0 type bridge", "link add name br0 type bridge mcast_snooping 0 stp_state 0", "link add d0 mtu 1400 type dummy",
    "link set eth0 down", "link set dev eth0 mtu 1400 address 02:00:00:00:00:09", "link set eth0 arp on group 7 txqueuelen 10",
    "l s eth0 up",
    "link set eth0 master eth1", "link set eth0 nomaster", "addr add 10.9.0.1/24 dev eth0", "a a fd00::1/64 dev eth1 nodad",
    "addr add 10.9.0.1/24 brd + dev eth0 label eth0 scope link valid_lft forever",
    "addr add 10.9.0.1 peer 10.9.0.2/32 dev eth0 noprefixroute",
    "addr del 10.0.0.1/24 dev eth0", "route add default via 10.0.0.254 dev eth0", "-6 route add default dev eth0", "r a 10/8 dev eth0",
    "ro add unreachable 172.16.0.0/12 metric 9", "route add 192.0.2.0/24 via inet6 fe80::1 dev eth0 onlink",
    "route replace default dev eth1 table 100",
    "route add local 192.0.2.0/24 dev lo table 100",
    "route add default mtu lock 1400 dev eth0 tos 0x10 realms 1/2 src 10.0.0.1 proto static",
    "route add default nexthop via 10.0.0.9 dev eth0 weight 3 nexthop via 10.0.1.9 onlink", "route del default",
    "rule add pref 0x64 from 10/8 to 10.0.0.0/24 not fwmark 0x1/0xff iif eth0 oif eth1 tos 10 lookup main suppress_prefixlength 0",
    "ru a ipproto tcp sport 1-2 dport 53 uidrange 0-99 goto 0200", "-6 rule add from fd00::/8 prohibit", "rule del pref 32767",
    "neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent", "n replace 10.0.0.9 dev eth0 nud failed",
    "neigh del 10.0.0.9 dev eth0",
    "route\tadd\t default  dev eth0",
  ]) func areUnderstood(_ line: String) throws {
    _ = try IPCommand(line)
    if !line.contains("fd00::/8") { try Self.host().apply(ipCommand: line) }
  }

  /// What `ip` would take for another command, what it runs, what it writes, and what is left to guess.
  @Test(arguments: [
    "", " ", "-4", "vrf exec default true", "vrf e default true", "net exec a true", "netns exec a true", "netns add a",
    "-n a link set eth0 up",
    "-netns a addr add 10.9.0.1/24 dev eth0", "-batch /tmp/x", "-b /tmp/x", "-force link set eth0 up", "-all netns exec true",
    "tuntap add t mode tap",
    "tunnel add t", "xfrm state flush", "monitor all", "link", "link show", "link del eth0", "link set", "link set eth0 nonsense",
    "link set eth0 up extra",
    "link set eth0 netns 1", "link set eth0 xdp obj /tmp/x", "link set eth0 name eth9", "link set eth0 alias", "link set eth0 mtu",
    "link set eth0 mtu 0",
    "link set eth0 mtu 99999999999", "link set eth0 mtu +9", "link set eth0 group x", "link set eth0 master", "link set eth0 master ../x",
    "link set eth0 arp maybe", "link add", "link add x", "link add x type vrf table 1", "link add x type veth peer name y",
    "link add x type bridge mcast_snooping 1",
    "link add link eth0 name x type vlan id 1", "link add eth%d type dummy", "link add a/b type dummy", "link add . type dummy",
    "link add a:b type dummy",
    "link add abcdefghijklmnop type dummy", "addr", "addr add", "addr add dev eth0", "addr add 10.0.0.1/24", "addr add / dev eth0",
    "addr add 10.0.0.1/ dev eth0",
    "addr add /24 dev eth0", "addr add 10.0.0.1/33 dev eth0", "addr add 10.0.0.1/-1 dev eth0", "addr add 10.0.0.1/+8 dev eth0",
    "addr add 10.0.0.1/8/8 dev eth0",
    "addr add 10.0.0.1/99999999999999999999 dev eth0", "addr add 10.9.0.1/24 dev eth0 valid_lft 10",
    "addr add 10.9.0.1/24 peer fd00::1 dev eth0",
    "addr add 10.9.0.1/24 brd - dev eth0", "addr add fd00::1/64 brd + dev eth0", "addr add 10.9.0.1/24 scope 9 dev eth0",
    "addr flush dev eth0",
    "addr add 10.9.0.1/24 10.9.0.2/24 dev eth0", "route", "route add", "route add /", "route add //", "route add 10.0.0.1/ dev eth0",
    "route add /24 dev eth0",
    "route add . dev eth0", "route add .../8 dev eth0", "route add 10./8 dev eth0", "route add 300/8 dev eth0", "route add ::/129 dev eth0",
    "route add : dev eth0",
    "route add default via / dev eth0", "route add default via", "route add default dev", "route add default dev eth0 extra",
    "route add default weight 1",
    "route add default nexthop weight 0", "route add default nexthop weight 256", "route add default dev eth0 table 4294967296",
    "route add default dev eth0 table /",
    "route add default dev eth0 realm /", "route add default dev eth0 realm 1/2/3", "route add default dev eth0 realm 65536",
    "route add default dev eth0 tos x",
    "route add default dev eth0 mtu lock", "route add default dev eth0 mtu 4294967295", "route flush table main", "route save",
    "route restore",
    "route add default dev eth0 encap bpf in obj /tmp/x", "rule", "rule show", "rule add from /", "rule add from", "rule add to 10.0.0.1/",
    "rule add fwmark /",
    "rule add fwmark 1/", "rule add fwmark 1/2/3", "rule add fwmark -1", "rule add tos 0x+1", "rule add pref 4294967296",
    "rule add table -1", "rule add goto x",
    "rule add suppress_prefixlength 129", "rule add ipproto 256", "rule add sport 2-1", "rule add sport -", "rule add dport 65536",
    "rule add uidrange 1-",
    "rule add from 10.0.0.0/8 to fd00::/8", "-4 rule add from fd00::/8", "rule add iif a/b", "rule add nonsense", "rule restore", "neigh",
    "neigh add /",
    "neigh add 10.0.0.9", "neigh add 10.0.0.9 dev", "neigh add 10.0.0.9 dev eth0 nud x", "neigh add 10.0.0.9 lladdr x dev eth0",
    "neigh flush all",
    "link set eth0 up\nvrf exec default true", "link set eth0 up\rvrf exec default true", "link set eth0 up\r\nnetns add a",
    "link set eth0 up\u{0B}netns add a",
    "link set eth0 up\u{0C}netns add a", "link set eth0 up\0netns add a", "link set eth0 up;netns add a", "link set eth0 up\u{2028}netns",
    "link set eth0 \\\nup",
    "link set eth0 up # nothing", "route add default dev eth0\nnetns add a", "route add default\u{A0}dev eth0",
  ]) func areRefused(_ line: String) throws {
    let error = #expect(throws: HostError.self) { _ = try IPCommand(line) }
    #expect(error?.place == line)
    // What is quoted drives no terminal.
    #expect(error?.reason.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } == true)
  }

  @Test(arguments: [
    "route add default", "addr add 10.9.0.1/24 dev eth9", "link set eth9 up", "link set 'eth0' up", "link set \"eth0\" up",
    "neigh add 10.0.0.9 dev eth9", "rule del pref 7", "route add 1.2.3.4 dev eth9",
  ])
  func areRefusedByAHostThatHasNoSuchThing(_ line: String) throws {
    let host = try Self.host()
    #expect(throws: HostError.self) { try host.apply(ipCommand: line) }
  }

  private static let vocabulary = [
    "-4", "-6", "link", "addr", "route", "rule", "neigh", "add", "del", "set", "replace", "dev", "eth0", "lo", "type", "bridge", "mtu",
    "via", "nexthop", "weight",
    "table", "from", "to", "fwmark", "realms", "src", "peer", "brd", "+", "-", "/", "//", "10/8", "10.0.0.1/", "/24", "::", "::/0", "0/0",
    "10.0.0.1/2", "4294967295",
    "4294967296", "18446744073709551616", "-1", "0x", "0x/", "1-", "-1-", ".", "..", "default", "all", "lladdr", "nud", "goto", "sport",
    "uidrange", "up", "master",
    "unreachable", "local", "scope", "metric", "tos", "pref", "lookup", "onlink", "group", "address", "02:00:00:00:00:01", "e\u{301}", "\0",
    "\n", "0",
  ]

  @Test func randomWordsTrapNowhere() throws {
    var random = SeededRandom(seed: 10)
    var understood = 0
    for _ in 0..<40_000 {
      let host = try Self.host()
      var words: [String] = []
      for _ in 0..<Int.random(in: 0..<9, using: &random) { words += [Self.vocabulary.randomElement(using: &random) ?? ""] }
      // Half of them begin as a command does.
      if Bool.random(using: &random) {
        words = [["route", "rule", "addr", "link", "neigh"].randomElement(using: &random) ?? "", "add"] + words
      }
      if (try? host.apply(ipCommand: words.joined(separator: " "))) != nil {
        understood += 1
        _ = host.outputRoute(Flow(to: .v4(IPv4Address(rawValue: 0x0A00_0009))))
      }
      if let word = words.last { _ = try? host.route(text: word) }
    }
    #expect(understood > 100)
  }

  /// As the kernel's `ip -o -4 addr` printed them. Without `promote_secondaries` the secondary addresses go with the primary one.
  @Test(arguments: [
    (0, "del 10.1.1.1/24", ["10.2.1.1", "10.2.1.4"]), (0, "del 10.1.1.2/24", ["10.1.1.1", "10.2.1.1", "10.1.1.3", "10.2.1.4"]),
    (1, "del 10.1.1.1/24", ["10.2.1.1", "10.1.1.2", "10.1.1.3", "10.2.1.4"]),
    (1, "add 10.3.1.1/24", ["10.1.1.1", "10.2.1.1", "10.3.1.1", "10.1.1.2", "10.1.1.3", "10.2.1.4"]),
  ]) func secondaryAddressesFollowTheirPrimary(_ promote: Int, _ change: String, _ expected: [String]) throws {
    let host = Host()
    host.addDevice(named: "eth0", hardwareAddress: MACAddress(rawValue: 0))
    host.sysctls["net.ipv4.conf.eth0.promote_secondaries"] = promote
    let given = ["10.1.1.1", "10.2.1.1", "10.1.1.2", "10.1.1.3", "10.2.1.4"].map { "addr add \($0)/24 dev eth0" }
    for line in given + ["addr \(change) dev eth0"] { try host.apply(ipCommand: line) }
    #expect(host.device(named: "eth0")?.addresses.map(\.address.description) == expected)
  }
}
