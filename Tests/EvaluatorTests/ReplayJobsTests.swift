import Conntrack
import Diagnostics
import Evaluator
import Extensions
import Notation
import Syntax
import TestSupport
import Testing
import Wire
import XTables

@testable import Suites

@Suite("Frames that several simulators carry at the same time")
struct ReplayJobsTests {
  private struct Frames: ReplayFrames {
    let frames: [ReplayFrame]
    /// The number of frames after which reading fails; nil if it does not.
    var damage: Int?
    private var next = 0

    init(_ frames: [ReplayFrame], damage: Int? = nil) { (self.frames, self.damage) = (frames, damage) }

    mutating func next(_ frame: inout ReplayFrame) throws -> Bool {
      if next == damage { throw Damaged() }
      guard next < frames.count else { return false }
      frame = frames[next]
      next += 1
      return true
    }
  }

  private struct Damaged: Error {}

  private struct Outcome: Equatable {
    var text = ""
    var totals = ""
    var oneSided = 0
    var surprises = 0
    var skipped = 0
    var connections: [String] = []
    var rules = ""
  }

  private static let window = 128

  private static func record(_ hasLines: Bool) throws -> CarriageRecord {
    CarriageRecord(hasLines ? .lines { $0.text } : .totals, expected: try VerdictPattern("sent"))
  }

  private static func lane(
    _ rules: String, _ frames: Frames, _ hasLines: Bool, _ share: FlowShare = .all
  ) throws -> ReplayLane {
    ReplayLane(PacketRunner(try simulator(rules), assumesDefaults: false), frames, try record(hasLines), share: share)
  }

  private static func simulator(_ rules: String) throws -> Simulator {
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(
      SourceFile(name: "rules", bytes: Array(rules.utf8)))
    try #require(!parsed.hasErrors, "\(parsed.diagnostics.map(\.message))")
    let host = try Host(yaml: SimulatorTests.host)
    // Scenarios have no limits of ICMP errors.
    (host.sysctls["net.ipv4.icmp_ratelimit"], host.sysctls["net.ipv4.icmp_ratemask"]) = (1000, 6168)
    return try Simulator(host: host, rulesets: [parsed.ruleset], clock: 1_000_000_000, seed: 1)
  }

  private static func counted(_ rulesets: [Ruleset]) -> String {
    rulesets.flatMap { $0.tables }.map {
      String(decoding: RulePrinter(family: $0.family, names: .builtin).table($0, counters: true), as: UTF8.self)
    }.joined()
  }

  /// Carries the frames in one simulator.
  private static func alone(_ rules: String, _ frames: [ReplayFrame], _ hasLines: Bool, silently: Int = 0) throws -> Outcome {
    let lane = try lane(rules, Frames(frames), hasLines)
    try lane.repeatSilently(upTo: silently)
    while !lane.isOver { try lane.carry(upTo: lane.position + 100) }
    var lines: [UInt8] = []
    lane.takeLines(into: &lines)
    let record = lane.finish()
    let connections = lane.simulator.connections()
    return Outcome(
      text: String(decoding: lines, as: UTF8.self), totals: record.summary.text(connections), oneSided: record.directions.oneSided,
      surprises: record.surprises, skipped: lane.skipped, connections: connections.map(\.extendedLine).sorted(),
      rules: counted(lane.simulator.rulesets()))
  }

  /// Carries the frames in several simulators, and in one from where that is not possible any more.
  private static func together(
    _ rules: String, _ frames: [ReplayFrame], _ hasLines: Bool, jobs: Int
  ) throws -> (outcome: Outcome, end: ReplayJobs.End) {
    let lanes = try FlowShare.shares(jobs).map { try lane(rules, Frames(frames), hasLines, $0) }
    let replay = ReplayJobs(lanes, window: window)
    var lines: [UInt8] = []
    let end = try replay.run {
      lines += $0
      $0 = []
    }
    let text = String(decoding: lines, as: UTF8.self)
    if case .tied(_, let done) = end {
      var rest = try alone(rules, frames, hasLines, silently: done)
      rest.text = text + rest.text
      return (rest, end)
    }
    let record = replay.finish()
    let connections = replay.connections
    let outcome = Outcome(
      text: text, totals: record.summary.text(connections), oneSided: record.directions.oneSided, surprises: record.surprises,
      skipped: replay.skipped, connections: connections.map(\.extendedLine).sorted(), rules: counted(replay.rulesets))
    return (outcome, end)
  }

  // MARK: Drawn rules and captures

