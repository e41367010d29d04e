import TestSupport
import Testing

/// The texts that people have at hand: what `iptables -S`, `ipset list`, `ip`, `ss` and `sysctl` print.
@Suite struct PostedTextTests {
  @Test func theOutputOfDashSIsRead() throws {
    let text = """
      root@gw:~# iptables -S
      -P INPUT DROP
      -P FORWARD ACCEPT
      -P OUTPUT ACCEPT
      -N web
      -A INPUT -p tcp -m multiport --dports 80,443 -j web
      -A web -m conntrack --ctstate NEW -j ACCEPT
      # iptables -t nat -S
      -P PREROUTING ACCEPT
      -P INPUT ACCEPT
      -P OUTPUT ACCEPT
      -P POSTROUTING ACCEPT
      -A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -c 3 180 -j REDIRECT --to-ports 80
      -P PREROUTING ACCEPT
      -P OUTPUT ACCEPT
      -A PREROUTING -s 10.0.0.0/8 -j DROP

      """
    let formatted = try CommandTests.shell("ferrule fmt $F", with: text)
    #expect(formatted.status == 0 && formatted.text.contains("*filter\n:INPUT DROP"), "\(formatted.text)")
    #expect(formatted.text.contains("*nat\n:PREROUTING ACCEPT") && formatted.text.contains("*raw\n:PREROUTING ACCEPT"))
    #expect(try CommandTests.shell("ferrule lint $F", with: text).status == 0)
    let run = try CommandTests.shell(
      "ferrule run --brief $F 'eth0 tcp 10.9.9.9:1 > 10.0.0.1:8080 S' --expect 'drop PREROUTING'", with: text)
    #expect(run.status == 0, "\(run.text)")
    // It is no file for iptables-restore.
    let apply = try CommandTests.shell("ferrule apply --test $F", with: "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n")
    #expect(apply.status == 2 && apply.text.contains("this is what `iptables -S' prints"), "\(apply.text)")
  }

  @Test(.asRoot) func everyTableOfTheRealToolIsRead() throws {
    let script = """
      iptables-legacy -N web; iptables-legacy -A INPUT -p tcp -j web; iptables-legacy -P FORWARD DROP
      for table in nat mangle raw security; do iptables-legacy -t $table -N x$table; iptables-legacy -t $table -A OUTPUT -j x$table; done
      for table in filter nat mangle raw; do iptables-legacy -t $table -S; done > $F.S
      echo '# iptables -t security -S' >> $F.S; iptables-legacy -t security -S >> $F.S
      for table in filter nat mangle raw security; do iptables-legacy-save -t $table; done | grep -v '^#' > $F.save
      ferrule fmt $F.S > $F.out; diff $F.save $F.out && echo same
      for table in filter nat mangle raw; do iptables-legacy -t $table -S | ferrule fmt - | head -n 1; done
      iptables-legacy -nvL | ferrule lint -
      """
    let outcome = try CommandTests.shell("F=$F unshare -n sh -c \"$(cat $F)\"", with: script)
    #expect(outcome.text.hasPrefix("same\n*filter\n*nat\n*mangle\n*raw\n"), "\(outcome.text)")
    #expect(outcome.text.contains("this is what `iptables -L' prints") && outcome.text.contains("iptables-save"), "\(outcome.text)")
  }

  private static let addresses = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
        link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
        inet 127.0.0.1/8 scope host lo
           valid_lft forever preferred_lft forever
    2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
        link/ether 02:42:ac:11:00:02 brd ff:ff:ff:ff:ff:ff link-netnsid 0
        altname enp0s3
        inet 192.0.2.10/24 metric 100 brd 192.0.2.255 scope global dynamic eth0
           valid_lft 3000sec preferred_lft 3000sec
        inet6 2001:db8::10/64 scope global
           valid_lft forever preferred_lft forever
    3: tun0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1400 qdisc noqueue state UNKNOWN group default
        link/none
        inet 10.8.0.1 peer 10.8.0.2/32 scope global tun0
           valid_lft forever preferred_lft forever
    4: eth9: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default
        link/ether 02:42:ac:11:00:09 brd ff:ff:ff:ff:ff:ff

    """
  private static let routes = """
    default via 192.0.2.1 dev eth0 proto dhcp src 192.0.2.10 metric 100
    10.8.0.2 dev tun0 proto kernel scope link src 10.8.0.1
    192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10 metric 100
    198.18.0.0/16 proto static
    \tnexthop via 192.0.2.3 dev eth0 weight 1
    \tnexthop via 192.0.2.4 dev eth0 weight 1
    blackhole 203.0.113.0/24 nhid 7
    default via 10.8.0.2 dev tun0 table 100

