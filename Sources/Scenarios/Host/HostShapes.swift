package import Documents

/// The mappings of a description of a host. Scenario files, snapshots and files for `--host` have the same.
extension FileShape {
  private static let number32 = Kind.integer(0...Int(UInt32.max))
  private static let number16 = Kind.integer(0...Int(UInt16.max))
  private static let scalar = Kind.either([.text, .integer(Int.min...Int.max), .boolean])

  package static let host = FileShape(
    name: "host", title: "the description of a host",
    members: [
      Member("interfaces", .map(.either([.list(.text), .object("interface")])), "the interfaces by name, each with its addresses"),
      Member(
        "routes", .list(.text),
        "the routes as `ip route` prints them: `default via 192.0.2.1 dev eth0`; [] if there are none. Without this member they are unknown"
      ),
      Member("policy", .list(.text), "the routing rules as for `ip rule add`: `fwmark 1 table 100`"),
      Member("rules", .list(.text), "the same as policy"),
      Member("setup", .list(.text), "further commands as for `ip -batch`: `link add br0 type bridge`"),
      Member(
        "neighbours", .map(.map(.text)),
        "the MAC addresses of neighbours on an interface: `10.0.0.9: 02:00:5e:00:00:09`, or `none` if no neighbour answers; frames to other neighbours have the interface's own MAC address"
      ),
      Member(
        "multicast", .map(.list(.text)),
        "the multicast groups that programs have joined, by interface: `eth0: [224.0.0.251]`, with `filtered` behind the address if they want packets of some sources only; {} if there are none. Without this member they are unknown, but for those that the kernel joins by itself"
      ),
      Member(
        "sysctls", .map(scalar),
        "sysctls by their dotted names; without them the host forwards, does not check sources (rp_filter) and limits no ICMP errors"),
      Member("users", .map(number32), "user IDs by user name"),
      Member("groups", .map(number32), "group IDs by group name"),
      Member(
        "sockets", .list(.object("socket")),
        "the sockets that listen on the host; without this member, what `-m socket` and TPROXY find is unknown"),
      Member(
        "queues", .map(.oneOrMore(.either([.pattern("^(none|accept|drop|repeat|hold|queue:[0-9]+)$"), .object("answer")]))),
        "the verdicts of the program that listens to each queue, in order; the last one repeats; `none` if no program listens, as to other queues. Without this member all listeners are unknown"
      ),
      Member("fail_open", .boolean, "true: packets pass if a queue is full"),
      Member("queue_maxlen", number32, "the maximum number of packets in each queue"),
      Member("tick_phase", .seconds, "how long before the start of a second a tick of the kernel's clock (4 ms) began; default 0"),
      Member("clock", .either([.seconds, .text]), "the time at which a run or test starts: seconds since 1970, or 2024-01-31T09:30:00Z"),
      Member("backend", .choice(["legacy", "nft"]), "the variant of iptables that holds the rules; default legacy"),
      Member("chains", .list(.object("other-chain")), "chains at hooks beside the rules, as `ferrule snapshot` lists them"),
      Member(
        "nftables", .list(.object("nft-table")),
        "the rules of those chains, by table; a packet that meets a chain without rules here is unknown where the chain may drop or change it"
      ),
      Member("timezone", .text, "the kernel's time zone, on which rules about local time depend: UTC, +01:00"),
    ])

  package static let interface = FileShape(
    name: "interface", title: "an interface",
    members: [
      Member("addresses", .list(.text), "addresses with prefix lengths, or ADDRESS peer PREFIX, in the order of `ip addr add`"),
      Member("mac", .text, "MAC address"),
      Member("mtu", .integer(68...Int(Int32.max)), "MTU in bytes"),
      Member("up", .boolean, "false: the interface is down; default true"),
      Member(
        "carrier", .boolean,
        "false: the link is down, so that routes over it are ignored where net.ipv4.conf.IFACE.ignore_routes_with_linkdown says so; default true"
      ),
      Member("noarp", .boolean, "false: neighbours are resolved; default true: frames go to the MAC address of the interface itself"),
      Member("group", number32, "the number of its group; without this member it is unknown"),
      Member("master", .text, "the bridge of which the interface is a port"),
      Member("bridge", .text, "the same as master"), Member("type", .text, "`bridge` makes the interface a bridge"),
      Member("kind", .text, "the kind of the interface on the machine of the snapshot; `bridge` makes it a bridge, others have no effect"),
    ])

  package static let socket = FileShape(
    name: "socket", title: "a socket",
    members: [
      Member("name", .text, "the name by which steps refer to the socket"),
      Member("proto", .choice(["tcp", "udp"]), "protocol; default tcp"),
      Member("port", number16, "local port"),
      Member("address", .text, "local address; default any"),
      Member("device", .text, "the interface that it is bound to (SO_BINDTODEVICE); default any"),
      Member("v6only", .boolean, "true: bound to `::`, it receives no IPv4 (IPV6_V6ONLY)"),
      Member("transparent", .boolean, "true: IP_TRANSPARENT is set"),
      Member("uid", .either([number32, .text]), "the user who owns the socket and its replies; default root"),
      Member("gid", .either([number32, .text]), "the group that owns them; default root"),
      Member("mark", number32, "the mark of its packets (SO_MARK); default 0"),
    ], required: ["port"])

  package static let answer = FileShape(
    name: "answer", title: "an answer",
    members: [
      Member("verdict", .pattern("^(accept|drop|repeat|hold|queue:[0-9]+)$"), "the verdict for the packet"),
      Member("mark", number32, "the new mark of the packet"),
      Member("replace", .list(.text), "two texts: the first is replaced by the second in the payload"),
      Member("packet", .anything, "the packet that replaces it, given by its fields"),
    ])
}
