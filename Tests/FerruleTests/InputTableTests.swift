import FoundationEssentials
import Testing

/// The table of `Docs/Inputs.md`, rule by rule and host by host: without the input the verdict is unknown, with it it is known.
@Suite struct InputTableTests {
  /// Rules whose verdict one input decides.
  private struct Group {
    let table: String
    let chain: String
    let rules: [String]
    var packet = "eth0 udp 192.0.2.9:1 > 192.0.2.1:53"
    /// The packet with the input, if that is part of the packet.
    var stated: String?
    let without: String
    let with: String
    var family = ""
  }

  private static let listing = "--ip-addr $F.addr --ip-route $F.route --sysctl $F.sysctl"
  private static let router = "--host $F.yaml"
  private static let sent = "local uid=0 gid=0 udp 192.0.2.1:1 > 192.0.2.9:9"

  private static let groups: [Group] = [
    Group(
      table: "raw", chain: "PREROUTING",
      rules: ["LOCAL", "UNICAST", "BROADCAST"].flatMap { type in
        ["--dst-type", "--src-type", "! --dst-type", "! --src-type"].map { "-m addrtype \($0) \(type) -j DROP" }
      } + ["-m addrtype --dst-type LOCAL --limit-iface-in -j DROP", "-m addrtype --src-type LOCAL,UNICAST -j DROP"],
      without: "", with: router),
    Group(
      table: "filter", chain: "INPUT",
      rules: [
        "--timestart 09:00", "--timestop 17:00", "--timestart 09:00 --timestop 17:00", "--timestart 22:00 --timestop 06:00 --contiguous",
        "--weekdays Mon", "! --weekdays Mon", "--monthdays 3,31", "! --monthdays 31", "--datestart 2024-01-01", "--datestop 2024-01-01",
      ].map { "-m time \($0) -j DROP" }, without: router, with: router + " --clock 2024-01-31T10:00:00Z"),
    Group(
      table: "filter", chain: "INPUT",
      rules: ["--timestart 09:00", "--weekdays Wed", "--monthdays 31"].map { "-m time \($0) --kerneltz -j DROP" },
      without: router + " --clock 2024-01-31T10:00:00Z", with: router + " --clock 2024-01-31T10:00:00Z --timezone +01:00"),
    Group(
      table: "filter", chain: "INPUT",
      rules: ["--mac-source", "! --mac-source"].flatMap {
        ["-m mac \($0) 02:00:00:00:00:09 -j DROP", "-m mac \($0) 02:00:00:00:00:0a -j DROP"]
      },
      stated: "eth0 smac=02:00:00:00:00:09 udp 192.0.2.9:1 > 192.0.2.1:53", without: router, with: router),
    Group(
      table: "filter", chain: "OUTPUT",
      rules: ["--uid-owner 0", "! --uid-owner 0", "--uid-owner 5-99", "--gid-owner 0", "! --gid-owner 0", "--gid-owner 7-9"].map {
        "-m owner \($0) -j DROP"
      }, packet: "local udp 192.0.2.1:1 > 192.0.2.9:9", stated: sent, without: router, with: router),
    Group(
      table: "filter", chain: "OUTPUT",
      rules: ["--path a", "! --path a", "--cgroup 7", "! --cgroup 7"].map { "-m cgroup \($0) -j DROP" },
      packet: "local udp 192.0.2.1:1 > 192.0.2.9:9", stated: "local cgroup=/a/b classid=7 udp 192.0.2.1:1 > 192.0.2.9:9", without: router,
      with: router),
    Group(
      table: "filter", chain: "INPUT",
      rules: ["", " --queue-num 0", " --queue-num 0 --queue-bypass"].map { "-j NFQUEUE\($0)" }, without: router,
      with: router + " --queue 0=accept"),
    Group(
      table: "filter", chain: "INPUT",
      rules: ["--probability 0.5", "--probability 0.1", "! --probability 0.5", "--probability 0.9999"].map {
        "-m statistic --mode random \($0) -j DROP"
      }, without: router, with: router + " --seed 7"),
    Group(
      table: "raw", chain: "PREROUTING",
      rules: [
        "--match-set s src", "--match-set s dst", "! --match-set s src", "! --match-set s dst", "--match-set s src ! --update-counters",
      ]
      .map { "-m set \($0) -j DROP" }, without: router, with: router + " --ipset $F.sets"),
    Group(
      table: "mangle", chain: "PREROUTING",
      rules: [
        "-m socket -j DROP", "-m socket --nowildcard -j DROP", "-m socket --transparent -j DROP",
        "-p udp -j TPROXY --on-port 53 --on-ip 192.0.2.1", "-p udp -j TPROXY --on-port 9",
      ], without: listing, with: router),
    Group(
      table: "filter", chain: "INPUT",
      rules: ["--src-group 0", "! --src-group 0", "--src-group 1", "--src-group 0x1/0xf"].map { "-m devgroup \($0) -j DROP" },
      without: listing, with: router),
    Group(
      table: "raw", chain: "PREROUTING",
      rules: ["", " --invert", " --loose", " --validmark", " --accept-local"].map { "-m rpfilter\($0) -j DROP" },
      packet: "eth0 udp 203.0.113.9:1 > 192.0.2.1:53", without: "--ip-addr $F.addr", with: router),
    Group(
      table: "nat", chain: "PREROUTING", rules: ["-p udp -j REDIRECT --to-ports 54", "-j REDIRECT"], without: "", with: router),
    Group(
      table: "nat", chain: "POSTROUTING", rules: ["-j MASQUERADE"], packet: "eth0 udp 192.0.2.9:1 > 203.0.113.9:53",
      without: "--ip-addr $F.addr --sysctl $F.sysctl", with: router),
  ]

