import Analysis
import Conntrack
import Diagnostics
import Evaluator
import Netfilter
import Syntax
import Testing
import Wire
import XTables

/// Answers about a host, against packets that are run on it: no packet is denied, and none gets a verdict that is not named.
@Suite struct HostSoundnessTests {
  private static let count = ReachTests.count / 40

  /// A host with two networks, and with settings that decide which packets it lets in.
  private static func host(_ family: Family, _ draw: inout RandomRules) throws -> Host {
    let host = try HostQuestionTests.router()
    for (name, address) in [("eth0", "2001:db8:1::1/64"), ("lan", "2001:db8:2::1/64")] {
      let own = try #require(Host.Address(address))
      host.updateDevice(named: name) { $0.addresses.append(own) }
    }
    var route = Route(.ipv6, 0, 0)
    route.output = host.interface(named: "eth0")
    route.gateway = IPAddress("2001:db8:1::7")
    host.addRoute(route)
    for setting in ["ipv4.conf.all.accept_local", "ipv4.conf.all.route_localnet", "ipv4.ip_forward", "ipv6.conf.all.forwarding"] {
      _ = host.sysctls.assign("net." + setting, draw.chance(setting.contains("forward") ? 0.8 : 0.15) ? "1" : "0")
    }
    return host
  }

  private static let addresses: [Family: [String]] = [
    .ipv4: [
      "10.0.0.1", "10.0.0.5", "203.0.113.5", "203.0.113.9", "198.51.100.7", "127.0.0.1", "203.0.113.255", "224.0.0.1", "0.0.0.0",
      "255.255.255.255",
    ],
    .ipv6: [
      "2001:db8:1::1", "2001:db8:1::9", "2001:db8:2::1", "2001:db8:2::5", "2001:db8:9::1", "::1", "ff02::1", "fe80::9",
    ],
  ]

  private static func rules(_ family: Family, _ draw: inout RandomRules) -> String {
    let addresses = addresses[family] ?? []
    func match(_ chain: String) -> String {
      var words: [String] = []
      if draw.chance(0.3) { words.append((draw.chance(0.2) ? "! " : "") + "-d " + draw.pick(addresses)) }
      if draw.chance(0.2) { words.append("-s " + draw.pick(addresses)) }
      if draw.chance(0.2), chain != "OUTPUT", chain != "POSTROUTING" { words.append("-i " + draw.pick(["eth0", "lan", "lo"])) }
      if draw.chance(0.2), chain != "PREROUTING", chain != "INPUT" { words.append("-o " + draw.pick(["eth0", "lan", "lo"])) }
      if draw.chance(0.2) { words.append("-m addrtype --dst-type LOCAL") }
      words.append("-p " + draw.pick(["tcp", "tcp", "udp"]))
      return words.joined(separator: " ")
    }
    let (inside, outside) = family == .ipv4 ? ("10.0.0.5", "198.51.100.7") : ("2001:db8:2::5", "2001:db8:9::1")
    let range = family == .ipv4 ? "10.0.0.4-10.0.0.6" : "2001:db8:2::4-2001:db8:2::6"
    let (port, net) = family == .ipv4 ? ("10.0.0.5:22", "10.0.0.0/24") : ("[2001:db8:2::5]:22", "2001:db8:2::/64")
    let own = family == .ipv4 ? "203.0.113.5" : "2001:db8:1::1"
    var lines = ["*nat"]
    for _ in 0..<Int.random(in: 1...3, using: &draw.random) {
      let chain = draw.pick(["PREROUTING", "PREROUTING", "OUTPUT"])
      let target = draw.pick([
        "REDIRECT", "REDIRECT --to-ports 22", "DNAT --to-destination \(inside)", "DNAT --to-destination \(range)",
        "DNAT --to-destination \(port)", "NETMAP --to \(net)", "DNAT --to-destination \(own)", "DNAT --to-destination \(outside)",
      ])
      lines.append("-A \(chain) \(match(chain)) -j \(target)")
    }
    if draw.chance(0.5) {
      lines.append("-A POSTROUTING -o \(draw.pick(["eth0", "lan"])) -j \(draw.pick(["MASQUERADE", "SNAT --to-source \(own)"]))")
    }
    lines += ["COMMIT", "*filter"]
    for chain in ["INPUT", "FORWARD", "OUTPUT"] { lines.append(":\(chain) \(draw.pick(["ACCEPT", "DROP"])) [0:0]") }
    for _ in 0..<Int.random(in: 1...4, using: &draw.random) {
      let chain = draw.pick(["INPUT", "FORWARD", "OUTPUT"])
      lines.append("-A \(chain) \(match(chain)) -j \(draw.pick(["ACCEPT", "DROP"]))")
    }
    return lines.joined(separator: "\n") + "\nCOMMIT\n"
  }

