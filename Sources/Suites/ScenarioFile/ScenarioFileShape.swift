import Documents
import Notation
import Scenarios

/// The mappings of a scenario file.
extension FileShape {
  private static let number32 = Kind.integer(0...Int(UInt32.max))
  private static let number16 = Kind.integer(0...Int(UInt16.max))
  /// Decimal or hexadecimal.
  private static let mark = Kind.either([number32, .pattern("^0x[0-9a-fA-F]{1,8}(/0x[0-9a-fA-F]{1,8})?$")])
  private static let ruleset = Kind.text
  private static let outcome = Kind.either([.text, .object("expectation")])

  private static let surroundings: [Member] = [
    Member(
      "rules", ruleset,
      "the IPv4 ruleset in the format of iptables-save: a file name, the text itself if it has more than one line, or none: there are no IPv4 rules"
    ),
    Member("rules6", ruleset, "the IPv6 ruleset, given like `rules`"),
    Member("ipsets", .text, "the IP sets: output of `ipset save`, or the name of a file with it"),
    Member("fingerprints", .text, "the OS fingerprints for `-m osf`: the text of a pf.os file, or its name"),
    Member("snapshot", .text, "the name of a file written by `ferrule snapshot`; members given here replace those of the snapshot"),
    Member("host", .object("host"), "the host on which the rules are loaded"),
    Member(
      "mode", .choice(["sink", "stack"]),
      "sink: the host accepts packets and sends no replies (default); stack: sockets receive packets and the host replies"),
    Member("clock", .either([.seconds, .text]), "the start time of every test: seconds since 1970, or 2024-01-31T09:30:00Z"),
    Member("seed", .integer(0...Int.max), "the seed of all random choices"),
    Member("conntrack", .text, "the connections at the start of a test: output of `conntrack -L`, or the name of a file with it"),
    Member("connections", .list(.either([.text, .object("connection")])), "connections that are created by packets before a test starts"),
  ]

  static let file = FileShape(
    name: "file", title: "a scenario file",
    members: [Member("name", .text, "the name of the suite; default: the file name")] + surroundings + [
      Member("tests", .list(.object("test")), "the tests; each starts with a new host")
    ], required: ["tests"])

  static let test = FileShape(
    name: "test", title: "a test",
    members: [
      Member("name", .text, "the name of the test: what it shows"),
      Member("skip", .text, "the reason why the test is skipped"),
      Member("steps", .list(.either([.text, .object("step")])), "the steps, in order"),
      Member("expect", .object("expectation"), "the expectations at the end, for all packets of the test"),
    ] + surroundings, required: ["name", "steps"])

  static let snapshot = FileShape(name: "snapshot", title: "a snapshot", members: surroundings)

  static let connection = FileShape(
    name: "connection", title: "a connection",
    members: [
      Member("flow", .text, "addresses of the first packet as it arrived: `tcp 10.0.0.9:1000 > 10.0.1.9:80`"),
      Member("translated", .text, "source and destination of replies, if NAT changes them: `10.0.1.5:8080 > 198.51.100.1:1000`"),
      Member("state", .text, "state: `ESTABLISHED`, `SYN_SENT` and so on for TCP; `ASSURED` or `UNREPLIED` for other protocols"),
      Member("mark", number32, "its mark"),
    ], required: ["flow"])
}

extension FileShape {
  static let step = FileShape(
    name: "step", title: "a step",
    members: [
      Member("packet", .text, "a packet in the short notation: `eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S`"),
      Member(
        "reply", .text,
        "a reply to the previous packet, from the place where it arrived; given by its details: `SA`, `payload=\"220\"`, `icmp 3/3`"),
      Member("handshake", .text, "a TCP handshake: `eth0 10.0.0.9:1000 > 10.0.1.9:80`"),
      Member("close", .text, "closes a TCP connection, starting with the side named first; or the name of a socket to close"),
      Member("exchange", .text, "a complete TCP connection: handshake, request, answer, close"),
      Member("udp", .text, "a UDP datagram and the reply to it"),
      Member("ping", .text, "an echo request and its reply"),
      Member("ftp", .text, "an FTP session with a data connection"),
      Member("active", .boolean, "ftp: the server opens the data connection"),
      Member("pcap", .object("pcap"), "the packets of a capture"),
      Member("wait", .seconds, "seconds that pass before this step"),
      Member("repeat", .integer(1...100_000), "the number of times that the packet is sent"),
      Member("swap", .object("swap"), "loads other rules"),
      Member("in", .text, "a packet given by its fields arrives on this interface, as in `ferrule lab`"),
      Member("local", .anything, "a process of the host sends a packet given by its fields, as in `ferrule lab`"),
      Member("send", .text, "a socket sends its `payload`"),
      Member("fin", .boolean, "with close: false sends a reset instead of a FIN"),
      Member("flush", .boolean, "true: deletes all tracked connections"),
      Member("expect", outcome, "the expected result: a verdict, or a mapping with details"),
      Member("smac", .text, "source MAC address of the frame"), Member("dmac", .text, "destination MAC address of the frame"),
      Member("ethertype", number16, "EtherType of the frame"),
    ] + PacketSpec.memberNames.sorted().map { Member($0, .anything, "a field of the packet, as in `ferrule lab`") })

