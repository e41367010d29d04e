import Diagnostics
import Evaluator
import Extensions
import Lab
import Snapshots
import Suites
import TestSupport
import Testing
import Wire
import XTables

@Suite("Snapshots") struct SnapshotTests {
  static let links = """
    [{"ifname":"lo","link_type":"loopback","flags":["LOOPBACK","UP"],"addr_info":[{"local":"127.0.0.1","prefixlen":8},{"local":"::1","prefixlen":128}]},
    {"ifname":"eth0","link_type":"ether","address":"26:91:39:85:e7:91","mtu":1400,"flags":["UP"],"linkinfo":{"info_kind":"veth"},
    "addr_info":[{"local":"10.1.2.1","prefixlen":24},{"local":"2001:470:1::1","prefixlen":64},{"local":"fe80::2491:39ff:fe85:e791","prefixlen":64}]},
    {"ifname":"br0","link_type":"ether","address":"56:ec:11:f1:e3:6b","mtu":1500,"flags":["UP"],"linkinfo":{"info_kind":"bridge"},
    "addr_info":[{"local":"192.168.50.1","prefixlen":24}]},
    {"ifname":"port","link_type":"ether","address":"56:ec:11:f1:e3:6c","mtu":1500,"flags":["UP"],"master":"br0","addr_info":[]},
    {"ifname":"tun0","link_type":"none","mtu":1500,"flags":["POINTOPOINT"],"addr_info":[{"local":"10.9.0.1","address":"10.9.0.2","prefixlen":32}]}]
    """
  static let routes = """
    [{"dst":"default","gateway":"10.1.2.254","dev":"eth0","flags":[]},{"dst":"10.1.2.0/24","dev":"eth0","protocol":"kernel","scope":"link","prefsrc":"10.1.2.1","flags":[]},
    {"type":"local","dst":"10.1.2.1","dev":"eth0","table":"local","protocol":"kernel","scope":"host","flags":[]},
    {"type":"blackhole","dst":"198.18.0.0/15","flags":[]},{"dst":"8.8.4.0/24","gateway":"10.1.2.9","dev":"eth0","table":"100","metric":7,"metrics":[{"mtu":1300}],"flow":{"from":"3","to":"5"},"flags":["onlink"]},
    {"dst":"9.0.0.0/8","flags":[],"nexthops":[{"gateway":"10.1.2.3","dev":"eth0","weight":1,"flags":[]},{"gateway":"10.1.2.4","dev":"eth0","weight":1,"flags":[]}]}]
    """
  static let policy = """
    [{"priority":0,"src":"all","table":"local"},{"priority":5,"src":"10.1.2.128","srclen":25,"fwmark":"0x5","fwmask":"0xff","iif":"eth0","table":"100"},
    {"priority":6,"src":"10.66.0.0","srclen":16,"action":"blackhole","flow_to":"9"},{"priority":7,"not":null,"src":"all","ipproto":"udp","dport_start":53,"dport_end":54,"uid_start":5,"uid_end":9,"table":"main","suppress_prefixlen":0},{"priority":8,"src":"all","l3mdev":null},{"priority":32766,"src":"all","table":"main"}]
    """
  static let rules = """
    *filter
    :INPUT DROP [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    :ACME-VPN - [0:0]
    -A FORWARD -m set --match-set acme dst -m comment --comment "to Bob\\'s servers" -j ACCEPT
    -A FORWARD -s 10.1.2.0/24 -j ACME-VPN
    -A FORWARD -m mac --mac-source 26:91:39:85:E7:91 -m iprange --src-range 10.1.2.10-10.1.200.9 -j LOG --log-prefix "acme: "
    -A OUTPUT -m owner --uid-owner 33 -j ACCEPT
    -A ACME-VPN -d 8.8.8.8/32 -p udp -j DROP
    COMMIT

    """

