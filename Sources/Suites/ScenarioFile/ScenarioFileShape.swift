import Documents
import Notation
import Scenarios

/// The mappings of a scenario file.
extension FileShape {
  private static let number32 = Kind.integer(0...Int(UInt32.max))
  private static let number16 = Kind.integer(0...Int(UInt16.max))
  /// Decimal or hexadecimal.
  private static let mark = Kind.either([number32, .pattern("^0x[0-9a-fA-F]{1,8}(/0x[0-9a-fA-F]{1,8})?$")])
  private static let scalar = Kind.either([.text, .integer(Int.min...Int.max), .boolean])
  private static let ruleset = Kind.text
  private static let outcome = Kind.either([.text, .object("expectation")])

  private static let surroundings: [Member] = [
    Member("rules", ruleset, "IPv4 rules: a file of iptables-save text, or the text itself where it has more than one line"),
    Member("rules6", ruleset, "IPv6 rules likewise"),
    Member("ipsets", .text, "`ipset save` text, or a file of it"),
    Member("fingerprints", .text, "what `-m osf` knows: the text of a pf.os, or the file"),
    Member("snapshot", .text, "a file that `ferrule snapshot` wrote; what stands beside it here takes the place of what it says"),
    Member("host", .object("host"), "the machine the rules stand on"),
    Member("mode", .choice(["sink", "stack"]), "sink: the host takes what is for it and stays silent; stack: it answers"),
    Member("clock", .either([.seconds, .text]), "the time at which every test begins: seconds since 1970, or 2024-01-31T09:30:00Z"),
    Member("seed", .integer(0...Int.max), "whatever is left to chance follows from it"),
    Member("conntrack", .text, "what `conntrack -L` printed, or a file of it: connections that are there when a test begins"),
    Member("connections", .list(.either([.text, .object("connection")])), "connections that are made by packets before a test begins"),
  ]

  static let file = FileShape(
    name: "file", title: "a scenario file",
    members: [Member("name", .text, "the name of the suite; that of the file without")] + surroundings + [
      Member("tests", .list(.object("test")), "the tests; each begins with a new host")
    ], required: ["tests"])

  static let test = FileShape(
    name: "test", title: "a test",
    members: [
      Member("name", .text, "what it shows"),
      Member("skip", .text, "why it is not run"),
      Member("steps", .list(.either([.text, .object("step")])), "what happens, one after the other"),
      Member("expect", .object("expectation"), "what holds at the end, of all packets of the test"),
    ] + surroundings, required: ["name", "steps"])

  static let snapshot = FileShape(name: "snapshot", title: "a snapshot", members: surroundings)

  static let host = FileShape(
    name: "host", title: "a host",
    members: [
      Member("interfaces", .map(.either([.list(.text), .object("interface")])), "by name, with their addresses"),
      Member("routes", .list(.text), "as `ip route` prints them: `default via 192.0.2.1 dev eth0`"),
      Member("policy", .list(.text), "as `ip rule add` takes them: `fwmark 1 table 100`"),
      Member("setup", .list(.text), "further lines for `ip -batch`, such as `link add br0 type bridge`"),
      Member(
        "neighbours", .map(.map(.text)),
        "who answers on the link of an interface: `10.0.0.9: 02:00:5e:00:00:09`, or `none` where nobody does; for those not named frames go to the interface's own address"
      ),
      Member("sysctls", .map(scalar), "by their dotted names"),
      Member("users", .map(number32), "the numbers of users"),
      Member("groups", .map(number32), "the numbers of groups"),
      Member("sockets", .list(.object("socket")), "what listens here"),
      Member(
        "queues", .map(.oneOrMore(.either([.pattern("^(accept|drop|repeat|hold|queue:[0-9]+)$"), .object("answer")]))),
        "the answers of the listener of each queue, the last of which repeats; a queue not named has none"),
      Member("fail_open", .boolean, "packets pass when a queue is full"),
      Member("queue_maxlen", number32, "how many packets may wait in each queue"),
      Member("timezone", .text, "the kernel's time zone, which -m time --kerneltz asks for: UTC, +01:00"),
    ])

  static let interface = FileShape(
    name: "interface", title: "an interface",
    members: [
      Member("addresses", .list(.text), "with their prefix lengths: `10.0.0.1/24`"),
      Member("mac", .text, "its hardware address"),
      Member("mtu", .integer(68...65535), "bytes"),
      Member("up", .boolean, "false: it is down"),
      Member("master", .text, "the bridge it is a port of"),
      Member("kind", .text, "what it was on the machine a snapshot was taken of; here it is nothing but an interface"),
    ])

  static let socket = FileShape(
    name: "socket", title: "a socket",
    members: [
      Member("name", .text, "what steps call it"),
      Member("proto", .choice(["tcp", "udp"]), "tcp where it is left out"),
      Member("port", number16, "where it listens"),
      Member("address", .text, "the address it is bound to; any without"),
      Member("transparent", .boolean, "IP_TRANSPARENT is set"),
      Member("uid", .either([number32, .text]), "its owner, for a reply"),
    ], required: ["port"])

  static let answer = FileShape(
    name: "answer", title: "an answer",
    members: [
      Member("verdict", .pattern("^(accept|drop|repeat|hold|queue:[0-9]+)$"), "what becomes of the packet"),
      Member("mark", number32, "its mark from now on"),
      Member("replace", .list(.text), "two texts: the one is replaced by the other in the payload"),
      Member("packet", .anything, "the packet that goes on in its place, by its fields"),
    ])

