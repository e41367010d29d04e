import Analysis
import Diagnostics
import Evaluator
import Extensions
import Linter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// What lint says of rules that nothing reaches, on rulesets as people post them.
@Suite struct LintCaseTests {
  static func lint(_ text: String, _ family: Family = .ipv4) -> (file: SourceFile, found: [Diagnostic]) {
    let parsed = RandomRules.parse(text, family)
    return (parsed.file, Linter(registry: .ferrule).diagnostics(for: parsed))
  }

  /// The findings as `LINE CODE blockers LINES`.
  static func outline(_ text: String, _ family: Family = .ipv4) -> [String] {
    let (file, found) = lint(text, family)
    func line(_ range: SourceRange) -> Int { file.position(of: range.range.lowerBound).line }
    // What strangers reach is another subject, with tests of its own.
    return found.filter { CheckList.named($0.code ?? "")?.group == .rules || $0.code == "FE026" }.map { finding in
      "\(line(finding.range)) \(finding.code ?? finding.id) \((finding.evidence?.blockers ?? []).map { "\(line($0))" }.joined(separator: ","))"
    }
  }

  @Test(
    .needsSharedFolder,
    arguments: [
      ("lint-shadowing/afterqueue.v4", ["3 FE021 2"]), ("lint-shadowing/limit-noop.v4", ["3 FE024 4"]),
      ("lint-shadowing/tcpflags.v4", ["4 FE022 2", "5 FE022 3", "6 FE022 3"]),
      ("lint-shadowing/ufw-lo.v4", ["8 FE022 10", "9 FE021 10"]),
      // Rule 4 is for packets to 8.8.8.8, which are not to 192.168.0.0/16, so that rule 2 drops them. Rule 3 is not shadowed.
      ("lint-shadowing/negation.v4", ["4 FE021 2"]),
      ("lint-never-matches/wrongdir.v4", ["4 FE020 "]), ("lint-never-matches/helper-unassigned.v4", ["4 FE026 "]),
      ("lint-never-matches/icmp.ip6tables-save", ["7 FE025 "]),
    ])
  func theCasesAreNamed(_ name: String, _ expected: [String]) throws {
    #expect(Self.outline(try SharedFolder.text("cases/\(name)"), name.contains("ip6tables") ? .ipv6 : .ipv4) == expected)
  }

  /// Every witness is a packet that meets the tests of the rule, so a shadowed rule has one unless its packets cannot be made.
  @Test func shadowedRulesHaveAPacketThatShowsIt() {
    let (_, found) = Self.lint(
      "*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate ESTABLISHED -j DROP\nCOMMIT\n")
    #expect(found.map(\.evidence?.witness) == ["eth0 tcp 192.0.2.9:40000 > 198.51.100.7:22 S # ESTABLISHED"])
  }