  static var reader: SnapshotReader {
    var reader = SnapshotReader(clock: 1_700_000_000, registry: .ferrule)
    reader.read(links: links)
    reader.read(routes: routes, .ipv4)
    reader.read(
      routes:
        #"[{"dst":"fe80::/64","dev":"eth0","protocol":"kernel","metric":256,"flags":[]},{"dst":"default","gateway":"fe80::1","dev":"eth0","metric":1024,"flags":[]}]"#,
      .ipv6)
    reader.read(policy: policy, .ipv4)
    reader.read(sysctl: "net.ipv4.ip_forward", "1\n")
    reader.read(sysctl: "net.ipv4.conf.default.rp_filter", "0")
    reader.read(sysctl: "net.ipv4.conf.eth0.rp_filter", "0")
    reader.read(sysctl: "net.ipv4.conf.br0.rp_filter", "2")
    reader.read(sysctl: "net.netfilter.nf_conntrack_udp_timeout", "17")
    reader.read(sysctl: "net.netfilter.nf_conntrack_tcp_timeout_syn_sent", "120")
    reader.read(sysctl: "net.no.such", nil)
    reader.take(rules: rules, .ipv4)
    reader.take(
      ipsets:
        "create acme hash:net family inet hashsize 1024 maxelem 65536 comment\nadd acme 93.184.216.0/24 comment \"our customers\"\nadd acme 10.1.2.77\n"
    )
    reader.read(
      sockets: """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 00000000:1F98 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 11 1
           1: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1
           2: 0100007F:0036 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 13 1

        """, "tcp")
    reader.read(sockets: "x\n0: 00000000000000000000000000000000:1F98 00000000000000000000000000000000:0000 0A 0:0 0:0 0 33 0 1\n", "tcp")
    reader.read(names: "root:x:0:0::/:/bin/sh\nwww:x:33:33::/:\nalice:x:1000:1000::/:\nbroken\n", areGroups: false)
    return reader
  }

