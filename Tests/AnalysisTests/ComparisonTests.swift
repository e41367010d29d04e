import Analysis
import Conntrack
import Extensions
import FoundationEssentials
import Netfilter
import Syntax
import Testing
import Wire
import XTables

/// What the comparison says of rulesets before and after an edit, against packets that the evaluator runs.
@Suite struct ComparisonTests {
  /// The number of edits: 1,000, or what `FERRULE_ANALYSIS_EDITS` says.
  static let count = ProcessInfo.processInfo.environment["FERRULE_ANALYSIS_EDITS"].flatMap { Int($0) } ?? 1000

  static func compare(_ before: String, _ after: String) -> RulesetComparison {
    RulesetComparison(RandomRules.parse(before).ruleset, RandomRules.parse(after).ruleset)
  }

  @Test func equalRulesetsTreatNoPacketDifferently() {
    var draw = RandomRules(seed: 4_711)
    var tally: [RulesetComparison.Result: Int] = [:]
    var packets = 0
    for _ in 0..<Self.count {
      let names: [TableName] = draw.pick([[.filter], [.mangle], [.nat], [.raw, .filter], [.mangle, .filter]])
      let text = names.map { draw.table($0, rules: Int.random(in: 2...10, using: &draw.random)) }.joined()
      let edited = Self.edited(text, &draw)
      let (before, after) = (RandomRules.parse(text), RandomRules.parse(edited))
      guard !before.hasErrors, !after.hasErrors else { continue }
      let comparison = RulesetComparison(before.ruleset, after.ruleset)
      tally[comparison.result, default: 0] += 1
      for region in comparison.regions {
        #expect(RulesetComparison.differs(before.ruleset, after.ruleset, region.witness), "\(text)\n\(edited)\n\(region.witness)")
      }
      guard comparison.result == .equal, text != edited else { continue }
      for _ in 0..<10 {
        guard let witness = draw.packet(at: draw.pick(Hook.allCases)) else { continue }
        packets += 1
        #expect(!RulesetComparison.differs(before.ruleset, after.ruleset, witness), "\(text)\n\(edited)\n\(witness.line ?? "")")
      }
    }
    print("edits: \(tally), \(packets) packets")
    #expect(tally[.different, default: 0] > Self.count / 20)
    #expect(tally[.undecided, default: 0] < Self.count / 5)
  }

  /// What a rule asks for that only earlier tables give: the difference is shown by the packet as it arrives.
  @Test(
    arguments: [
      // A mark that mangle sets for one sender.
      (
        "*mangle\n-A PREROUTING -s 10.0.0.5/32 -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n*filter\n-A FORWARD -m mark --mark 0x1 -j ACCEPT\nCOMMIT\n",
        "--mark 0x1 -j ACCEPT", "--mark 0x1 -j DROP", "eth0 tcp 10.0.0.5:40000 > 198.51.100.7:80 S # out eth1"
      ),
      // A translated destination.
      (
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.80:80\nCOMMIT\n*filter\n"
          + ":FORWARD DROP [0:0]\n-A FORWARD -d 10.0.0.80/32 -m conntrack --ctstate DNAT -j ACCEPT\nCOMMIT\n",
        "-d 10.0.0.80/32", "-d 10.0.0.81/32", "eth0 tcp 192.0.2.9:40000 > 198.51.100.7:8080 S # out eth1"
      ),
      (
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128\nCOMMIT\n*filter\n"
          + ":INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 3128 -m conntrack --ctstate DNAT -j ACCEPT\nCOMMIT\n",
        "--dport 3128", "--dport 3129", "eth0 tcp 192.0.2.9:40000 > 198.51.100.7:80 S # a host with 198.51.100.7 on eth0"
      ),
      // Both at once stay undecided only if no single rule makes the packet: here the mark is the translated packet's own.
      (
        "*mangle\n-A PREROUTING -d 198.51.100.7/32 -j MARK --set-xmark 0x2/0xffffffff\nCOMMIT\n*nat\n"
          + "-A PREROUTING -d 198.51.100.7/32 -j DNAT --to-destination 10.0.0.80\nCOMMIT\n*filter\n"
          + "-A FORWARD -d 10.0.0.80/32 -m mark --mark 0x2 -j ACCEPT\nCOMMIT\n",
        "--mark 0x2 -j ACCEPT", "--mark 0x2 -j DROP", "eth0 tcp 192.0.2.9:40000 > 198.51.100.7:80 S # out eth1"
      ),
    ]) func aPacketThatEarlierTablesChangeShowsTheDifference(_ text: String, _ old: String, _ new: String, _ line: String) throws
  {
    let comparison = Self.compare(text, text.replacing(old, with: new))
    let region = try #require(comparison.regions.first)
    #expect(comparison.result == .different && region.isRewritten && region.before.verdict != region.after.verdict)
    #expect(region.witness.line == line)
  }