  private static let raw = [
    "-A PREROUTING -p udp -m udp --dport 84 -j NOTRACK", "-A PREROUTING -s 10.0.0.7/32 -j CT --zone 7",
    "-A PREROUTING -d 10.0.0.7/32 -j CT --zone 7",
  ]
  private static let mangle = [
    "-A PREROUTING -p tcp -m dscp --dscp 0x04 -j MARK --set-xmark 0x7/0xffffffff", "-A FORWARD -p tcp -m tcp --dport 82 -j TTL --ttl-set 9",
    "-A FORWARD -m conntrack --ctstate NEW -j CONNMARK --set-xmark 0x3/0xffffffff", "-A POSTROUTING -j CONNMARK --restore-mark",
    "-A POSTROUTING -p udp -m length --length 60:1000 -j DSCP --set-dscp 0x0a",
    "-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1200",
  ]
  private static let filter = [
    "-A FORWARD -m conntrack --ctstate INVALID -j DROP", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -p tcp -m tcp --dport 80 -j own", "-A FORWARD -p tcp -m tcp --dport 81 -j LOG --log-prefix \"web \"",
    "-A FORWARD -p icmp -m icmp --icmp-type 3 -j DROP", "-A FORWARD -m connmark --mark 0x3 -j own", "-A FORWARD -m mark --mark 0x7 -j DROP",
    "-A FORWARD -p tcp -m multiport --dports 82,83 -m ttl --ttl-lt 60 -j DROP", "-A FORWARD -s 10.0.0.4/30 -i eth0 -j own",
    "-A own -p udp -m udp --dport 83:85 -j RETURN",
    "-A own -m connbytes --connbytes 3 --connbytes-dir both --connbytes-mode packets -j ACCEPT",
    "-A own -m tos --tos 0x10/0x3f -j DROP", "-A own -d 10.0.1.0/29 -j ACCEPT",
  ]

  private static func rules(_ random: inout SeededRandom) -> String {
    func some(_ lines: [String]) -> String {
      lines.shuffled(using: &random).filter { _ in Int.random(in: 0..<4, using: &random) > 0 }.map { $0 + "\n" }.joined()
    }
    let policy = Bool.random(using: &random) ? "ACCEPT" : "DROP"
    return "*raw\n\(some(raw))COMMIT\n*mangle\n\(some(mangle))COMMIT\n"
      + "*filter\n:FORWARD \(policy) [0:0]\n:own - [0:0]\n\(some(filter))COMMIT\n"
  }

  /// What a few frames are that may not be carried apart from others.
  private enum Odd: CaseIterable { case last, fragment }

  /// A frame of a flow between a few hosts.
  private static func frame(_ random: inout SeededRandom, _ odd: Odd? = nil) throws -> ReplayFrame {
    func rarely(_ times: Int) -> Bool { Int.random(in: 0..<times, using: &random) == 0 }
    let isForward = Bool.random(using: &random)
    let client = IPAddress.v4(IPv4Address(10, 0, 0, UInt8.random(in: 2...9, using: &random)))
    let server = IPAddress.v4(IPv4Address(10, 0, 1, UInt8.random(in: 2...9, using: &random)))
    let proto: IPProtocol = rarely(8) ? .icmp : rarely(3) ? .udp : .tcp
    var fields = isForward ? PacketFields(client, server, proto: proto) : PacketFields(server, client, proto: proto)
    let (port, own) = (UInt16.random(in: 80...85, using: &random), UInt16.random(in: 1000...1001, using: &random))
    (fields.sourcePort, fields.destinationPort) = isForward ? (own, port) : (port, own)
    fields.icmpType = isForward ? 8 : 0
    fields.icmpIdentifier = own
    let isOpening = rarely(6)
    fields.tcpFlags = isOpening ? (isForward ? .syn : [.syn, .ack]) : rarely(30) ? .rst : .ack
    fields.sequence = isOpening ? 1 : 2
    fields.acknowledgment = isOpening && isForward ? 0 : 2
    fields.tos = rarely(5) ? 0x10 : 0
    fields.payload = [UInt8](repeating: 1, count: [0, 4, 40, 90].randomElement(using: &random) ?? 0)
    fields.hasBadChecksum = rarely(40)
    if odd == .last, rarely(200) { fields.ttl = 1 }
    if odd == .fragment, rarely(400) { fields.fragment = PacketFields.Fragment(offset: 0, length: 8, moreFragments: true) }
    var packet = try fields.packet()
    var isFromClients = isForward
    // A router on the way reports what happened to a packet: to the sender of the packet.
    if rarely(12) {
      var error = PacketFields(.v4(IPv4Address(10, 0, isForward ? 1 : 0, 99)), isForward ? client : server, proto: .icmp)
      (error.icmpType, error.icmpCode) = (3, 1)
      error.quoted = Array(packet.bytes.prefix(28))
      packet = try error.packet()
      isFromClients = !isForward
    }
    return ReplayFrame(
      packet: packet, interface: isFromClients ? "eth0" : "eth1",
      passed: rarely(200) ? 45_000_000_000 : UInt64.random(in: 0..<20_000_000, using: &random), isOutgoing: rarely(50))
  }

