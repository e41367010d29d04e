import Evaluator
import Extensions
import Kernel
import TestSupport
import Testing
import XTables

@testable import KernelLab

/// What the lab sends over netlink makes of a namespace what `ip -batch` and `ipset restore` make of it for the same text.
@Suite(.asRoot) struct LabNetworkTests {
  private static let links = [
    "link add d0 address 02:00:00:00:00:01 type veth peer name p0 address 02:00:00:00:00:11",
    "link add d1 address 02:00:00:00:00:02 type veth peer name p1 address 02:00:00:00:00:12",
    "link add br0 address 02:00:00:00:00:03 type bridge",
    "link set p0 up", "link set p1 up", "link set d0 up", "link set d1 up", "link set br0 up", "addr add 10.0.0.1/24 dev d0",
    "addr add 10.0.1.1/24 dev d1", "addr add fd00::1/64 dev d0 nodad",
  ]

  /// Runs work in a namespace with links made by `ip`, and says what stands there afterwards.
  private static func outcome(_ work: @escaping @Sendable () throws -> [Bool]) throws -> (answers: [Bool], text: String) {
    try NetworkNamespace.onNewThread {
      try LabHost.prepare(usesIPv6: true)
      for line in links { try #require(try ip(line), "\(line)") }
      let answers = try work()
      let dump = """
        for i in $(seq 100); do ip -6 route show table local | grep -q 'local fd00::1' && break; sleep 0.01; done
        for f in -4 -6; do ip $f route show table all | grep -v 'fe80\\|ff00' | sort; ip $f rule; done
        ip addr show | grep -v qdisc; ip -d link show br0 | grep -o 'mcast_snooping .'; ip link show | sed -n 's/.*\\(mtu [0-9]*\\).*\\(group [^ ]*\\).*/\\1 \\2/p'; ip neigh show nud all | grep -v NOARP | sort
        """
      return (answers, try HostProcess.run("sh", ["-c", dump]).output)
    }
  }

  private static func ip(_ line: String) throws -> Bool {
    try HostProcess.run("ip", line.split(separator: " ").map(String.init)).status == 0
  }

  private static func netlink(_ line: String) throws -> Bool {
    var network = try LabNetwork()
    let command = LabPlan.Line(place: "test", text: line, command: try IPCommand(line))
    do throws(KernelError) {
      try network.apply(command)
      return true
    } catch {
      #expect(error.description.hasPrefix("test: `\(line)'"))
      return false
    }
  }

  @Test(arguments: [
    [
      "route add default via 10.0.0.254 dev d0", "route add 192.0.2.0/24 via 10.0.1.9", "route add 10.9.0.0/16 dev d1", "route del default",
    ],
    [
      "route add unreachable 172.16.0.0/12", "route add prohibit 172.32.0.0/16 metric 7", "route add blackhole 10.5.0.0/16 table 100",
      "route add throw 10.6.0.0/16",
    ],
    [
      "route del 172.16.0.0/12", "route add unreachable 172.16.0.0/12", "route del 172.16.0.0/12", "route add 10.0.0.9/24 dev d0",
      "route add default via 192.0.2.1",
    ],
    [
      "route add default via 10.0.0.254 dev d0 table 1000 tos 0x10 realms 3/4 mtu lock 1300 src 10.0.0.1 metric 5",
      "route append default dev d1 metric 5",
    ],
    ["route add default dev d0", "route replace default via 10.0.1.9", "route change default dev d1 metric 3", "route add default dev d1"],
    [
      "route add default nexthop via 10.0.0.9 dev d0 weight 3 nexthop via 10.0.1.9 dev d1 realm 7",
      "route add 10.8.0.0/16 nexthop dev d0 nexthop dev d1 weight 9",
    ],
    [
      "route add local 192.0.2.0/24 dev lo table 100", "route add local default dev lo table 101", "route add broadcast 10.0.0.200 dev d0",
      "route add multicast 224.9.0.0/16 dev d0",
    ],
    [
      "route add 198.51.100.0/24 via 203.0.113.1 dev d0 onlink", "route add 198.51.101.0/24 via inet6 fd00::9 dev d0",
      "route add 10.7.0.0/16 dev d0 scope host",
    ],
    [
      "-6 route add default via fd00::9", "-6 route add fd01::/64 dev d1 metric 9", "-6 route add unreachable fd02::/64",
      "route add fd03::/64 via fd00::9 dev d0 table 100",
      "-6 route add default nexthop via fd00::9 dev d0 nexthop via fd00::8 dev d0", "-6 route add local fd04::/64 dev lo table 100",
      "-6 route del fd01::/64",
    ],
    [
      "rule add fwmark 1 table 100", "rule add pref 50 from 10/8 to 192.0.2.0/24 iif d0 oif d1 fwmark 0x10/0xff tos 0x10 lookup 1000",
      "rule add not from 10.0.0.0/8 prohibit",
      "rule add pref 60 ipproto tcp dport 80-90 sport 7 uidrange 5-9 blackhole", "rule add pref 70 goto 32766", "rule add pref 71 nop",
      "rule add from 10.1.0.0/16 realms 3/4 table main",
      "rule add pref 80 lookup main suppress_prefixlength 0", "rule add to 10.2.0.0/16 unreachable", "rule del pref 50",
      "rule del fwmark 1", "rule del pref 99",
    ],
    ["-6 rule add from fd00::/8 table 100", "-6 rule add fwmark 7 lookup 100", "-6 rule add ipproto udp dport 53 lookup 100"],
    [
      "addr add 10.3.0.1/24 brd + dev d0", "addr add 10.4.0.1 peer 10.4.0.2/32 dev d1", "addr add 10.244.1.1/2 dev d1",
      "addr add 169.254.0.1/16 scope link dev d1",
      "addr add 127.0.0.2/8 dev lo", "addr add 10.3.1.1/24 dev d0 noprefixroute", "addr del 10.0.1.1/24 dev d1",
      "addr add 10.0.0.1/24 dev d0", "addr add fd05::1/64 dev d1 nodad",
      "addr replace 10.3.0.1/24 dev d0",
    ],
    [
      "link set d0 mtu 1400", "link set d1 address 02:00:00:00:00:77", "link set d0 master br0", "link set d1 group 7", "link set d1 down",
      "link set d1 arp off", "link set d0 nomaster",
      "link set d9 up", "link add d2 mtu 900 address 02:00:00:00:00:66 type dummy", "link add d2 type dummy",
      "link add d3 mtu 900 address 02:00:00:00:00:67 type bridge", "link add d3 type bridge", "link set d3 up",
    ],
    [
      "neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev d0 nud permanent", "neigh add 10.0.0.10 dev d0 nud failed",
      "neigh replace 10.0.0.9 lladdr 02:00:00:00:00:19 dev d0",
      "neigh add fd00::9 lladdr 02:00:00:00:00:09 dev d0", "neigh add 10.0.1.9 lladdr 02:00:00:00:00:09 dev d1",
      "neigh del 10.0.1.9 dev d1", "neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev d0",
    ],
  ]) func theLabDoesWhatIPDoes(_ lines: [String]) throws {
    let ours = try Self.outcome { try lines.map { try Self.netlink($0) } }
    let theirs = try Self.outcome { try lines.map { try Self.ip($0) } }
    #expect(zip(lines, zip(ours.answers, theirs.answers)).filter { $0.1.0 != $0.1.1 }.map(\.0) == [])
    #expect(ours.text == theirs.text)
  }

  @Test func aBridgeOfTheLabDoesNotListenForMulticast() throws {
    let ours = try Self.outcome {
      [try Self.netlink("link add br9 type bridge"), try Self.ip("link del br0"), try Self.netlink("link add br0 type bridge")]
    }
    #expect(ours.answers == [true, true, true] && ours.text.contains("mcast_snooping 0"))
  }

  private static let sets = """
    create a hash:ip family inet hashsize 1024 maxelem 100 timeout 600 counters skbinfo
    add a 10.0.0.1 timeout 0 packets 5 bytes 600 skbmark 0x10/0xff skbprio 1:10 skbqueue 3
    create b hash:net family inet6 hashsize 1024 maxelem 65536
    add b 2001:db8::/32
    add b 2001:db8:1::/48 nomatch
    create c bitmap:port range 0-1000
    add c 80
    create d bitmap:ip range 10.0.0.0/16 netmask 24
    add d 10.0.5.0
    create e hash:ip,port,net family inet hashsize 1024 maxelem 65536
    add e 10.0.0.1,tcp:80,10.1.0.0/16
    create f hash:net,iface family inet hashsize 1024 maxelem 65536
    add f 10.0.0.0/8,eth0
    add f 10.0.0.0/8,physdev:eth1
    add f 10.1.0.0/16,eth wildcard
    create g hash:mac hashsize 1024 maxelem 65536
    add g 02:00:00:00:00:09
    create h hash:ip,mark family inet markmask 0xff hashsize 1024 maxelem 65536
    add h 10.0.0.1,0x5
    create i hash:ip family inet netmask 24 hashsize 1024 maxelem 65536
    add i 10.7.0.0
    create j hash:net,net family inet hashsize 1024 maxelem 65536 forceadd
    add j 10.0.0.0/8,10.1.0.0/16
    create k hash:net,port family inet hashsize 1024 maxelem 65536
    add k 10.0.0.0/8,udp:53
    add k 10.0.0.0/8,icmp:8/0
    create l hash:net,port,net family inet hashsize 1024 maxelem 65536
    add l 10.0.0.0/8,tcp:22,10.1.0.0/16
    create m bitmap:ip,mac range 10.0.0.0/24
    add m 10.0.0.5,02:00:00:00:00:09
    create n hash:ip,port family inet6 hashsize 1024 maxelem 65536
    add n fd00::1,sctp:7
    create o hash:ip,port,ip family inet hashsize 1024 maxelem 65536
    add o 10.0.0.1,tcp:80,10.0.0.2
    create p hash:ip,mac family inet hashsize 1024 maxelem 65536
    add p 10.0.0.1,02:00:00:00:00:09
    create odd;$(name)|'# hash:ip family inet hashsize 1024 maxelem 65536
    create z list:set size 8
    add z b
    add z a

    """

  /// What `ipset save` prints of the sets that were made, without what the kernel draws by chance or derives.
  private static func saved(_ make: @escaping @Sendable () throws -> Bool) throws -> String {
    try NetworkNamespace.onNewThread {
      guard try make() else { return "refused" }
      let plain = "ipset save | sed 's/ bucketsize [0-9]*//; s/ initval 0x[0-9a-f]*//; s/ size [0-9]*//; s/ *$//' | sort"
      return try HostProcess.run("sh", ["-c", plain]).output
    }
  }

  /// The text of each set alone, and of all together; a kernel has not every type.
  static let setTexts: [String] = {
    var texts: [String] = []
    for line in sets.split(separator: "\n") {
      if line.hasPrefix("create") { texts.append("") }
      texts[texts.count - 1] += line + "\n"
    }
    return texts.map { $0.hasPrefix("create z") ? texts[0] + texts[1] + $0 : $0 }
  }()

  @Test(arguments: setTexts) func setsAreThoseThatIpsetMakes(_ text: String) throws {
    let ours = try Self.saved {
      var maker = try KernelSets(now: 0)
      return (try? maker.make(try AddressSets(saved: text).all)) != nil
    }
    let theirs = try Self.saved { try HostProcess.run("ipset", ["restore"], input: text).status == 0 }
    #expect(ours == theirs)
    if ours == "refused" { print("this kernel does NOT have the type of: \(text)") }
  }
}