  static let pcap = FileShape(
    name: "pcap", title: "a capture",
    members: [
      Member("file", .text, "a capture file, pcap or pcapng"),
      Member(
        "interfaces", .map(.text),
        "the arrival interface by source network: `10.0.0.0/8: eth0`, `default: eth1`; or by the interface's index in the capture: `2: lan`, or its name there"
      ),
      Member("timing", .boolean, "false: no time passes between packets; default: the times of the capture"),
      Member("limit", .integer(1...10_000_000), "the maximum number of packets to read"),
    ], required: ["file", "interfaces"])

  static let swap = FileShape(
    name: "swap", title: "a swap",
    members: [Member("rules", ruleset, "IPv4 rules"), Member("rules6", ruleset, "IPv6 rules")])

  static let expectation = FileShape(
    name: "expectation", title: "an expectation",
    members: [
      Member("verdict", .text, "the verdict: accept, sent IFACE, local, drop HOOK, reject, queue N, lost, absorbed, refused, unknown"),
      Member("rule", .text, "the rule that gave the verdict: `filter INPUT 3`, `INPUT policy`, `comment TEXT`, `line N`"),
      Member("matches", .oneOrMore(.text), "rules that matched"),
      Member("misses", .oneOrMore(.text), "rules that did not match"),
      Member("reaches", .oneOrMore(.text), "chains that the packet reaches: `nat DOCKER`"),
      Member("never", .oneOrMore(.text), "chains that the packet does not reach"),
      Member("out", .text, "the interface through which the packet leaves"),
      Member("packet", .map(.anything), "fields of the packet as sent or delivered: src, dst, sport, ttl, …"),
      Member("answer", .either([.text, .map(.anything)]), "the host's answer: `tcp RA`, `icmp 3/3`, fields, or none"),
      Member("mark", mark, "the packet's mark at its last hook; `value/mask` compares some bits only"),
      Member("nat", .either([.choice(["none"]), .object("translation")]), "the address translation of its connection"),
      Member("conntrack", .either([.text, .object("tracked")]), "its tracked connection: only the state, a mapping, or none"),
      Member("queue", .either([number16, .choice(["none"])]), "the queue that held the packet"),
      Member("log", .oneOrMore(.text), "text that LOG or NFLOG wrote for the packet, or none"),
      Member(
        "counters", .map(.either([.integer(0...Int.max), .list(.integer(0...Int.max))])),
        "packets, or packets and bytes, that a rule counted since the start of the test"),
      Member(
        "ctstate", .choice(["NEW", "ESTABLISHED", "RELATED", "UNTRACKED", "INVALID", "none"]),
        "the packet's state in connection tracking, or none if nothing is tracked"),
      Member(
        "report", .oneOrMore(.text),
        "text in the packet's path as `ferrule run` prints it: a rule with its sets, why the packet is INVALID, why a table was not asked"),
      Member(
        "why", .map(.text), "text in the reason why a rule did not match: `filter INPUT 1: --match-set office`"),
      Member("errno", .text, "the error that the sender received: EPERM, or none"),
      Member("original", .text, "the result of SO_ORIGINAL_DST at the accepted socket: `198.51.100.9:80`"),
    ])

  static let translation = FileShape(
    name: "translation", title: "a translation",
    members: [
      Member("source", .text, "the new source: an address, a port, or both"),
      Member("destination", .text, "the new destination"),
    ])

  static let tracked = FileShape(
    name: "tracked", title: "a tracked connection",
    members: [
      Member("state", .text, "the state of the protocol, such as ESTABLISHED"),
      Member("status", .oneOrMore(.text), "status bits that are set: SEEN_REPLY, ASSURED, EXPECTED, SRC_NAT, DST_NAT"),
      Member("mark", mark, "its mark"),
      Member("zone", number16, "its zone"),
      Member("helper", .text, "its helper"),
      Member("timeout", .integer(0...Int(UInt32.max)), "remaining seconds"),
      Member("expectations", .integer(0...65535), "the number of connections expected by it"),
    ])

  static let all: [FileShape] = [
    file, test, snapshot, host, interface, socket, otherChain, nativeTable, answer, connection, step, pcap, swap, expectation, translation,
    tracked,
  ]
}