  private static let addressed = "--ip-addr $F.addr --ip-route $F.route"
  private static let six = "eth0 udp [2001:db8::9]:1 > [2001:db8::1]:53"
  private static let sixThrough = "eth0 udp [2001:db8::9]:1 > [2001:db8:9::1]:53"

  /// More facts: sysctls, bridges, frames, fingerprints, sets that rules change, routes that targets need.
  private static let further: [Group] = [
    Group(
      table: "filter", chain: "FORWARD", rules: ["-j DROP", "-i eth0 -o eth1 -j DROP"], packet: "eth0 udp 192.0.2.9:1 > 203.0.113.9:53",
      without: addressed, with: addressed + " --sysctl net.ipv4.ip_forward=1"),
    Group(
      table: "filter", chain: "INPUT", rules: ["-j DROP", "-p udp -j REJECT"], packet: "eth0 udp 203.0.113.9:1 > 192.0.2.1:53",
      without: addressed, with: addressed + " --sysctl $F.sysctl"),
    Group(
      table: "filter", chain: "INPUT", rules: ["-j DROP"], packet: "eth0 udp 198.51.100.1:1 > 192.0.2.1:53", without: addressed,
      with: listing + " --sysctl net.ipv4.conf.all.accept_local=1 --sysctl net.ipv4.conf.eth0.accept_local=1"),
    Group(
      table: "filter", chain: "INPUT", rules: ["-j DROP"], packet: "eth0 udp 192.0.2.9:1 > 127.0.0.1:53", without: addressed,
      with: listing + " --sysctl net.ipv4.conf.all.route_localnet=1 --sysctl net.ipv4.conf.eth0.route_localnet=1"),
    Group(
      table: "raw", chain: "PREROUTING",
      rules: ["--physdev-in eth0", "! --physdev-in eth0", "--physdev-is-in", "! --physdev-is-in", "! --physdev-is-bridged"].map {
        "-m physdev \($0) -j DROP"
      }, without: "", with: router),
    Group(
      table: "raw", chain: "PREROUTING", rules: ["unicast", "broadcast", "multicast"].map { "-m pkttype --pkt-type \($0) -j DROP" },
      packet: "eth0 udp 192.0.2.9:1 > 192.0.2.255:53", stated: "eth0 dmac=ff:ff:ff:ff:ff:ff udp 192.0.2.9:1 > 192.0.2.255:53",
      without: router, with: router),
    Group(
      table: "raw", chain: "PREROUTING", rules: ["-m pkttype ! --pkt-type unicast -j DROP"],
      packet: "eth0 udp 192.0.2.9:1 > 224.0.0.251:53", stated: "eth0 dmac=01:00:5e:00:00:fb udp 192.0.2.9:1 > 224.0.0.251:53",
      without: router, with: router),
    Group(
      table: "filter", chain: "INPUT", rules: ["-m realm --realm 7 -j DROP", "-m realm ! --realm 7 -j DROP"],
      packet: "eth0 udp 203.0.113.9:1 > 192.0.2.1:53", without: "--ip-addr $F.addr --sysctl $F.sysctl", with: router),
    Group(
      table: "filter", chain: "INPUT", rules: ["Test", "Linux"].map { "-p tcp -m osf --genre \($0) -j DROP" },
      packet: "eth0 tcp 192.0.2.9:1 > 192.0.2.1:80 S", without: router, with: router + " --fingerprints $F.os"),
    Group(
      table: "raw", chain: "PREROUTING", rules: ["-j SET --add-set s src", "-j SET --del-set s src"], without: router,
      with: router + " --ipset $F.sets"),
    Group(
      table: "mangle", chain: "FORWARD", rules: ["-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu"],
      packet: "eth0 tcp 192.0.2.9:1 > 203.0.113.9:80 S opts=020405b4", without: "--ip-addr $F.addr --sysctl $F.sysctl", with: router),
    Group(
      table: "filter", chain: "FORWARD", rules: ["-m devgroup --dst-group 1 -j DROP", "-m devgroup ! --dst-group 0 -j DROP"],
      packet: "eth0 udp 192.0.2.9:1 > 203.0.113.9:53", without: listing, with: router),
    Group(
      table: "nat", chain: "OUTPUT", rules: ["-p udp -j REDIRECT --to-ports 54", "-j DNAT --to-destination 198.51.100.9"],
      packet: "local uid=0 udp 192.0.2.1:1 > 192.0.2.9:53", without: "", with: router),
  ]