    """
  private static let policy =
    "0:\tfrom all lookup local\n100:\tfrom all fwmark 0x1/0xff lookup 100 proto static\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n"
  private static let sysctls = """
    kernel.hostname = gw
    net.ipv4.conf.all.forwarding = 1
    net.ipv4.conf.tun0.forwarding = 0
    net.ipv4.ip_forward = 1
    net.ipv4.ip_local_port_range = 32768\t60999

    """
  private static let sockets = """
    Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
    udp   UNCONN 0      0         127.0.0.53%lo:53        0.0.0.0:*    users:(("resolved",pid=9,fd=4)) uid:101
    tcp   LISTEN 0      128                   *:22              *:*    users:(("sshd",pid=10,fd=3))

    """

  /// Runs packets on a host given by texts; each text is in `$F.NAME`.
  private func run(_ options: String, _ packets: [String], addresses: String = addresses) throws -> BuiltCommand.Outcome {
    let files = [("addr", addresses), ("route", Self.routes), ("rule", Self.policy), ("sysctl", Self.sysctls), ("ss", Self.sockets)]
    let making = files.map { "cat > $F.\($0.0) <<'END'\n\($0.1)END\n" }.joined()
    return try CommandTests.shell(
      making + "ferrule run --brief \(options) $F \(packets.map { "'\($0)'" }.joined(separator: " "))",
      with: "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")
  }

  private static let all = "--ip-addr $F.addr --ip-route $F.route --ip-rule $F.rule --sysctl $F.sysctl --ss $F.ss"

  @Test func aHostIsReadFromPlainText() throws {
    let cases: [(String, String)] = [
      ("eth0 tcp 192.0.2.7:1 > 192.0.2.10:22 S", "delivered to this host"),
      ("eth0 tcp 192.0.2.7:1 > 10.8.0.2:22 S", "sent through tun0"),
      ("tun0 tcp 10.8.0.2:1 > 192.0.2.7:22 S", "lost"),
      ("eth0 tcp 192.0.2.7:1 > 203.0.113.9:22 S", "lost: the route has the type blackhole"),
      ("local tcp 192.0.2.10:1 > 8.8.8.8:53 S", "sent through eth0"),
      ("local mark=1 udp 10.8.0.1:1 > 8.8.8.8:53", "sent through tun0"),
      (
        "local tcp 192.0.2.10:1 > 198.18.3.4:53 S",
        "unknown: the path of the packet cannot be decided without the kernel's choice among 2 next hops"
      ),
    ]
    let outcome = try run(Self.all, cases.map(\.0))
    let lines = outcome.text.split(separator: "\n")
    #expect(lines.count == cases.count, "\(outcome.text)")
    for (line, expected) in zip(lines, cases) { #expect(line.contains("=> \(expected.1)"), "\(line)") }
  }

  @Test func oneSysctlCanBeGiven() throws {
    let packets = ["eth0 tcp 192.0.2.7:1 > 10.8.0.2:22 S"]
    let options = "--ip-addr $F.addr --ip-route $F.route --sysctl net.ipv4.ip_forward="
    #expect(try run(options + "1", packets).text.contains("sent through tun0"))
    #expect(try !run(options + "0", packets).text.contains("sent"))
  }

  @Test(arguments: [
    ("--ip-addr $F.route", "this is what `ip route' prints"), ("--ip-addr $F.addr --ip-route $F.addr", "this is what `ip addr' prints"),
    ("--ip-addr $F.addr --ip-route $F.rule", "this is what `ip rule' prints"), ("--host $F.addr", "this is what `ip addr' prints"),
    ("--ip-addr $F.addr --ss $F.sysctl", "this is what `sysctl -a' prints"), ("--ipset $F.ss", "this is what `ss' prints"),
    ("--ip-addr $F.addr --sysctl $F.ss", "this is what `ss' prints"),
  ]) func aMixUpIsNamed(_ options: String, _ message: String) throws {
    let outcome = try run(options, ["eth0 tcp 192.0.2.7:1 > 192.0.2.10:22 S"])
    #expect(outcome.status == 2 && outcome.text.contains(message), "\(outcome.status) \(outcome.text)")
  }

  @Test(.asRoot) func textAndJSONOfTheRealToolsMeanTheSame() throws {
    let script = """
      ip link set lo up; ip link add br0 type bridge; ip link add v0 type veth peer name v1; ip link set v0 master br0
      ip addr add 10.0.0.1/24 dev br0; ip addr add 10.9.0.1 peer 10.9.0.2/32 dev v1; ip addr add 2001:db8::1/64 dev v1 nodad
      for link in br0 v0 v1; do ip link set $link up; done
      ip route add default via 10.0.0.254; ip route add default via 10.9.0.2 dev v1 table 100; ip rule add fwmark 0x1/0xff lookup 100
      ip -6 route add default via 2001:db8::99; ip route add 10.7.0.0/24 nexthop via 10.0.0.5 nexthop via 10.0.0.6; ip route add blackhole 10.8.0.0/24
      ip -j addr > $F.j; ip -j route show table all > $F.rj; ip -6 -j route show table all > $F.r6j; ip -j rule > $F.pj
      ip route show table all > $F.r; ip rule > $F.p
      ip addr > $F.1; ip -o addr > $F.2; ip -br addr > $F.3
      printf '*filter\\n:INPUT ACCEPT [0:0]\\nCOMMIT\\n' > $F.v4
      ask() { ferrule run --brief "$@" $F.v4 'br0 tcp 10.0.0.9:1 > 10.9.0.2:9 S' 'local tcp 10.0.0.1:1 > 192.0.2.1:8 S' \\
        'local mark=1 tcp 10.9.0.1:1 > 192.0.2.1:8 S' 'br0 tcp 10.0.0.9:1 > 10.8.0.2:9 S' 'v1 tcp 10.9.0.2:1 > 10.0.0.1:9 S' \\
        'local tcp 10.0.0.1:1 > 10.7.0.9:8 S' 'local tcp [2001:db8::1]:1 > [2001:db9::1]:8 S' 2>&1; }
      ask --ip-addr $F.j --ip-route $F.rj --ip-route $F.r6j --ip-rule $F.pj --sysctl net.ipv4.ip_forward=1 > $F.expected; cat $F.expected
      for n in 1 2 3; do ask --ip-addr $F.$n --ip-route $F.r --ip-rule $F.p --sysctl net.ipv4.ip_forward=1 > $F.got; diff $F.expected $F.got && echo same; done
      """
    let outcome = try CommandTests.shell("F=$F unshare -n sh -c \"$(cat $F)\"", with: script)
    #expect(outcome.text.hasSuffix("same\nsame\nsame\n") && outcome.text.contains("through v1"), "\(outcome.text)")
  }

  // MARK: Sets

  private func sets(_ list: String, _ saved: String, errors: String = "/dev/null") throws -> BuiltCommand.Outcome {
    let making = "cat > $F.list <<'END'\n\(list)END\ncat > $F.save <<'END'\n\(saved)END\n"
    return try CommandTests.shell(
      making + "for set in $F.list $F.save; do ferrule run --brief --ipset $set $F 'eth0 tcp 192.0.2.7:1 > 198.18.5.2:80 S' "
        + "'eth0 tcp 8.8.8.8:1 > 198.18.5.2:80 S' 'eth0 tcp 8.8.8.8:1 > 198.18.5.2:443 S' 2>\(errors); done",
      with: """
        *raw
        :PREROUTING ACCEPT [0:0]
        -A PREROUTING -m set --match-set bogons4 src -j DROP
        -A PREROUTING -m set --match-set web dst,dst -j DROP
        COMMIT

