import FoundationEssentials
import Testing

/// Nothing is certain that depends on what was not given: with and without each input of `ferrule run`.
@Suite struct MissingInputTests {
  /// A rule before the last of a chain that accepts, and a packet that meets it.
  struct Case: Sendable, CustomTestStringConvertible {
    let rule: String
    let packet: String
    /// What the reason names without the input.
    let missing: String
    /// The input, by options or as another packet.
    let input: String
    /// The verdict with the input.
    let verdict: String
    var before = ""
    var testDescription: String { "\(rule): \(input)" }
  }

  /// A router as `ip addr` and `ip route` print it.
  private static let addresses = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
        link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
        inet 127.0.0.1/8 scope host lo
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
        link/ether 02:11:00:00:00:02 brd ff:ff:ff:ff:ff:ff
        inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0
    3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
        link/ether 02:11:00:00:00:03 brd ff:ff:ff:ff:ff:ff
        inet 198.51.100.1/24 brd 198.51.100.255 scope global eth1
    """
  private static let routes = "default via 198.51.100.254 dev eth1\n"
  private static let sockets = "udp UNCONN 0 0 0.0.0.0:53 0.0.0.0:*\n"
  private static let sysctls = "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.default.rp_filter = 0\n"

  /// A host whose routes depend on the user that sends, and that has two ways to 203.0.113.128/25.
  private static let ways = """
    interfaces: {eth0: [192.0.2.1/24, "2001:db8:1::1/64"], eth1: [198.51.100.1/24, "2001:db8:2::1/64"]}
    routes: [default via 198.51.100.254 dev eth1, default via 2001:db8:2::fe dev eth1]
    setup:
      - rule add uidrange 1000-2000 table 7
      - -6 rule add fwmark 1 uidrange 1000-2000 table 7
      - route add 203.0.113.0/25 via 192.0.2.254 table 7
      - route add 203.0.113.128/25 nexthop via 192.0.2.254 nexthop via 198.51.100.253
      - -6 route add default via 2001:db8:1::fe table 7
    """

  private static func play(_ rules: String, _ options: String, _ packets: [String]) throws -> (lines: [String], text: String) {
    let outcome = try CommandTests.shell(
      """
      printf '%s\\n' '\(addresses)' > $F.addr; printf '\(routes.replacing("\n", with: "\\n"))' > $F.route
      printf '\(sockets.replacing("\n", with: "\\n"))' > $F.ss; printf '\(sysctls.replacing("\n", with: "\\n"))' > $F.sysctl
      printf 'interfaces: {eth0: [192.0.2.1/24], eth1: [198.51.100.1/24]}\\nroutes: [default via 198.51.100.254 dev eth1]\\n' > $F.yaml
      printf 'sysctls: {net.ipv4.ip_forward: 1}\\nsockets: []\\n' >> $F.yaml
      { cat $F.yaml; printf 'multicast: {eth0: [224.0.0.251, 232.1.1.1 filtered, "ff02::fb"]}\\n'; } > $F.members
      printf '%s\\n' '\(ways)' > $F.ways
      printf 'create s hash:ip\\nadd s 192.0.2.9\\n' > $F.sets
      printf '*filter\\nCOMMIT\\n' > $F.v6
      ferrule run --brief \(options) $F \(packets.map { "'\($0)'" }.joined(separator: " ")) 2> $F.err; cat $F.err
      """, with: rules)
    return (outcome.text.split(separator: "\n").filter { $0.contains(" => ") }.map(String.init), outcome.text)
  }

  private static let raw = "*raw\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\n"
  private static let filter = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n"
  private static let listing = "--ip-addr $F.addr --ip-route $F.route"
  private static let router = "--host $F.yaml"
  private static let members = "--host $F.members"
  private static let local = "eth0 udp 192.0.2.9:1 > 192.0.2.1:53"
  private static let through = "eth0 udp 192.0.2.9:1 > 203.0.113.9:53"

  private static let redirected =
    "*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n"
    + "-A PREROUTING -p udp -m udp --dport 53 -j REDIRECT --to-ports 1000-1001 --random\nCOMMIT\n" + filter

  static let cases: [Case] = [
    // Addresses and routes.
    Case(
      rule: raw + "-A PREROUTING -m addrtype ! --dst-type LOCAL -j DROP", packet: local, missing: "--host, --ip-addr or --this-host",
      input: router, verdict: "delivered"),
    Case(
      rule: raw + "-A PREROUTING -m addrtype ! --dst-type LOCAL -j DROP", packet: through, missing: "--ip-addr",
      input: listing, verdict: "dropped at PREROUTING"),
    Case(
      rule: raw + "-A PREROUTING -m addrtype --src-type LOCAL -j DROP", packet: through, missing: "the host's addresses", input: router,
      verdict: "sent through eth1"),
    Case(
      rule: raw + "-A PREROUTING -m addrtype --dst-type LOCAL --limit-iface-in -j DROP", packet: local, missing: "the host's addresses",
      input: listing, verdict: "dropped at PREROUTING"),
    Case(
      rule: raw + "-A PREROUTING -m rpfilter --invert -j DROP", packet: through, missing: "--ip-route", input: router,
      verdict: "sent through eth1"),
    Case(rule: filter, packet: local, missing: "the host's routes", input: listing, verdict: "delivered"),
    Case(
      rule: filter, packet: "local uid=0 udp 192.0.2.1:1 > 203.0.113.9:9", missing: "--ip-route", input: listing,
      verdict: "sent through eth1"),
    Case(
      rule: filter, packet: through, missing: "--ip-route with --ip-addr", input: router, verdict: "sent through eth1",
      before: "--ip-addr $F.addr"),
    // Sysctls.
    Case(
      rule: filter, packet: through, missing: "--sysctl net.ipv4.ip_forward=VALUE", input: listing + " --sysctl net.ipv4.ip_forward=1",
      verdict: "sent through eth1", before: listing),
    Case(
      rule: filter, packet: through, missing: "net.ipv4.ip_forward", input: listing + " --sysctl net.ipv4.ip_forward=0",
      verdict: "lost: forwarding is disabled", before: listing),
    Case(
      rule: filter, packet: "eth0 udp 203.0.113.9:1 > 192.0.2.1:53", missing: "--sysctl net.ipv4.conf.all.rp_filter=VALUE",
      input: listing + " --sysctl $F.sysctl", verdict: "delivered", before: listing),
    Case(
      rule: filter, packet: "eth0 udp 203.0.113.9:1 > 192.0.2.1:53", missing: "net.ipv4.conf.all.rp_filter",
      input: listing + " --sysctl net.ipv4.conf.all.rp_filter=1 --sysctl net.ipv4.conf.eth0.rp_filter=1", verdict: "lost", before: listing),
    Case(
      rule: filter, packet: "eth0 udp 198.51.100.1:1 > 192.0.2.1:53", missing: "net.ipv4.conf.all.accept_local",
      input: router, verdict: "lost: the source is an address of this host", before: listing),
    Case(
      rule: filter, packet: "eth0 udp 192.0.2.9:1 > 127.0.0.1:53", missing: "net.ipv4.conf.all.route_localnet", input: router,
      verdict: "lost: the destination is a loopback address", before: listing),
    Case(
      rule: filter, packet: "eth0 udp 203.0.113.9:68 > 255.255.255.255:67", missing: "--sysctl net.ipv4.conf.all.rp_filter=VALUE",
      input: listing + " --sysctl $F.sysctl", verdict: "delivered", before: listing),
    Case(
      rule: filter, packet: "eth0 udp 203.0.113.9:68 > 192.0.2.255:67", missing: "net.ipv4.conf.all.rp_filter",
      input: listing + " --sysctl net.ipv4.conf.all.rp_filter=1", verdict: "lost: the route back", before: listing),
    Case(
      rule: filter, packet: "eth0 udp 203.0.113.9:1 > 224.0.0.1:2", missing: "net.ipv4.conf.all.rp_filter",
      input: listing + " --sysctl net.ipv4.conf.all.rp_filter=1", verdict: "lost: the route back", before: listing),
    Case(
      rule: filter, packet: "eth0 udp 198.51.100.1:1 > 224.0.0.1:2", missing: "net.ipv4.conf.all.accept_local", input: router,
      verdict: "lost: the source is an address of this host", before: listing),
    Case(
      rule: filter, packet: "eth0 udp 127.0.0.1:1 > 224.0.0.1:2", missing: "net.ipv4.conf.all.route_localnet", input: router,
      verdict: "lost: the source is a loopback address", before: listing),
    // Multicast groups. That of all hosts has every interface as a member.
    Case(
      rule: filter, packet: "eth0 udp 192.0.2.9:5353 > 224.0.0.251:5353", missing: "the host's multicast groups (`multicast' of --host",
      input: members, verdict: "delivered", before: router),
    Case(
      rule: filter, packet: "eth1 udp 198.51.100.9:5353 > 224.0.0.251:5353", missing: "the host's multicast groups", input: members,
      verdict: "lost: this host is not a member of the multicast group", before: listing + " --sysctl $F.sysctl"),
    Case(
      rule: filter, packet: "eth0 udp [fe80::9]:5353 > [ff02::fb]:5353", missing: "the host's multicast groups", input: members + " -6",
      verdict: "delivered", before: "-6 " + router),
    Case(
      rule: filter, packet: "eth0 udp [fe80::9]:5353 > [ff02::fc]:5353", missing: "the host's multicast groups", input: members + " -6",
      verdict: "lost: this host is not a member of the multicast group", before: "-6 " + router),
    // Sockets.
    Case(
      rule: "*mangle\n-A PREROUTING -m socket --nowildcard -j DROP", packet: local, missing: "--ss", input: listing + " --ss $F.ss",
      verdict: "dropped at PREROUTING", before: listing),
    Case(
      rule: "*mangle\n-A PREROUTING -m socket -j DROP", packet: local, missing: "the host's listening sockets", input: router,
      verdict: "delivered", before: listing),
    Case(
      rule: "*mangle\n-A PREROUTING -p udp -j TPROXY --on-port 9 --on-ip 192.0.2.1", packet: local, missing: "--ss", input: router,
      verdict: "dropped at PREROUTING", before: listing),
    // Time.
    Case(
      rule: filter + "-A INPUT -m time --timestart 09:00 --timestop 17:00 -j DROP", packet: local, missing: "--clock",
      input: router + " --clock 2024-01-31T10:00:00Z", verdict: "dropped at INPUT", before: router),
    Case(
      rule: filter + "-A INPUT -m time --weekdays Sat,Sun -j DROP", packet: local, missing: "the time (--clock)",
      input: router + " --clock 2024-01-31T10:00:00Z", verdict: "delivered", before: router),
    Case(
      rule: filter + "-A INPUT -m time --timestart 09:00 --timestop 17:00 --kerneltz -j DROP", packet: local,
      missing: "--timezone",
      input: router + " --clock 1706695200 --timezone UTC", verdict: "dropped at INPUT", before: router + " --clock 1706695200"),
    // The frame and the sender.
    Case(
      rule: filter + "-A INPUT -m mac --mac-source 02:00:00:00:00:09 -j DROP", packet: local, missing: "smac=",
      input: "eth0 smac=02:00:00:00:00:09 udp 192.0.2.9:1 > 192.0.2.1:53", verdict: "dropped at INPUT", before: router),
    Case(
      rule: filter + "-A OUTPUT -m owner --uid-owner 0 -j DROP", packet: "local udp 192.0.2.1:1 > 192.0.2.9:9", missing: "uid=",
      input: "local uid=0 udp 192.0.2.1:1 > 192.0.2.9:9", verdict: "dropped at OUTPUT", before: router),
    Case(
      rule: filter + "-A OUTPUT -m owner ! --gid-owner 7 -j DROP", packet: "local uid=0 udp 192.0.2.1:1 > 192.0.2.9:9", missing: "gid=",
      input: "local gid=7 udp 192.0.2.1:1 > 192.0.2.9:9", verdict: "sent through eth0", before: router),
    Case(
      rule: filter + "-A OUTPUT -m cgroup --path a -j DROP", packet: "local udp 192.0.2.1:1 > 192.0.2.9:9", missing: "cgroup=",
      input: "local cgroup=/a/b udp 192.0.2.1:1 > 192.0.2.9:9", verdict: "dropped at OUTPUT", before: router),
    Case(
      rule: filter + "-A OUTPUT -m cgroup --cgroup 7 -j DROP", packet: "local udp 192.0.2.1:1 > 192.0.2.9:9", missing: "classid=",
      input: "local classid=7 udp 192.0.2.1:1 > 192.0.2.9:9", verdict: "dropped at OUTPUT", before: router),
    Case(
      rule: filter, packet: "local udp 192.0.2.1:1 > 203.0.113.9:9", missing: "the user of the sending process (uid= after `local')",
      input: "local uid=1000 udp 192.0.2.1:1 > 203.0.113.9:9", verdict: "sent through eth0", before: "--host $F.ways"),
    Case(
      rule: filter, packet: "local udp 192.0.2.1:1 > 203.0.113.9:9", missing: "uid=",
      input: "local uid=999 udp 192.0.2.1:1 > 203.0.113.9:9", verdict: "sent through eth1", before: "--host $F.ways"),
    Case(
      rule: "*mangle\n-A OUTPUT -j MARK --set-mark 1", packet: "local udp [2001:db8:1::1]:1 > [2001:db8:9::1]:9", missing: "uid=",
      input: "local uid=2000 udp [2001:db8:1::1]:1 > [2001:db8:9::1]:9", verdict: "sent through eth0", before: "-6 --host $F.ways"),
    // Queues and chance.
    Case(
      rule: filter + "-A INPUT -j NFQUEUE --queue-num 3", packet: local, missing: "--queue NUMBER=VERDICT",
      input: router + " --queue 3=accept",
      verdict: "delivered", before: router),
    Case(
      rule: filter + "-A INPUT -j NFQUEUE --queue-num 3", packet: local, missing: "--queue", input: router + " --queue 3=none",
      verdict: "dropped at INPUT by filter INPUT rule 1: no program listens to queue 3", before: router),
    Case(
      rule: filter + "-A INPUT -j NFQUEUE --queue-num 3 --queue-bypass", packet: local, missing: "--queue",
      input: router + " --queue 3=drop",
      verdict: "dropped at INPUT", before: router),
    // Ports that NAT chooses by chance.
    Case(
      rule: redirected + "-A INPUT -p udp -m udp --dport 1001 -j DROP\n-A INPUT -p udp -m udp --dport 1000 -j DROP", packet: local,
      missing: "--seed", input: router + " --seed 7", verdict: "dropped at INPUT", before: router),
    Case(
      rule: redirected + "-A INPUT -p udp -m multiport --dports 7,1001 -m limit --limit 1/s -j DROP\n-A INPUT -p udp --dport 1000 -j DROP",
      packet: local, missing: "--seed", input: router + " --seed 7", verdict: "dropped at INPUT", before: router),
    Case(
      rule: redirected + "-A INPUT -m u32 --u32 \"0>>22&0x3C@0&0xFFFF=1000:1001\" -j DROP", packet: local, missing: "--seed",
      input: router + " --seed 7", verdict: "dropped at INPUT", before: router),
    Case(
      rule: redirected + "-A INPUT -p udp -m conntrack --ctreplsrcport 1000:1001 -j DROP", packet: local, missing: "--seed",
      input: router + " --seed 7", verdict: "dropped at INPUT", before: router),
    Case(
      rule: filter + "-A INPUT -j NFQUEUE --queue-balance 3:4", packet: local, missing: "--queue NUMBER=VERDICT",
      input: router + " --queue 3=drop --queue 4=drop", verdict: "dropped at INPUT", before: router + " --queue 3=drop"),
    Case(
      rule: filter + "-A INPUT -j NFQUEUE --queue-balance 3:4 --queue-cpu-fanout", packet: local,
      missing: "the processor that handles the packet",
      input: router + " --queue 3=accept --queue 4=accept", verdict: "delivered", before: router + " --queue 3=accept --queue 4=drop"),
    Case(
      rule: filter + "-A INPUT -m statistic --mode random --probability 0.9999 -j DROP", packet: local, missing: "--seed",
      input: router + " --seed 7", verdict: "dropped at INPUT", before: router),
    // Sets, fingerprints, estimators, the rules of the other family.
    Case(
      rule: raw + "-A PREROUTING -m set --match-set s src -j DROP", packet: local, missing: "--ipset", input: "--ipset $F.sets",
      verdict: "dropped at PREROUTING"),
    Case(
      rule: raw, packet: "eth0 tcp [2001:db8::1]:1 > [2001:db8::2]:2 S", missing: "the IPv6 rules (a ruleset with --also)",
      input: router + " --also $F.v6", verdict: "lost", before: router),
  ]

  @Test(arguments: cases) func theInputDecides(_ test: Case) throws {
    let rules = test.rule + "\nCOMMIT\n"
    let without = try Self.play(rules, test.before, [test.packet])
    #expect(without.lines.count == 1 && without.lines[0].contains("=> unknown"), "\(without.text)")
    #expect(without.text.contains(test.missing), "\(without.text)")
    let isPacket = !test.input.hasPrefix("--")
    let with = try Self.play(rules, isPacket ? test.before : test.input, [isPacket ? test.input : test.packet])
    #expect(with.lines.count == 1 && with.lines[0].contains("=> \(test.verdict)"), "\(with.text)")
  }

  /// What an encapsulation does to packets is not evaluated, whichever way they come.
  @Test(arguments: ["eth0 udp 192.0.2.9:1 > 203.0.113.9:53", "local uid=0 udp 192.0.2.1:1 > 203.0.113.9:53"])
  func anEncapsulatedRouteIsUnknown(_ packet: String) throws {
    let outcome = try CommandTests.shell(
      """
      printf 'interfaces: {eth0: [192.0.2.1/24], eth1: [198.51.100.1/24]}\\n' > $F.yaml
      printf 'routes: [203.0.113.0/24 encap mpls 100/200 via 198.51.100.9 dev eth1]\\n' >> $F.yaml
      ferrule run --brief --host $F.yaml $F '\(packet)'
      """, with: Self.filter + "COMMIT\n")
    #expect(outcome.text.contains("unknown") && outcome.text.contains("`encap mpls' on the route to 203.0.113.9"), "\(outcome.text)")
  }

  /// After a translation the route may be unknown too. The user decides nothing of a packet to which no rule with users applies.
  @Test func anUnknownRouteAfterATranslationIsNoLoss() throws {
    let rules = "*nat\n:OUTPUT ACCEPT\n-A OUTPUT -d 198.51.100.7 -j DNAT --to-destination 203.0.113.130\nCOMMIT\n"
    let packets = ["local uid=0 udp 192.0.2.1:1 > 198.51.100.7:9", "local udp [2001:db8:1::1]:1 > [2001:db8:9::1]:9"]
    let played = try Self.play(rules, "--also $F.v6 --host $F.ways", packets)
    #expect(played.lines.count == 2)
    #expect(played.lines[0].contains("=> unknown") && played.text.contains("choice among 2 next hops to 203.0.113.130"), "\(played.text)")
    #expect(played.lines[1].contains("=> sent through eth1"), "\(played.text)")
  }

  /// Where chance chooses a port, tests that every choice passes, or none, are decided.
  @Test(arguments: [
    ("-p udp -m udp --dport 1000:1001", "dropped at INPUT"), ("-p udp -m udp --dport 22", "delivered"),
    ("-p udp -m multiport ! --dports 1000,1001", "delivered"), ("-p udp -m multiport --ports 999,1000:1002", "dropped at INPUT"),
    ("-p tcp -m tcp --dport 1001", "delivered"), ("-p udp -m udp --sport 1", "dropped at INPUT"),
    ("-p udp -m limit --limit 1/s", "dropped at INPUT"), ("-p udp -m conntrack --ctorigdstport 53", "dropped at INPUT"),
  ]) func whatEveryChoiceOfAPortPassesIsDecided(_ match: String, _ verdict: String) throws {
    let outcome = try Self.play("\(Self.redirected)-A INPUT \(match) -j DROP\nCOMMIT\n", Self.router, [Self.local])
    #expect(outcome.lines.first?.contains("=> \(verdict)") == true, "\(outcome.text)")
  }

  /// Sources of a group that are not given decide; a source that is none does so first. Of a packet of this host, only its copy is unknown.
  @Test func theSourcesOfAGroupAreUnknown() throws {
    let packets = [
      "eth0 udp 192.0.2.9:1 > 232.1.1.1:2", "eth0 udp 127.0.0.1:1 > 232.1.1.1:2", "eth0 udp 192.0.2.1:1 > 224.0.0.9:2",
      "local uid=0 udp 192.0.2.1:1 > 232.1.1.1:2",
    ]
    let played = try Self.play(Self.filter + "COMMIT\n", Self.members, packets)
    #expect(played.lines.count == 4 && played.lines[0].contains("=> unknown"), "\(played.text)")
    #expect(played.text.contains("the sources from which the programs want packets to 232.1.1.1"), "\(played.text)")
    #expect(played.lines[1].contains("=> lost") && played.lines[2].contains("=> lost"), "\(played.text)")
    #expect(played.lines[3].contains("=> sent through eth1"), "\(played.text)")
  }

  /// What the packet alone decides needs no input.
  @Test(arguments: [
    "-A PREROUTING -m addrtype --dst-type MULTICAST -j DROP", "-A PREROUTING -m statistic --mode random --probability 1 -j DROP",
    "-A PREROUTING -m mac ! --mac-source 02:00:00:00:00:09 -p tcp -j ACCEPT\n-A PREROUTING -j DROP",
    "-A PREROUTING -m statistic --mode nth --every 1 --packet 0 -j DROP",
  ]) func thePacketAloneDecides(_ rule: String) throws {
    let outcome = try Self.play("\(Self.raw)\(rule)\nCOMMIT\n", "", ["eth0 udp 192.0.2.9:1 > 224.0.0.9:53"])
    #expect(outcome.lines.first?.contains("=> dropped at PREROUTING") == true, "\(outcome.text)")
  }

  /// A failed pipe is an error.
  @Test(arguments: [
    "lint -", "lint --fix -", "apply --test -", "apply --sandbox -", "compile -", "show -", "run - 'eth0 icmp 1.1.1.1 > 2.2.2.2'",
    "run $F --packets -", "run --also - $F 'eth0 icmp 1.1.1.1 > 2.2.2.2'", "test --only 'no such test' Examples/docker-host",
    "coverage --only 'no such test' Examples/docker-host", "test -", "fmt -", "fmt --check -", "lab", "lab --kernel",
    "run --ipset - $F 'eth0 icmp 1.1.1.1 > 2.2.2.2'", "run --conntrack-from - $F 'eth0 icmp 1.1.1.1 > 2.2.2.2'",
    "run --host - $F 'eth0 icmp 1.1.1.1 > 2.2.2.2'", "run --ip-addr - $F 'eth0 icmp 1.1.1.1 > 2.2.2.2'",
    "run --sysctl - $F 'eth0 icmp 1.1.1.1 > 2.2.2.2'",
  ]) func emptyInputIsAnError(_ command: String) throws {
    let outcome = try CommandTests.shell("ferrule \(command) < /dev/null", with: CommandTests.fine)
    #expect(outcome.status == 2 && !outcome.text.isEmpty, "\(outcome.text)")
  }

  /// Standard input can be read only once, so one input at most may be `-`; each may.
  @Test(arguments: [
    "run --host - - 'eth0 icmp 1.1.1.1 > 2.2.2.2'", "run --host $F.yaml --packets - -",
    "run --ip-addr - --ip-route - $F 'eth0 icmp 1.1.1.1 > 2.2.2.2'",
    "run --host=- --packets - $F", "lint - -", "diff - -", "lint --base - -", "query --host - - 'to 192.0.2.1'",
  ]) func onlyOneInputIsStandardInput(_ command: String) throws {
    let outcome = try CommandTests.shell("echo '*filter' | ferrule \(command)", with: CommandTests.fine)
    #expect(outcome.status == 2 && outcome.text.contains("standard input can be read only once"), "\(outcome.text)")
  }

  @Test(arguments: [
    ("--host -", "yaml"), ("--ip-addr -", "addr"), ("--ip-addr $F.addr --ip-route -", "route"), ("--ip-addr $F.addr --ss -", "ss"),
    ("--host $F.yaml --sysctl -", "sysctl"), ("--host $F.yaml --ipset -", "sets"),
  ]) func everyInputMayBeStandardInput(_ options: String, _ file: String) throws {
    let rules = Self.filter + "-A INPUT -j DROP\nCOMMIT\n"
    let outcome = try Self.play(rules, options + " <$F.\(file)", [Self.local])
    #expect(outcome.lines.count == 1, "\(outcome.text)")
  }

  /// A state that begins empty is told once, not for every packet.
  @Test func stateBeginsEmptyAndIsToldOnce() throws {
    let rules = Self.filter + "-A INPUT -m limit --limit 1/hour --limit-burst 1 -j DROP\nCOMMIT\n"
    let outcome = try Self.play(rules, Self.router, [Self.local, Self.local, Self.local])
    #expect(outcome.lines.map { $0.contains("=> dropped") } == [true, false, false], "\(outcome.text)")
    #expect(outcome.text.components(separatedBy: "began empty").count == 2, "\(outcome.text)")
  }

  /// The escapes of a payload are bytes.
  @Test func escapesOfAPayloadAreDecoded() throws {
    let rules = Self.filter + "-A INPUT -m string --hex-string \"|55410d0a00ff225c|\" --algo bm -j DROP\nCOMMIT\n"
    let packet = #"eth0 udp 192.0.2.9:1 > 192.0.2.1:53 payload="\x55A\r\n\0\xff\"\\""#
    let outcome = try Self.play(rules, Self.router, [packet])
    #expect(outcome.text.contains("=> dropped at INPUT"), "\(outcome.text)")
    for bad in [#"\q"#, #"\x1"#, #"\xzz"#] {
      let outcome = try Self.play(rules, Self.router, ["eth0 udp 192.0.2.9:1 > 192.0.2.1:53 payload=\"\(bad)\""])
      #expect(outcome.text.contains("unknown escape"), "\(bad): \(outcome.text)")
    }
  }
}