  static let connection = FileShape(
    name: "connection", title: "a connection",
    members: [
      Member("flow", .text, "`tcp 10.0.0.9:1000 > 10.0.1.9:80`, as its first packet came"),
      Member("translated", .text, "`10.0.1.5:8080 > 198.51.100.1:1000`: source and destination of its replies, where they differ"),
      Member("state", .text, "`ESTABLISHED`, `SYN_SENT`; for other protocols `ASSURED` or `UNREPLIED`"),
      Member("mark", number32, "its mark"),
    ], required: ["flow"])
}

extension FileShape {
  static let step = FileShape(
    name: "step", title: "a step",
    members: [
      Member("packet", .text, "a packet in the short notation: `eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S`"),
      Member("reply", .text, "a packet back from where the last one arrived, by its details: `SA`, `payload=\"220\"`, `icmp 3/3`"),
      Member("handshake", .text, "a TCP handshake: `eth0 10.0.0.9:1000 > 10.0.1.9:80`"),
      Member("close", .text, "the end of a TCP connection, begun by the side named first; or the name of a socket to close"),
      Member("exchange", .text, "a whole TCP connection: handshake, a request, an answer, the end"),
      Member("udp", .text, "a datagram and the answer to it"),
      Member("ping", .text, "an echo request and its reply"),
      Member("ftp", .text, "an FTP session with a data connection"),
      Member("active", .boolean, "ftp: the server opens the data connection"),
      Member("pcap", .object("pcap"), "the packets of a capture"),
      Member("wait", .seconds, "seconds that pass before"),
      Member("repeat", .integer(1...100_000), "how many times the packet comes"),
      Member("swap", .object("swap"), "other rules are loaded"),
      Member("in", .text, "a packet by its fields arrives on this interface, as in the lab's protocol"),
      Member("local", .anything, "a process here sends a packet by its fields, as in the lab's protocol"),
      Member("send", .text, "a socket sends its `payload`"),
      Member("fin", .boolean, "close: false resets the connection of the socket"),
      Member("flush", .boolean, "conntrack forgets everything"),
      Member("expect", outcome, "what comes of it: a verdict, or more"),
      Member("smac", .text, "the frame's source"), Member("dmac", .text, "its destination"),
      Member("ethertype", number16, "its type"),
    ] + PacketSpec.memberNames.sorted().map { Member($0, .anything, "a field of the packet, as in the lab's protocol") })

  static let pcap = FileShape(
    name: "pcap", title: "a capture",
    members: [
      Member("file", .text, "pcap or pcapng"),
      Member("interfaces", .map(.text), "the interface on which packets from a network arrive: `10.0.0.0/8: eth0`, `default: eth1`"),
      Member("timing", .boolean, "false: no time passes between the packets"),
      Member("limit", .integer(1...10_000_000), "no more packets than so many"),
    ], required: ["file", "interfaces"])

  static let swap = FileShape(
    name: "swap", title: "a swap",
    members: [Member("rules", ruleset, "IPv4 rules"), Member("rules6", ruleset, "IPv6 rules")])

  static let expectation = FileShape(
    name: "expectation", title: "an expectation",
    members: [
      Member("verdict", .text, "accept, sent IFACE, local, drop HOOK, reject, queue N, lost, absorbed, refused, unknown"),
      Member("rule", .text, "the rule that decided: `filter INPUT 3`, `INPUT policy`, `comment TEXT`, `line N`"),
      Member("matches", .oneOrMore(.text), "rules that matched"),
      Member("misses", .oneOrMore(.text), "rules that did not match"),
      Member("reaches", .oneOrMore(.text), "chains that the packet came to: `nat DOCKER`"),
      Member("never", .oneOrMore(.text), "chains that it did not come to"),
      Member("out", .text, "the interface it left through"),
      Member("packet", .map(.anything), "its fields as it left or was delivered: src, dst, sport, ttl, …"),
      Member("answer", .either([.text, .map(.anything)]), "what the host answered: `tcp RA`, `icmp 3/3`, fields, or none"),
      Member("mark", mark, "the packet's mark at its last hook, `value/mask` to look at some bits"),
      Member("nat", .either([.choice(["none"]), .object("translation")]), "how its connection is translated"),
      Member("conntrack", .either([.text, .object("tracked")]), "its connection; the state alone, or none"),
      Member("queue", .either([number16, .choice(["none"])]), "the queue it stood in"),
      Member("log", .oneOrMore(.text), "text that LOG or NFLOG wrote on it, or none"),
      Member(
        "counters", .map(.either([.integer(0...Int.max), .list(.integer(0...Int.max))])),
        "packets, or packets and bytes, that a rule has counted since the test began"),
      Member("errno", .text, "the error its sender got: EPERM, or none"),
      Member("original", .text, "what SO_ORIGINAL_DST tells the socket that accepted: `198.51.100.9:80`"),
    ])

  static let translation = FileShape(
    name: "translation", title: "a translation",
    members: [
      Member("source", .text, "what its source became: an address, a port, or both"),
      Member("destination", .text, "what its destination became"),
    ])

  static let tracked = FileShape(
    name: "tracked", title: "a tracked connection",
    members: [
      Member("state", .text, "the protocol's state: ESTABLISHED"),
      Member("status", .oneOrMore(.text), "bits of its status that are set: SEEN_REPLY, ASSURED, EXPECTED, SRC_NAT, DST_NAT"),
      Member("mark", mark, "its mark"),
      Member("zone", number16, "its zone"),
      Member("helper", .text, "its helper"),
      Member("timeout", .integer(0...Int(UInt32.max)), "seconds that remain"),
      Member("expectations", .integer(0...65535), "how many connections are expected after it"),
    ])

  static let all: [FileShape] = [
    file, test, snapshot, host, interface, socket, answer, connection, step, pcap, swap, expectation, translation, tracked,
  ]
}