  @Test("they print, count and track what one simulator does", arguments: 0..<8)
  func severalSimulatorsDoWhatOneDoes(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    let rules = Self.rules(&random)
    let simulator = try Self.simulator(rules)
    #expect(simulator.flowTies() == [], "\(rules)")
    let frames = try (0..<800).map { _ in try Self.frame(&random) }
    for (hasLines, jobs) in [(true, 2), (false, 3), (true, 5)] {
      let one = try Self.alone(rules, frames, hasLines)
      let several = try Self.together(rules, frames, hasLines, jobs: jobs)
      #expect(several.end == .complete && several.outcome == one, "\(jobs) jobs, \(rules)")
      #expect(hasLines ? one.text.split(separator: "\n").count + one.skipped == frames.count : one.text.isEmpty)
      #expect(one.skipped > 0 && (one.connections.count > 10 || rules.contains("FORWARD DROP")))
    }
  }

  @Test("one simulator carries all if a packet may matter for other hosts, and the lines before it are not repeated")
  func packetsThatMatterForOthersAreNoticed() throws {
    var reasons = Set<Substring>()
    for (seed, odd) in zip(10..<16, Odd.allCases + Odd.allCases + Odd.allCases) {
      var random = SeededRandom(seed: UInt64(seed))
      let rules = Self.rules(&random)
      let frames = try (0..<800).map { _ in try Self.frame(&random, odd) }
      let one = try Self.alone(rules, frames, true)
      let several = try Self.together(rules, frames, true, jobs: 3)
      #expect(several.outcome == one, "\(rules)")
      guard case .tied(let reason, let done) = several.end else { continue }
      #expect(done % Self.window == 0, "\(reason)")
      reasons.insert(reason.drop { $0 != " " }.dropFirst().drop { $0 != " " })
    }
    #expect(
      reasons == [
        " is a fragment, an ICMPv6 redirect or malformed", " used what packets of all hosts share, such as a limit of what the host sends",
      ], "\(reasons)")
  }

  @Test("a table of connections that may become full is noticed")
  func aFullTableIsNoticed() throws {
    var random = SeededRandom(seed: 5)
    let frames = try (0..<600).map { _ in try Self.frame(&random) }
    let rules = "*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"
    let lanes = try FlowShare.shares(2).map { share in
      let lane = try Self.lane(rules, Frames(frames), true, share)
      lane.simulator.conntrackSettings.max = 20
      return lane
    }
    let end = try ReplayJobs(lanes, window: 50).run { $0 = [] }
    guard case .tied(let reason, let done) = end else { return #expect(end != .complete) }
    #expect(reason == "the table of connections may become full" && done < 600 && done % 50 == 0)
  }

  @Test("after damage in a capture, the lines before it are written, and the error is thrown")
  func damageEndsAllAtOnePlace() throws {
    var random = SeededRandom(seed: 6)
    let frames = try (0..<300).map { _ in try Self.frame(&random) }
    let rules = Self.rules(&random)
    let lanes = try FlowShare.shares(3).map { try Self.lane(rules, Frames(frames, damage: 200), true, $0) }
    var lines: [UInt8] = []
    #expect(throws: Damaged.self) {
      try ReplayJobs(lanes, window: 64).run {
        lines += $0
        $0 = []
      }
    }
    #expect(String(decoding: lines, as: UTF8.self) == (try Self.alone(rules, Array(frames.prefix(200)), true).text))
  }

  @Test("totals of shares keep the flows that came first")
  func mergedFlowsAreTheFirst() throws {
    func tuple(_ port: Int) throws -> Tuple {
      try #require(
        Tuple(
          proto: .tcp, source: .v4(IPv4Address(10, 0, 0, 1)), sourceID: UInt16(port), destination: .v4(IPv4Address(10, 0, 0, 2)),
          destinationID: 80))
    }
    var (one, other) = (FlowTable<Int>(), FlowTable<Int>())
    for (position, port) in [5, 1, 5, 2, 6, 3].enumerated() {
      (one.position, other.position) = (position, position)
      if port < 4 {
        _ = try one.update(tuple(port), upTo: 4, initial: 0) { $0 += 1 }
      } else {
        _ = try other.update(tuple(port), upTo: 4, initial: 0) { $0 += 1 }
      }
    }
    let rest = one.merge(other, upTo: 4)
    #expect(one.flows.map(\.tuple.sourceID) == [5, 1, 2, 6] && one.flows.map(\.value) == [2, 1, 1, 1])
    let (last, beyond) = (try tuple(6), try tuple(3))
    #expect(rest.map(\.tuple.sourceID) == [3] && one[last] == 1 && one[beyond] == nil)
  }

  // MARK: What ties packets together

  @Test(
    "rules that remember packets of other hosts are named",
    arguments: [
      (
        "filter", "-A FORWARD -m limit --limit 1/s -j ACCEPT",
        "`-m limit' in rule 1 of filter FORWARD keeps a memory of packets of all hosts"
      ),
      ("filter", "-A FORWARD -m recent --set", "`-m recent' in rule 1 of filter FORWARD keeps a memory of packets of all hosts"),
      ("filter", "-A FORWARD -m statistic --mode nth --every 2 --packet 0 -j DROP", "`-m statistic' in rule 1 of"),
      ("filter", "-A FORWARD -p tcp -m connlimit --connlimit-above 3 -j DROP", "`-m connlimit' in rule 1 of"),
      ("filter", "-A FORWARD -j NFQUEUE --queue-num 3", "`-j NFQUEUE' in rule 1 of filter FORWARD acts on packets of all hosts together"),
      ("filter", "-A FORWARD -j QUEUE", "`-j QUEUE' in rule 1 of filter FORWARD holds packets of all hosts in one queue"),
      ("nat", "-A POSTROUTING -o eth1 -j MASQUERADE", "`-j MASQUERADE' in rule 1 of nat POSTROUTING acts on"),
      ("raw", "-A PREROUTING -p tcp --dport 21 -j CT --helper ftp", "`-j CT' in rule 1 of raw PREROUTING acts on"),
      ("raw", "-A PREROUTING -j CT --zone-orig 3", "`-j CT' in rule 1 of raw PREROUTING acts on"),
    ])
  func rulesThatTieAreNamed(table: String, rule: String, sentence: String) throws {
    let ties = try Self.simulator("*\(table)\n\(rule)\nCOMMIT\n").flowTies()
    #expect(ties.count == 1 && ties.allSatisfy { $0.hasPrefix(sentence) }, "\(ties)")
  }

  @Test("hosts whose state all packets change are named")
  func hostsThatTieAreNamed() throws {
    let rules = "*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"
    let simulator = try Self.simulator(rules)
    simulator.delivery = .stack
    #expect(simulator.flowTies() == ["the host answers by its sockets"])
    let bridge = try Self.simulator(rules)
    try bridge.configure(ipCommand: "link add br0 type bridge")
    #expect(bridge.flowTies() == ["a bridge of the host learns from all packets"])
    let known = try Self.simulator(rules)
    let line =
      "tcp 6 431999 ESTABLISHED src=10.0.0.9 dst=10.0.1.9 sport=1000 dport=80 src=10.0.1.9 dst=10.0.0.9 sport=80 dport=1000 [ASSURED] use=1\n"
    #expect(known.restore(ConnectionListing(Array(line.utf8))).isEmpty)
    #expect(known.flowTies() == ["there are connections before the first packet"])
  }

  @Test("both directions, and errors about them, are in one share; fragments are in none")
  func sharesKeepConnectionsTogether() throws {
    var random = SeededRandom(seed: 8)
    var used = Set<Int>()
    for _ in 0..<200 {
      let (one, other) = (IPv4Address(rawValue: random.next32()), IPv4Address(rawValue: random.next32()))
      var fields = PacketFields(.v4(one), .v4(other), proto: .udp)
      let packet = try fields.packet()
      let share = try #require(FlowShare.number(of: packet, among: 7))
      used.insert(share)
      #expect(FlowShare.number(of: try PacketFields(.v4(other), .v4(one), proto: .tcp).packet(), among: 7) == share)
      var error = PacketFields(.v4(IPv4Address(192, 0, 2, 1)), .v4(one), proto: .icmp)
      error.icmpType = 11
      error.quoted = packet.bytes
      #expect(FlowShare.number(of: try error.packet(), among: 7) == share)
      fields.fragment = PacketFields.Fragment(offset: 0, length: 8, moreFragments: true)
      #expect(FlowShare.number(of: try fields.packet(), among: 7) == nil)
    }
    #expect(used == Set(0..<7))
  }
}

extension SeededRandom {
  fileprivate mutating func next32() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
}