  /// The verdict of the tables at a hook and behind it; nil if the packet does not come there, or the run does not say.
  private static func verdict(_ report: PacketReport, at hook: Hook) -> RulesetWalk.Verdict? {
    let passed = report.passages.map(\.hook)
    guard let place = passed.firstIndex(of: hook) else { return nil }
    switch report.verdict {
    // The loopback interface returns a packet of the host to PREROUTING.
    case .dropped where hook == .output && passed.dropFirst(place).contains(.prerouting): return .accept
    case .dropped: return .drop
    case .sent, .delivered: return .accept
    case .lost, .refused, .queued, .absorbed, .unknown: return nil
    }
  }

  @Test(arguments: [Family.ipv4, .ipv6]) func noPacketOfAHostIsDenied(_ family: Family) throws {
    var draw = RandomRules(seed: family == .ipv4 ? 1101 : 1102)
    var tally = (questions: 0, complete: 0, empty: 0, packets: 0)
    let addresses = Self.addresses[family] ?? []
    for _ in 0..<Self.count {
      let text = Self.rules(family, &draw)
      let parsed = RandomRules.parse(text, family)
      #expect(!parsed.hasErrors, "\(text)\n\(parsed.diagnostics.map(\.message))")
      let host = try Self.host(family, &draw)
      let hook = draw.pick([Hook.input, .forward, .output])
      var words = [draw.pick(["-p tcp", "-p udp", "-p tcp -m tcp --dport 22", "! -p icmp"])]
      if draw.chance(0.6) { words.append("-d " + draw.pick(addresses)) }
      if draw.chance(0.3) { words.append("-s " + draw.pick(addresses)) }
      if draw.chance(0.4), hook != .output { words.append("-i " + draw.pick(["eth0", "lan", "lo"])) }
      let matches = (words + ["-m conntrack --ctstate NEW"]).joined(separator: " ")
      let table = RandomRules.parse("*mangle\n:q - [0:0]\n-A q \(matches)\nCOMMIT\n", family).ruleset.tables.first
      let asked = try #require(table?[chain: "q"]?.rules.first).condition(family)
      let question = PacketQuestion(QuestionRules(parsed.ruleset, on: host), .all([asked, .equals(.mark, 0)]), at: hook)
      tally.questions += 1
      if question.isComplete { tally.complete += 1 }
      if question.isEmpty { tally.empty += 1 }
      for answer in question.answers {
        #expect(answer.witness.line?.contains("# a host") != true, "\(text)\n\(matches) at \(hook.name)\n\(answer.witness.line ?? "")")
      }
      guard question.isComplete || question.isEmpty else { continue }
      for number in 0..<60 {
        guard let source = IPAddress(draw.pick(addresses)), let destination = IPAddress(draw.pick(addresses)) else { continue }
        var fields = PacketFields(source, destination, proto: draw.pick([.tcp, .udp]))
        (fields.sourcePort, fields.destinationPort, fields.tcpFlags) = (40_000, draw.pick([22, 80]), .syn)
        let packet = try fields.packet()
        let isSent = hook == .output || number % 4 == 0
        let simulator = try Simulator(host: host, rulesets: [parsed.ruleset], clock: 1_700_000_000_000_000_000, seed: 1)
        let input = draw.pick(["eth0", "lan", "lo"])
        let device = try #require(host.device(named: input))
        var received = packet
        received.link = LinkHeader(
          source: MACAddress(rawValue: 0x0200_0000_0009), destination: device.hardwareAddress,
          etherType: family == .ipv4 ? 0x0800 : 0x86dd)
        var sender = LocalSender()
        sender.mayBroadcast = true
        let path = isSent ? simulator.send(packet, by: sender) : simulator.receive(received, on: input)
        guard let report = path.packets.first, let verdict = Self.verdict(report, at: hook) else { continue }
        // What the host sends to itself arrives as it leaves: here only if nothing has changed it.
        var draft = PacketDraft(fields, input: hook == .output ? nil : isSent ? "lo" : input)
        if hook == .output { draft.output = report.passages.first { $0.hook == .output }?.output }
        if isSent, hook != .output, report.packet.source != source || report.packet.destination != destination { continue }
        guard var context = Witness(draft: draft, hook: hook, state: ConntrackState.new).context(), asked.outcome(&context) == .matched
        else { continue }
        tally.packets += 1
        let known = "\(text)\n\(matches) at \(hook.name)\n\(draft.line(stating: []) ?? "") \(isSent ? "sent" : "") \(verdict)"
        #expect(!question.isEmpty, "\(known)")
        #expect(question.isEmpty || question.verdicts.contains(verdict), "\(known) \(question.verdicts)")
      }
    }
    print("\(family): \(tally)")
    #expect(tally.complete > Self.count / 4 && tally.packets > tally.complete)
  }
}