  /// The same facts over IPv6.
  private static let wide: [Group] = [
    Group(
      table: "raw", chain: "PREROUTING", rules: ["--dst-type LOCAL", "! --src-type LOCAL"].map { "-m addrtype \($0) -j DROP" }, packet: six,
      without: "", with: router, family: "-6"),
    Group(
      table: "raw", chain: "PREROUTING", rules: ["-m rpfilter --invert -j DROP"], packet: "eth0 udp [2001:db8:9::9]:1 > [2001:db8::1]:53",
      without: "--ip-addr $F.addr", with: router, family: "-6"),
    Group(
      table: "nat", chain: "PREROUTING", rules: ["-p udp -j REDIRECT --to-ports 54"], packet: six, without: "", with: router, family: "-6"),
    Group(
      table: "nat", chain: "POSTROUTING", rules: ["-j MASQUERADE"], packet: sixThrough, without: "--ip-addr $F.addr --sysctl $F.sysctl",
      with: router, family: "-6"),
    Group(
      table: "filter", chain: "FORWARD", rules: ["-i eth0 -j DROP"], packet: sixThrough, without: addressed,
      with: addressed + " --sysctl net.ipv6.conf.all.forwarding=1", family: "-6"),
    Group(
      table: "mangle", chain: "PREROUTING", rules: ["-m socket --nowildcard -j DROP"], packet: six, without: listing, with: router,
      family: "-6"),
    Group(
      table: "filter", chain: "INPUT", rules: ["-m mac --mac-source 02:00:00:00:00:09 -j DROP"], packet: six,
      stated: "eth0 smac=02:00:00:00:00:09 udp [2001:db8::9]:1 > [2001:db8::1]:53", without: router, with: router, family: "-6"),
    Group(
      table: "filter", chain: "INPUT", rules: ["-j NFQUEUE --queue-num 2"], packet: six, without: router, with: router + " --queue 2=drop",
      family: "-6"),
  ]