        """)
  }

  @Test func whatIpsetListsIsRead() throws {
    let list = """
      Name: all
      Type: list:set
      Revision: 3
      Header: size 8
      Size in memory: 96
      References: 0
      Number of entries: 1
      Members:
      bogons4

      Name: bogons4
      Type: hash:net
      Revision: 7
      Header: family inet hashsize 1024 maxelem 65536 timeout 600 bucketsize 12 initval 0xbee8ca15
      Size in memory: 696
      References: 1
      Number of entries: 2
      Members:
      192.0.2.0/24 timeout 599 comment "from nowhere"
      10.0.0.0/8 timeout 3

      Name: web
      Type: hash:ip,port
      Revision: 5
      Header: family inet hashsize 1024 maxelem 65536 counters
      Size in memory: 200
      References: 0
      Number of entries: 1
      Members:
      198.18.5.2,tcp:443 packets 3 bytes 180

      """
    let saved = """
      create bogons4 hash:net family inet timeout 600
      create web hash:ip,port family inet counters
      create all list:set size 8
      add all bogons4
      add bogons4 192.0.2.0/24 timeout 599 comment "from nowhere"
      add bogons4 10.0.0.0/8 timeout 3
      add web 198.18.5.2,tcp:443 packets 3 bytes 180

      """
    let lines = try sets(list, saved).text.split(separator: "\n")
    #expect(lines.count == 6 && lines.prefix(3) == lines.suffix(3), "\(lines)")
    #expect(lines[0].contains("raw PREROUTING rule 1") && !lines[1].contains("dropped") && lines[2].contains("rule 2"), "\(lines)")
  }

  @Test func aListingWithoutItsMembersIsRefused() throws {
    let terse = "Name: web\nType: hash:ip\nRevision: 5\nHeader: family inet hashsize 1024 maxelem 65536\nNumber of entries: 4\n"
    #expect(try sets(terse, terse, errors: "&1").text.contains(".list:1: of the 4 elements of web 0 are listed"))
  }
}