  /// Where the destination must be an address of the host, one that has it shows the difference.
  @Test func aHostWithTheDestinationShowsTheDifference() {
    let text =
      "*nat\n:D - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j D\n-A D -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.80:80\nCOMMIT\n"
    let comparison = Self.compare(text, text.replacing("--dport 8080", with: "--dport 8081"))
    #expect(comparison.result == .different && comparison.regions.count == 2)
    #expect(comparison.regions.allSatisfy { $0.witness.line?.contains("# a host with 198.51.100.7 on eth0") == true })
  }

  /// The text with one edit: a rule removed, repeated, moved, or with another address, port or target.
  private static func edited(_ text: String, _ draw: inout RandomRules) -> String {
    var lines = text.split(separator: "\n").map(String.init)
    let rules = lines.indices.filter { lines[$0].hasPrefix("-A") }
    let at = draw.pick(rules)
    switch draw.pick([0, 1, 2, 3, 4, 5]) {
    case 0: lines.remove(at: at)
    case 1: lines.insert(lines[at], at: draw.pick(rules.filter { $0 < at } + [at]))
    case 2: lines[at] = lines[at].replacing("22", with: "23")
    case 3: lines[at] = lines[at].replacing("-j ACCEPT", with: "-j DROP")
    case 4: lines[at] = lines[at].replacing("10.0.0.1", with: "10.0.0.2")
    default:
      let chain = lines[at].split(separator: " ")[1]
      if let next = rules.first(where: { $0 > at && lines[$0].split(separator: " ")[1] == chain }) { lines.swapAt(at, next) }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  @Test func anotherPortIsShownByAPacket() throws {
    let rules = { (port: Int) in "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport \(port) -j ACCEPT\nCOMMIT\n" }
    let comparison = Self.compare(rules(22), rules(23))
    #expect(comparison.result == .different)
    let lines = Set(comparison.regions.compactMap(\.witness.line))
    #expect(lines == ["eth0 tcp 192.0.2.9:40000 > 198.51.100.7:22 S", "eth0 tcp 192.0.2.9:40000 > 198.51.100.7:23 S"])
    // What only the second ruleset accepts comes first.
    #expect(comparison.regions.first?.after.verdict == .accept)
  }

  @Test func rulesOfOneVerdictMayChangePlaces() {
    let one =
      "*filter\n-A INPUT -s 10.0.0.1 -j DROP\n-A INPUT -p udp -j DROP\n-A INPUT -s 10.0.0.0/9 -j ACCEPT\n-A INPUT -s 10.128.0.0/9 -j ACCEPT\nCOMMIT\n"
    let other = "*filter\n:a - [0:0]\n-A INPUT -j a\n-A a -p udp -j DROP\n-A a -s 10.0.0.1 -j DROP\n-A a -s 10.0.0.0/8 -j ACCEPT\nCOMMIT\n"
    #expect(Self.compare(one, other).result == .equal)
    #expect(Self.compare("*filter\nCOMMIT\n", "*mangle\nCOMMIT\n").result == .equal)
  }

  /// Other targets, or none, may write what a packet has already: that is no difference, and no verdict of a host that has no address.
  @Test(
    arguments: [
      ("raw", "-A PREROUTING -p udp -j NOTRACK", "-A PREROUTING -p udp -j CT --notrack"),
      ("nat", "-A POSTROUTING -j SNAT --to-source 192.0.2.1", "-A POSTROUTING -j SNAT --to-source 192.0.2.1 --persistent"),
      ("mangle", "-A PREROUTING -j MARK --set-xmark 0x0/0x0", "-A PREROUTING -j RETURN"),
      ("mangle", "-A PREROUTING -j MARK --set-mark 0x2", "-A PREROUTING -j MARK --set-mark 0x1\n-A PREROUTING -j MARK --set-mark 0x2"),
      ("mangle", "-A PREROUTING -j DSCP --set-dscp 0x00", "-A PREROUTING -j TOS --set-tos 0x00/0xfc"),
    ]) func whatWritesTheSameIsNotDifferent(_ table: String, _ one: String, _ other: String)
  {
    let comparison = Self.compare("*\(table)\n\(one)\nCOMMIT\n", "*\(table)\n\(other)\nCOMMIT\n")
    #expect(comparison.result != .different, "\(comparison.regions.compactMap(\.witness.line))")
  }

  /// What is done besides is compared by the targets, and so is what another host would show.
  @Test func whatElseTargetsDoIsDifferent() throws {
    for (table, one, other) in [
      ("raw", "-A PREROUTING -j CT --zone 3", "-A PREROUTING -j CT --zone 4"), ("filter", "-A INPUT -j LOG", "-A INPUT -j RETURN"),
      ("nat", "-A POSTROUTING -j SNAT --to-source 192.0.2.1", "-A POSTROUTING -j SNAT --to-source 192.0.2.2"),
    ] {
      #expect(Self.compare("*\(table)\n\(one)\nCOMMIT\n", "*\(table)\n\(other)\nCOMMIT\n").result == .different, "\(one)")
    }
    let masquerading = Self.compare("*nat\n-A POSTROUTING -o lo -j MASQUERADE\nCOMMIT\n", "*nat\nCOMMIT\n")
    #expect(masquerading.regions.allSatisfy { $0.before.verdict == .accept && $0.after.verdict == .accept })
  }

  @Test func aLimitDecidesTheSameOnlyForEqualRules() {
    let limited = { (text: String) in
      "*filter\n-A INPUT -p udp -j LOG\n-A INPUT -m limit --limit \(text) -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"
    }
    #expect(Self.compare(limited("1/sec"), limited("2/sec")).result == .undecided)
    #expect(
      Self.compare(limited("1/sec"), limited("1/sec").replacing("-A INPUT -j DROP", with: "-A INPUT -p tcp -j DROP\n-A INPUT -j DROP"))
        .result == .equal)
  }

  @Test func whatIsWrittenIsCompared() {
    let marked = { (mark: String) in "*mangle\n-A PREROUTING -p tcp -j MARK --set-mark \(mark)\nCOMMIT\n" }
    #expect(Self.compare(marked("0x1"), marked("0x2")).result == .different)
    let tested = "*mangle\n-A INPUT -j MARK --set-mark 0x1\n-A INPUT -m mark --mark 0x1 -j DROP\nCOMMIT\n"
    let untested = "*mangle\n-A INPUT -j MARK --set-mark 0x1\n-A INPUT -j DROP\nCOMMIT\n"
    #expect(Self.compare(tested, untested).result == .equal)
    let nat = { (address: String) in "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination \(address)\nCOMMIT\n" }
    #expect(Self.compare(nat("10.0.0.1"), nat("10.0.0.2")).result == .different)
  }
}