  private static let setUp = """
    cat > $F.addr <<'END'
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
        link/ether 02:11:00:00:00:02 brd ff:ff:ff:ff:ff:ff
        inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0
        inet6 2001:db8::1/64 scope global
    3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
        link/ether 02:11:00:00:00:03 brd ff:ff:ff:ff:ff:ff
        inet 198.51.100.1/24 brd 198.51.100.255 scope global eth1
        inet6 2001:db8:1::1/64 scope global
    END
    printf 'default via 198.51.100.254 dev eth1\\ndefault via 2001:db8:1::fe dev eth1\\n' > $F.route
    printf 'net.ipv4.ip_forward = 1\\nnet.ipv4.conf.all.rp_filter = 0\\nnet.ipv4.conf.default.rp_filter = 0\\n' > $F.sysctl
    echo 'net.ipv6.conf.all.forwarding = 1' >> $F.sysctl
    cat > $F.yaml <<'END'
    interfaces:
      eth0: {addresses: [192.0.2.1/24, "2001:db8::1/64"], group: 0}
      eth1: {addresses: [198.51.100.1/24, "2001:db8:1::1/64"], group: 1}
    routes: [default via 198.51.100.254 dev eth1, "default via 2001:db8:1::fe dev eth1"]
    sockets: [{proto: udp, port: 53}]
    sysctls: {net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1}
    END
    echo '65535:64:0:40:.:Test:1:one:Test one' > $F.os
    printf 'create s hash:ip\\nadd s 192.0.2.9\\n' > $F.sets

    """

  /// Runs each line once without and once with its input.
  private static func verdicts(_ cases: [Case]) throws -> [String] {
    let script = cases.enumerated().map { number, one in
      """
      printf '%s' '\(one.rules)' > $F.rules
      echo "\(number) without: $(ferrule run --brief \(one.family) \(one.without) $F.rules '\(one.packet)' 2>/dev/null)"
      echo "\(number) with: $(ferrule run --brief \(one.family) \(one.with) $F.rules '\(one.stated)' 2>/dev/null)"
      """
    }
    return try CommandTests.shell(setUp + script.joined(separator: "\n"), with: "").text.split(separator: "\n").map(String.init)
  }

  private typealias Case = (rules: String, packet: String, stated: String, without: String, with: String, family: String)

  private static func expectDecisions(_ groups: [Group]) throws {
    let cases: [Case] = groups.flatMap { group in
      group.rules.map {
        (
          "*\(group.table)\n-A \(group.chain) \($0)\nCOMMIT\n", group.packet, group.stated ?? group.packet, group.without, group.with,
          group.family
        )
      }
    }
    let lines = try verdicts(cases)
    for (number, one) in cases.enumerated() {
      let without = lines.first { $0.hasPrefix("\(number) without: ") } ?? ""
      let with = lines.first { $0.hasPrefix("\(number) with: ") } ?? ""
      #expect(without.contains("=> unknown"), "\(one.rules) \(one.without): \(without)")
      #expect(with.contains("=> ") && !with.contains("=> unknown"), "\(one.rules) \(one.with): \(with)")
    }
  }

  @Test func everyRuleIsUnknownWithoutItsInput() throws { try Self.expectDecisions(Self.groups) }

  @Test func everySettingThatDecidesIsMissed() throws { try Self.expectDecisions(Self.further) }

  @Test func everyRuleOfIPv6IsUnknownWithoutItsInput() throws { try Self.expectDecisions(Self.wide) }

  @Test func theTableIsLong() {
    #expect((Self.groups + Self.further + Self.wide).map(\.rules.count).reduce(0, +) >= 100)
    #expect(Self.hosts.count >= 20)
  }