  /// What shows a published port is a packet as it arrives: the host takes it though a rule drops those to the container's own address.
  @Test func aPublishedPortIsShownByAPacketThatArrives() throws {
    let text = """
      *raw
      -A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP
      COMMIT
      *nat
      :DOCKER - [0:0]
      -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
      -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
      COMMIT
      *filter
      :INPUT DROP [0:0]
      :FORWARD DROP [0:0]
      -A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
      COMMIT

      """
    let arriving = "eth0 tcp 64.9.9.9:40000 > 198.51.100.7:8080 S #"
    let (file, found) = Self.lint(text)
    let published = try #require(found.first { $0.code == "FE082" })
    #expect(published.evidence?.witness?.hasPrefix(arriving) == true, "\(published.evidence?.witness ?? "")")
    let exposure = Exposure(RandomRules.parse(text).ruleset, in: file)
    #expect(exposure.open.map { $0.witness?.hasPrefix(arriving) } == [true])
    let host = Host()
    for (name, address) in [("eth0", "198.51.100.7/24"), ("docker0", "172.17.0.1/16")] {
      host.addDevice(named: name, hardwareAddress: MACAddress(rawValue: 0x0200_0000_0001))
      let own = try #require(Host.Address(address))
      host.updateDevice(named: name) { $0.addresses = [own] }
    }
    host.addRoute(try host.route(text: "default via 198.51.100.1 dev eth0"))
    _ = host.sysctls.assign("net.ipv4.ip_forward", "1")
    let simulator = try Simulator(host: host, rulesets: [RandomRules.parse(text).ruleset])
    var fields = PacketFields(try #require(IPAddress("64.9.9.9")), try #require(IPAddress("198.51.100.7")), proto: .tcp)
    (fields.sourcePort, fields.destinationPort, fields.tcpFlags) = (40_000, 8080, .syn)
    #expect(simulator.receive(try fields.packet(), on: "eth0").verdict == .sent(output: "docker0"))
    // The same ruleset with a rule that drops the port as it arrives publishes nothing.
    let closed = text.replacing("*raw\n", with: "*raw\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DROP\n")
    #expect(!Self.lint(closed).found.contains { $0.code == "FE082" })
    #expect(Exposure(RandomRules.parse(closed).ruleset, in: file).open.isEmpty)
  }

  /// A witness states the facts besides the packet on which its verdict depends, and no others.
  @Test(
    arguments: [
      ("OUTPUT -m owner --uid-owner 1000", "local uid=0 tcp 192.0.2.9:40000 > 198.51.100.7:80 S"),
      ("OUTPUT -m owner ! --gid-owner 7", "local gid=7 tcp 192.0.2.9:40000 > 198.51.100.7:80 S"),
      ("INPUT -m mac --mac-source 02:00:00:00:00:07", "eth0 smac=00:00:00:00:00:00 tcp 192.0.2.9:40000 > 198.51.100.7:80 S"),
      ("INPUT -m addrtype --src-type LOCAL", "eth0 tcp 192.0.2.9:40000 > 198.51.100.7:80 S # a host without addresses"),
      ("INPUT -m time --weekdays Mon", "eth0 tcp 192.0.2.9:40000 > 198.51.100.7:80 S # --clock 1700000000"),
      ("INPUT -p udp", "eth0 tcp 192.0.2.9:40000 > 198.51.100.7:80 S"),
    ])
  func aWitnessStatesWhatItsVerdictDependsOn(_ match: String, _ expected: String) {
    let chain = match.split(separator: " ")[0]
    let (_, found) = Self.lint("*filter\n-A \(match) -j ACCEPT\n-A \(chain) -p tcp -j DROP\n-A \(chain) -p tcp -j ACCEPT\nCOMMIT\n")
    #expect(found.compactMap(\.evidence?.witness) == [expected])
  }

  /// What is written between two rules counts, and so do chains, RETURN and goto.
  @Test(
    arguments: [
      (
        "*mangle\n-A INPUT -m mark --mark 0x1 -j ACCEPT\n-A INPUT -j MARK --set-mark 0x1\n-A INPUT -m mark --mark 0x1 -j DROP\nCOMMIT\n", []
      ),
      ("*mangle\n-A INPUT -j MARK --set-mark 0x1\n-A INPUT -m mark --mark 0x2 -j DROP\nCOMMIT\n", ["3 FE021 2"]),
      (
        "*filter\n:a - [0:0]\n-A INPUT -p tcp -j a\n-A INPUT -p tcp -j DROP\n-A a -p udp -j RETURN\n-A a -j ACCEPT\nCOMMIT\n",
        ["4 FE021 6", "5 FE021 3"]
      ),
    ] as [(String, [String])])
  func whatStandsBetweenCounts(_ text: String, _ expected: [String]) {
    #expect(Self.outline(text) == expected)
  }

  /// A long chain without jumps is searched rule by rule.
  @Test func longChainsAreSearchedRuleByRule() {
    let rules = (0..<1200).map { "-A INPUT -s 10.\($0 / 256).\($0 % 256).1/32 -p tcp -m tcp --dport \($0 + 1) -j ACCEPT" }
    let text =
      (["*filter"] + rules + [
        "-A INPUT -s 10.0.7.1/32 -p tcp -m tcp --dport 8 -j DROP", "-A INPUT -j DROP", "-A INPUT -p udp -j ACCEPT", "COMMIT", "",
      ])
      .joined(separator: "\n")
    #expect(Self.outline(text) == ["1202 FE021 9", "1204 FE005 1203"])
  }

  /// A match that is not understood may match or not.
  @Test func anUnknownMatchTakesNothingForCertain() {
    let text = "*filter\n-A INPUT -m recent --rcheck --name x -j ACCEPT\n-A INPUT -p tcp -j DROP\nCOMMIT\n"
    #expect(Self.outline(text).isEmpty)
  }
}
