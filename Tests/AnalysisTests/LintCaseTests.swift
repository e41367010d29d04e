import Analysis
import Diagnostics
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
