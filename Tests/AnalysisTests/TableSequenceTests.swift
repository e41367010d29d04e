import Analysis
import Conntrack
import Diagnostics
import Extensions
import Linter
import Netfilter
import Syntax
import Testing
import Wire
import XTables

/// What is said of rules behind other tables, against first packets that run through all tables.
@Suite struct TableSequenceTests {
  private static let heads: [(TableName, String, [String])] = [
    (.raw, "PREROUTING", ["-j DROP", "-j CT --notrack", "-j ACCEPT"]),
    (.mangle, "PREROUTING", ["-j MARK --set-xmark 0x1/0xffffffff", "-j MARK --set-xmark 0x2/0x2", "-j DROP", "-j ACCEPT", "-j RETURN"]),
    (.nat, "PREROUTING", ["-j DNAT --to-destination 10.0.0.3", "-p tcp -j DNAT --to-destination 10.0.0.1:80", "-j ACCEPT"]),
    (.mangle, "FORWARD", ["-j MARK --set-xmark 0x3/0xffffffff", "-j DROP", "-j ACCEPT"]),
    (.mangle, "OUTPUT", ["-j MARK --set-xmark 0x1/0xffffffff", "-j DROP"]),
    (.nat, "OUTPUT", ["-j DNAT --to-destination 10.0.0.3"]),
  ]

  /// The matches of a rule, over few values.
  private static func matches(_ draw: inout RandomRules, mayAskForState: Bool) -> String {
    var words: [String] = []
    if draw.chance(0.2) { words.append("-s " + draw.pick(["10.0.0.0/30", "10.0.0.1", "0.0.0.0/1"])) }
    if draw.chance(0.5) { words.append("-d " + draw.pick(["10.0.0.0/31", "10.0.0.1", "10.0.0.2", "0.0.0.0/1"])) }
    if draw.chance(0.4) { words.append("-p tcp -m tcp --dport " + draw.pick(["22", "80", "20:23"])) }
    if draw.chance(0.15), mayAskForState {
      words.append("-m conntrack --ctstate " + draw.pick(["NEW", "RELATED,ESTABLISHED", "UNTRACKED"]))
    }
    return words.joined(separator: " ")
  }

  private static func ruleset(_ draw: inout RandomRules) -> String {
    var rules: [TableName: [String]] = [:]
    for _ in 0..<Int.random(in: 1...4, using: &draw.random) {
      let (table, chain, targets) = draw.pick(heads)
      let target = draw.pick(targets)
      let matches = target.hasPrefix("-p") ? "" : matches(&draw, mayAskForState: false)
      rules[table, default: []].append("-A \(chain) \(matches) \(target)")
    }
    for _ in 0..<Int.random(in: 2...6, using: &draw.random) {
      let mark = draw.chance(0.3) ? "-m mark --mark " + draw.pick(["0x1", "0x2/0x2", "0x2", "0"]) : ""
      let chain = draw.pick(["FORWARD", "FORWARD", "INPUT", "OUTPUT", "u"])
      rules[.filter, default: []].append(
        "-A \(chain) \(matches(&draw, mayAskForState: true)) \(mark) \(draw.pick(["-j ACCEPT", "-j DROP", "-j LOG"]))")
    }
    rules[.filter, default: []].append("-A FORWARD \(matches(&draw, mayAskForState: true)) -j u")
    return TableName.allCases.compactMap { name in
      rules[name].map { (["*\(name.rawValue)"] + (name == .filter ? [":u - [0:0]"] : []) + $0 + ["COMMIT", ""]).joined(separator: "\n") }
    }.joined()
  }

  /// No first packet gets to a rule of which that is said, and the packet that shows it does not either.
  @Test func noFirstPacketGetsToARuleBehindEarlierTables() throws {
    var draw = RandomRules(seed: 20_261_202)
    var tally = (rulesets: 0, found: 0, packets: 0, otherwise: 0)
    for _ in 0..<2500 {
      let text = Self.ruleset(&draw)
      let parsed = RandomRules.parse(text)
      try #require(!parsed.hasErrors, "\(text)\n\(parsed.diagnostics.map(\.message))")
      guard var sequence = TableSequence(parsed.ruleset) else { continue }
      tally.rulesets += 1
      let findings = sequence.findings()
      guard !findings.isEmpty, let probe = PacketProbe(parsed.ruleset) else { continue }
      for finding in findings {
        tally.found += 1
        let rule = try #require(parsed.ruleset[table: finding.table]?[finding.place])
        func isMet(_ walk: RulesetWalk?) -> Bool {
          walk?.rules.contains { $0.table == finding.table && $0.place == finding.place } ?? false
        }
        #expect(!isMet(probe.walk(finding.witness)), "\(text)\n\(finding.place): \(finding.witness.line ?? "")")
        for _ in 0..<60 {
          let hook = draw.pick([Hook.forward, .forward, .input, .output])
          guard var witness = draw.packet(at: hook) else { continue }
          // Fragments are put together, and packets with a cut header begin no connection.
          witness.draft.fields.fragment = nil
          witness.draft.fields.transportBytes = nil
          let first = Witness(draft: witness.draft, hook: hook, state: ConntrackState.new)
          guard let walk = probe.walk(first) else { continue }
          tally.packets += 1
          if walk.verdict == .drop || !walk.effects.isEmpty { tally.otherwise += 1 }
          if case .jump = rule.target { continue }
          #expect(!isMet(walk), "\(text)\nrule \(finding.place.rule + 1): \(first.line ?? "")")
        }
      }
    }
    print(
      "\(tally.found) rules behind earlier tables in \(tally.rulesets) rulesets, \(tally.packets) packets, \(tally.otherwise) changed or dropped"
    )
    #expect(tally.found > 300 && tally.packets > 10_000)
  }
}