  /// A member that one host lacks and another has: `rule | packet | the host without | the host with`.
  private static let hosts: [(rule: String, packet: String, without: String, with: String)] = [
    (
      "raw PREROUTING -m addrtype --dst-type LOCAL -j DROP", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "bare sockets: []",
      "interfaces: {eth0: [192.0.2.1/24]}"
    ),
    ("filter INPUT -j ACCEPT", "local udp 192.0.2.1:1 > 203.0.113.9:9", "", "routes: []"),
    ("filter INPUT -j ACCEPT", "local udp 192.0.2.1:1 > 203.0.113.9:9", "", "routes: [default via 192.0.2.254 dev eth0]"),
    ("filter INPUT -j ACCEPT", "local udp 192.0.2.1:1 > 203.0.113.9:9", "", "setup: [route add default via 192.0.2.254 dev eth0]"),
    ("mangle PREROUTING -m socket -j DROP", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "", "sockets: []"),
    ("mangle PREROUTING -m socket --nowildcard -j DROP", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "", "sockets: [{proto: udp, port: 53}]"),
    (
      "mangle PREROUTING -p udp -j TPROXY --on-port 9", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "",
      "sockets: [{proto: udp, port: 9, transparent: true}]"
    ),
    ("filter INPUT -j NFQUEUE", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "", "queues: {}"),
    ("filter INPUT -j NFQUEUE", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "", "queues: {0: accept}"),
    ("filter INPUT -j NFQUEUE --queue-bypass", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "", "queues: {0: none}"),
    ("filter INPUT -m time --timestart 09:00 -j DROP", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "", "clock: 2024-01-31T10:00:00Z"),
    (
      "filter INPUT -m time --timestart 09:00 --kerneltz -j DROP", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "clock: 9",
      "{clock: 9, timezone: UTC}"
    ),
    ("filter INPUT -m devgroup --src-group 0 -j DROP", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "", "setup: [link set dev eth0 group 0]"),
    (
      "raw PREROUTING -m rpfilter --invert -j DROP", "eth0 udp 203.0.113.9:1 > 192.0.2.1:53", "",
      "routes: [default via 192.0.2.254 dev eth0]"
    ),
    (
      "raw PREROUTING -m physdev ! --physdev-is-in -j DROP", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "bare sockets: []",
      "interfaces: {eth0: [192.0.2.1/24]}"
    ),
    (
      "raw PREROUTING -m addrtype --src-type UNICAST -j DROP", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "bare sockets: []",
      "interfaces: {eth0: [192.0.2.1/24]}"
    ),
    (
      "filter INPUT -m devgroup ! --src-group 3 -j DROP", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "",
      "interfaces: {eth0: {addresses: [192.0.2.1/24], group: 3}}"
    ),
    ("filter OUTPUT -o eth0 -j DROP", "local udp 192.0.2.1:1 > 203.0.113.9:9", "", "routes: [unreachable default]"),
    (
      "raw PREROUTING -m addrtype --dst-type BLACKHOLE -j DROP", "eth0 udp 192.0.2.9:1 > 203.0.113.9:53", "",
      "routes: [blackhole 203.0.113.9]"
    ),
    ("filter INPUT -j NFQUEUE --queue-num 4", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "routes: []", "queues: {4: drop}"),
    ("filter INPUT -j ACCEPT", "eth0 udp [2001:db8::9]:1 > [2001:db8::1]:53", "snapshot", "snapshot rules6: none"),
    ("filter INPUT -j ACCEPT", "eth0 udp 192.0.2.9:1 > 192.0.2.1:53", "snapshot rules6: none", "snapshot rules: none"),
  ]

  /// A host file, with interfaces unless it is `bare`; or a snapshot that says nothing of its rules but the given.
  private static func host(_ members: String) -> String {
    let interfaces = "interfaces: {eth0: [192.0.2.1/24, \"2001:db8::1/64\"]}"
    if members.hasPrefix("snapshot") {
      return "clock: 9\nhost: {\(interfaces)}\n" + members.dropFirst("snapshot".count).drop { $0 == " " } + "\n"
    }
    let flat = members.hasPrefix("{") ? String(members.dropFirst().dropLast()).replacing(", timezone", with: "\ntimezone") : members
    if members.hasPrefix("bare ") { return members.dropFirst("bare ".count) + "\n" }
    return (members.contains("interfaces") ? "" : interfaces + "\n") + flat + "\n"
  }

  @Test func everyHostIsUnknownWithoutItsMember() throws {
    var script = Self.setUp
    for (number, one) in Self.hosts.enumerated() {
      let words = one.rule.split(separator: " ", maxSplits: 1)
      script += "printf '%s' '*\(words[0])\n-A \(words[1])\nCOMMIT\n' > $F.rules\n"
      for (name, members) in [("without", one.without), ("with", one.with)] {
        let file = one.without.hasPrefix("snapshot") ? "" : "$F.rules"
        script += """
          printf '%s' '\(Self.host(members))' > $F.host
          echo "\(number) \(name): $(ferrule run --brief --host $F.host \(file) '\(one.packet)' 2>&1 | grep ' => ')"

          """
      }
    }
    let lines = try CommandTests.shell(script, with: "").text.split(separator: "\n").map(String.init)
    for (number, one) in Self.hosts.enumerated() {
      let without = lines.first { $0.hasPrefix("\(number) without: ") } ?? ""
      let with = lines.first { $0.hasPrefix("\(number) with: ") } ?? ""
      #expect(without.contains("=> unknown"), "\(one): \(without)")
      #expect(with.contains("=> ") && !with.contains("=> unknown"), "\(one): \(with)")
    }
  }
}