  @Test func aMachineIsWrittenDown() {
    let snapshot = Self.reader.snapshot
    #expect(snapshot.interfaces.map(\.name) == ["lo", "eth0", "port", "tun0"])
    #expect(snapshot.interfaces[1].mtu == 1400 && snapshot.interfaces[1].kind == "veth" && snapshot.interfaces[2].bridge == "br0")
    // `ip` lists the IPv6 address that was added last first.
    #expect(snapshot.interfaces[1].addresses == ["10.1.2.1/24", "fe80::2491:39ff:fe85:e791/64", "2001:470:1::1/64"])
    #expect(
      snapshot.setup == [
        "link add br0 type bridge", "link set dev br0 address 56:ec:11:f1:e3:6b", "addr add 192.168.50.1/24 dev br0", "link set dev br0 up",
        "addr add 10.9.0.1 peer 10.9.0.2/32 dev tun0", "rule del priority 32767 table default",
      ])
    #expect(
      snapshot.routes == [
        "blackhole 198.18.0.0/15", "default via 10.1.2.254 dev eth0",
        "8.8.4.0/24 via 10.1.2.9 dev eth0 table 100 metric 7 mtu 1300 realms 3/5 onlink",
        "9.0.0.0/8 nexthop via 10.1.2.3 dev eth0 weight 1 nexthop via 10.1.2.4 dev eth0 weight 1",
        "-6 default via fe80::1 dev eth0 metric 1024",
      ])
    #expect(
      snapshot.policy == [
        "from 10.1.2.128/25 fwmark 0x5/0xff iif eth0 priority 5 table 100", "from 10.66.0.0/16 priority 6 realms 9 blackhole",
        "not ipproto udp dport 53-54 uidrange 5-9 priority 7 table main suppress_prefixlength 0",
      ])
    #expect(
      snapshot.sysctls.map(\.name) == [
        "net.ipv4.ip_forward", "net.ipv4.conf.default.rp_filter", "net.ipv4.conf.br0.rp_filter", "net.netfilter.nf_conntrack_udp_timeout",
      ])
    #expect(snapshot.sockets?.map(\.port) == [8088, 53, 8088] && snapshot.sockets?.map(\.address) == ["0.0.0.0", "127.0.0.1", nil])
    #expect(snapshot.users == ["root": 0, "www": 33])
    #expect(snapshot.gaps == ["the routing rule of priority 8: `l3mdev' is not supported"])
    #expect(Self.reader.sysctlNames.contains("net.ipv4.conf.br0.rp_filter"))
  }

  /// Groups that every interface has joined are left out; a long name of an interface is cut in the list of filters, but not its number.
  @Test func multicastGroupsAreWrittenDown() throws {
    let igmp = """
      Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
      1\tlo        :     1      V3
      \t\t\t\t010000E0     1 0:00000000\t\t0
      4\twlp0s20f3u1:     3      V3
      \t\t\t\tFB0000E0     1 0:00000000\t\t0
      \t\t\t\t010101E8     1 0:00000000\t\t0
      \t\t\t\t010000E0     1 0:00000000\t\t0

      """
    let igmp6 = """
      1    lo              ff020000000000000000000000000001     1 0000000C 0
      4    wlp0s20f3u1     ff0200000000000000000000000000fb     1 00000004 0
      4    wlp0s20f3u1     ff0200000000000000000001ff000001     1 00000004 0
      4    wlp0s20f3u1     ff020000000000000000000000000001     1 0000000C 0
      4    wlp0s20f3u1     ff010000000000000000000000000001     1 00000008 0

      """
    var reader = SnapshotReader(clock: 0, registry: .ferrule)
    #expect(reader.snapshot.multicast == nil && !reader.snapshot.document.contains("multicast"))
    let filters = "Idx Device        MCA        SRC    INC    EXC\n  4 wlp0s2 0xe8010101 0x0a000009      1      0\n"
    reader.read(multicast: igmp, filters: filters, .ipv4)
    reader.read(multicast: igmp6, filters: "Idx Device Multicast Address Source Address INC EXC\n", .ipv6)
    #expect(reader.snapshot.multicast == ["wlp0s20f3u1": ["224.0.0.251", "232.1.1.1 filtered", "ff02::fb", "ff02::1:ff00:1"]])
    let redacted = reader.snapshot.redacted(key: (1, 2), registry: .ferrule)
    #expect(redacted.multicast?["wlp0s20f3u1"]?.contains { $0.contains("ff00") } == false)
    var none = SnapshotReader(clock: 0, registry: .ferrule)
    none.read(multicast: "", filters: "", .ipv4)
    #expect(none.snapshot.document.contains("  multicast: {}\n"))
  }

  /// What is absent is written too, addresses keep what distinguishes them, and the lines can be installed in their order.
  @Test func whatIsAbsentIsWrittenDown() {
    var reader = SnapshotReader(clock: 0, registry: .ferrule)
    reader.read(
      links: """
        [{"ifname":"lo","link_type":"loopback","flags":["UP"],"addr_info":[{"local":"127.0.0.1","prefixlen":8,"scope":"host"},{"local":"10.9.0.1","prefixlen":32,"scope":"link"}]},
        {"ifname":"tun0","link_type":"none","flags":["UP"],"addr_info":[{"local":"10.8.0.1","address":"10.8.0.2","prefixlen":32,"scope":"global"}]},
        {"ifname":"eth0","link_type":"ether","flags":["UP"],"master":"bond0","addr_info":[]},
        {"ifname":"bond0","link_type":"ether","flags":["UP"],"linkinfo":{"info_kind":"bond"},"addr_info":[
        {"local":"10.1.2.1","prefixlen":24,"broadcast":"10.1.2.255","scope":"global"},
        {"local":"10.1.3.1","prefixlen":24,"broadcast":"10.1.3.63","scope":"global"},
        {"local":"10.1.4.1","prefixlen":24,"broadcast":"10.1.4.255","scope":"global","noprefixroute":true}]}]
        """)
    reader.read(
      routes: """
        [{"dst":"default","gateway":"10.8.0.2","dev":"tun0","flags":[]},{"dst":"10.8.0.2","dev":"tun0","protocol":"kernel","scope":"link","prefsrc":"10.8.0.1","flags":[]},
        {"dst":"10.1.4.0/24","dev":"bond0","protocol":"kernel","scope":"link","metric":100,"flags":[]},{"dst":"10.1.2.0/24","dev":"bond0","protocol":"kernel","scope":"link","flags":[]}]
        """, .ipv4)
    reader.read(
      policy: """
        [{"priority":0,"src":"all","table":"100"},{"priority":20,"src":"all","table":"local"},{"priority":32766,"src":"all","fwmark":"0x1","table":"main"},{"priority":32767,"src":"all","table":"default"}]
        """, .ipv4)
    reader.read(policy: #"[{"priority":32766,"src":"all","table":"main"}]"#, .ipv6)
    #expect(
      reader.snapshot.setup == [
        "addr add 10.9.0.1/32 scope link dev lo", "addr add 10.8.0.1 peer 10.8.0.2/32 dev tun0",
        "addr add 10.1.3.1/24 brd 10.1.3.63 dev bond0", "addr add 10.1.4.1/24 brd 10.1.4.255 noprefixroute dev bond0",
        "rule del priority 0 table local", "rule del priority 32766 table main", "-6 rule del priority 0 table local",
      ])
    #expect(reader.snapshot.routes == ["10.1.4.0/24 dev bond0 scope link metric 100", "default via 10.8.0.2 dev tun0"])
    #expect(
      reader.snapshot.policy == ["priority 0 table 100", "priority 20 table local", "fwmark 0x1 priority 32766 table main"])
    #expect(reader.snapshot.interfaces[2].bridge == nil)
    #expect(reader.snapshot.gaps == ["that eth0 is part of bond0, which is no bridge"])
  }

  static func run(_ snapshot: Snapshot, _ packet: String) throws -> String {
    let loader = ScenarioFileLoader(
      bytes: { _ throws(ScenarioFileLoader.Failure) in Array(snapshot.document.utf8) },
      capture: { _ throws(ScenarioFileLoader.Failure) in throw ScenarioFileLoader.Failure("none") })
    let text = "snapshot: host.yaml\ntests:\n  - name: t\n    steps:\n      - \(packet)\n"
    let reading = ScenarioFile.read(SourceFile(name: "t.yaml", bytes: Array(text.utf8)), registry: .ferrule, loader: loader)
    if let problem = reading.diagnostics.first { return problem.message }
    let test = TestRunner(registry: .ferrule).run([reading])[0].tests[0]
    return test.reason ?? test.steps[0].verdict ?? "none"
  }

  @Test func scenarioFilesReadIt() throws {
    let snapshot = Self.reader.snapshot
    #expect(try Self.run(snapshot, "eth0 udp 10.1.2.5:1 > 8.8.8.8:53") == "drop FORWARD by filter:ACME-VPN:rule:1")
    #expect(try Self.run(snapshot, "eth0 udp 10.1.2.5:1 > 93.184.216.34:53") == "sent eth0")
    // No route leads there.
    let refused = try Self.run(snapshot, "local uid=www udp 10.1.2.1:1 > 198.18.0.1:53")
    #expect(refused == "refused")
    let file = SourceFile(name: "host.yaml", bytes: Array(snapshot.document.utf8))
    #expect(SnapshotFile.isOne(file))
    #expect(!SnapshotFile.isOne(SourceFile(name: "", bytes: Array("interfaces: {}\n#host:\n".utf8))))
    let machine = try SnapshotFile(file, registry: .ferrule, names: .builtin, loader: .none)
    #expect(machine.rulesets.map { $0.family } == [.ipv4] && machine.simulator.host.sysctls["net.ipv4.conf.br0.rp_filter"] == 2)
  }

  /// What is no printable text in rules and sets is read back as it was.
  @Test(arguments: HostileText.strings) func hostileTextIsReadBack(_ text: String) throws {
    let word = String(decoding: Array(text.utf8.filter { ![0x0A, 0x0D, 0x22, 0x5C].contains($0) }), as: UTF8.self)
    var snapshot = Self.reader.snapshot
    snapshot.rules = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m comment --comment \"\(word)\" -j ACCEPT\nCOMMIT\n"
    snapshot.gaps = [text]
    snapshot.users = [text: 7]
    let document = snapshot.document
    #expect(HostileText.dangers(in: Array(document.utf8)).isEmpty)
    let file = SourceFile(name: "host.yaml", bytes: Array(document.utf8))
    let machine = try SnapshotFile(file, registry: .ferrule, names: .builtin, loader: .none)
    #expect(machine.rulesets[0].file.bytes.firstRange(of: Array(word.utf8)) != nil)
    #expect(machine.rulesets[0].ruleset.tables[0].chains.flatMap(\.rules).count == 1)
  }

  @Test func connectionsAreThereFromTheStart() throws {
    var reader = Self.reader
    func tuple(_ source: String, _ sport: UInt16, _ destination: String, _ dport: UInt16) throws -> LabTuple {
      LabTuple(
        source: try #require(IPAddress(source)), destination: try #require(IPAddress(destination)),
        transport: .ports(source: sport, destination: dport))
    }
    var tcp = LabConnection(
      proto: .tcp, original: try tuple("10.1.2.5", 1000, "9.9.9.9", 80), reply: try tuple("9.9.9.9", 80, "10.1.2.1", 1000),
      status: .init(rawValue: 2))
    tcp.state = "ESTABLISHED"
    tcp.timeout = 300
    tcp.mark = 7
    var udp = LabConnection(
      proto: .udp, original: try tuple("10.1.2.5", 5, "9.9.9.9", 53), reply: try tuple("9.9.9.9", 53, "10.1.2.5", 5),
      status: .init(rawValue: 0))
    udp.timeout = 20
    reader.read(connections: [tcp, udp, udp], limit: 2)
    #expect(
      reader.snapshot.connections == [
        "tcp 6 300 ESTABLISHED src=10.1.2.5 dst=9.9.9.9 sport=1000 dport=80 src=9.9.9.9 dst=10.1.2.1 sport=80 dport=1000 mark=7 use=1",
        "udp 17 20 src=10.1.2.5 dst=9.9.9.9 sport=5 dport=53 [UNREPLIED] src=9.9.9.9 dst=10.1.2.5 sport=53 dport=5 mark=0 use=1",
      ])
    #expect(reader.snapshot.gaps.last == "1 tracked connection: the limit is 2 (--connections)")
    let file = SourceFile(name: "host.yaml", bytes: Array(reader.snapshot.document.utf8))
    let machine = try SnapshotFile(file, registry: .ferrule, names: .builtin, loader: .none)
    #expect(machine.simulator.connections().count == 2)
  }

  // MARK: Redaction

  @Test func aRedactionTellsNobodyAndBehavesTheSame() throws {
    let snapshot = Self.reader.snapshot
    let redacted = snapshot.redacted(key: (1, 2), registry: .ferrule)
    let text = redacted.document
    for secret in ["10.1.2.", "93.184", "8.8.8.8", "2001:470", "26:91:39", "2491:39ff", "ACME", "acme", "Bob", "customers", "www"] {
      #expect(!text.lowercased().contains(secret.lowercased()), "\(secret)")
    }
    #expect(text == snapshot.redacted(key: (1, 2), registry: .ferrule).document)
    #expect(text != snapshot.redacted(key: (3, 4), registry: .ferrule).document)
    // The same packet, by its new addresses, meets the same rule.
    var addresses = AddressPairs(snapshot, redacted)
    let source = try #require(addresses["10.1.2.5", like: "10.1.2.1"])
    let target = try #require(redacted.rules?.firstMatch(of: #/-d ([0-9.]+)\/32/#)).output.1
    #expect(try Self.run(redacted, "eth0 udp \(source):1 > \(target):53") == "drop FORWARD by filter:chain1:rule:1")
    let range = try #require(redacted.rules?.firstMatch(of: #/--src-range ([0-9.]+)-([0-9.]+)/#)).output
    #expect(try #require(IPAddress(range.1)).bits < #require(IPAddress(range.2)).bits)
  }

  /// Finds the new address of a host in a network of which one host's new address is known.
  private struct AddressPairs {
    private let pairs: [(String, String)]

    init(_ old: Snapshot, _ new: Snapshot) {
      pairs = zip(old.interfaces.flatMap(\.addresses), new.interfaces.flatMap(\.addresses)).map {
        (String($0.0.prefix { $0 != "/" }), String($0.1.prefix { $0 != "/" }))
      }
    }

    subscript(wanted: String, like known: String) -> String? {
      mutating get {
        guard let new = pairs.first(where: { $0.0 == known })?.1, let dot = new.lastIndex(of: "."), let last = wanted.lastIndex(of: ".")
        else { return nil }
        return new[..<dot] + String(wanted[last...])
      }
    }
  }

  /// Whatever the texts, reading them never traps.
  @Test func brokenTextsAreSaidToBeBroken() {
    var random = SeededRandom(seed: 7)
    let texts = [Self.links, Self.routes, Self.policy, Self.rules, "0: 0100007F:0035 00000000:0000 0A 0 0 0 0 0\n"].map { Array($0.utf8) }
    for _ in 0..<3000 {
      var bytes = texts.randomElement(using: &random) ?? []
      for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
        default: bytes.insert(contentsOf: Array("\"/-: 99999999999".utf8), at: place)
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      var reader = SnapshotReader(clock: 0, registry: .ferrule)
      reader.read(links: text)
      reader.read(routes: text, .ipv4)
      reader.read(policy: text, .ipv6)
      reader.read(sockets: text, "udp")
      reader.read(names: text, areGroups: true)
      reader.take(rules: text, .ipv4)
      reader.take(ipsets: text)
      let redacted = reader.snapshot.redacted(key: (random.next(), random.next()), registry: .ferrule)
      _ = redacted.document
      _ = try? SnapshotFile(SourceFile(name: "", bytes: Array(redacted.document.utf8)), registry: .ferrule, names: .builtin, loader: .none)
    }
  }
}
