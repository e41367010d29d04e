import Analysis
import Conntrack
import Diagnostics
import Evaluator
import Extensions
import Netfilter
import Syntax
import Testing
import Wire
import XTables

/// Rules that later rules make superfluous, against packets that the evaluator runs through the chain with and without them.
@Suite struct RedundancyTests {
  /// A chain of rules without jumps, as text.
  private static func chain(_ draw: inout RandomRules) -> [String] {
    let count = Int.random(in: 3...8, using: &draw.random)
    return (0..<count).map { _ in
      var words = ["-A FORWARD"]
      if draw.chance(0.4) { words.append("-s " + draw.pick(["10.0.0.0/8", "10.0.0.0/30", "10.0.0.1", "0.0.0.0/1"])) }
      if draw.chance(0.2) { words.append((draw.chance(0.2) ? "! " : "") + "-d " + draw.pick(["10.0.0.0/31", "10.0.0.1"])) }
      if draw.chance(0.15) { words.append("-i " + draw.pick(["eth0", "eth+"])) }
      words.append(
        draw.pick([
          "", "-p tcp", "-p tcp -m tcp --dport 22", "-p tcp -m tcp --dport 20:23", "-p tcp -m multiport --ports 22", "-p udp", "-p icmp",
        ]))
      if draw.chance(0.1) { words.append("-m conntrack --ctstate NEW") }
      if draw.chance(0.08) { words.append("-m limit --limit 1/hour --limit-burst 1") }
      words.append("-j " + draw.pick(["ACCEPT", "ACCEPT", "DROP", "DROP", "LOG", "RETURN"]))
      return words.filter { !$0.isEmpty }.joined(separator: " ")
    }
  }

  private static func table(_ rules: [String], _ policy: String) throws -> Table {
    let parsed = RandomRules.parse((["*filter", ":FORWARD \(policy) [0:0]"] + rules + ["COMMIT", ""]).joined(separator: "\n"))
    return try #require(parsed.ruleset.tables.first)
  }

  private static func found(_ table: Table, flatFrom: Int) throws -> [Int: RuleFinding.Reason] {
    var reach = try #require(TableReach(table, flatFrom: flatFrom))
    let findings = reach.findings().filter { $0.reason == .redundant || $0.reason == .idleMatch }
    return Dictionary(findings.map { ($0.place.rule, $0.reason) }) { first, _ in first }
  }

  private static func isAccepted(_ walk: TableWalk) -> Bool { if case .verdict(.accept) = walk.outcome { true } else { false } }

  /// What is found in a chain that is searched rule by rule is true, and is found also where the sets are written down.
  @Test func noPacketNoticesThatASuperfluousRuleIsGone() throws {
    var draw = RandomRules(seed: 20_261_201)
    var tally = (both: 0, more: 0, packets: 0, matched: 0)
    for _ in 0..<1500 {
      let rules = Self.chain(&draw)
      let policy = draw.pick(["ACCEPT", "DROP"])
      let whole = try Self.table(rules, policy)
      let flat = try Self.found(whole, flatFrom: 1)
      let stored = try Self.found(whole, flatFrom: Int.max)
      for (position, reason) in stored {
        #expect(flat[position] == reason, "\(rules.joined(separator: "\n"))\nrule \(position + 1)")
      }
      // Only rule by rule it is seen that a later rule drops a packet with a cut header, as the rule does.
      for position in flat.keys.sorted() {
        if stored[position] != nil { tally.both += 1 } else { tally.more += 1 }
        var fewer = rules
        fewer.remove(at: position)
        let (with, without) = (TableWalker(try TableProgram(whole)), TableWalker(try TableProgram(try Self.table(fewer, policy))))
        let condition = whole.chains[try #require(whole.index(of: "FORWARD"))].rules[position].condition(.ipv4)
        for _ in 0..<40 {
          guard let witness = draw.packet(at: .forward), var probe = witness.context(), var one = witness.context(),
            var other = witness.context()
          else { continue }
          // A packet whose header is cut short is dropped by the rule, and is none that it matches.
          guard [.matched, .mismatched].contains(condition.outcome(&probe)) else { continue }
          tally.packets += 1
          let walk = with.walk(&one)
          if walk.hits.contains(where: { $0.rule == position }) { tally.matched += 1 }
          #expect(
            Self.isAccepted(walk) == Self.isAccepted(without.walk(&other)),
            "\(rules.joined(separator: "\n"))\n\(policy) without rule \(position + 1): \(witness.line ?? "")")
        }
      }
    }
    print(
      "\(tally.both) superfluous rules, \(tally.more) more found rule by rule, \(tally.packets) packets, \(tally.matched) of such rules")
    #expect(tally.both > 200 && tally.more < 20 && tally.matched > 400)
  }

  /// The search goes on where a chain is too long for sets.
  @Test func aLongChainHasSuperfluousRules() throws {
    let many = (0..<1500).map { "-A FORWARD -s 10.\($0 / 250).\($0 % 250).0/24 -p tcp -m tcp --dport \($0 % 50 + 1) -j ACCEPT" }
    let table = try Self.table(many + ["-A FORWARD -s 10.1.0.0/16 -p tcp -j ACCEPT", "-A FORWARD -s 10.2.0.0/16 -j DROP"], "DROP")
    var reach = try #require(TableReach(table))
    let found = reach.findings()
    #expect(found.map(\.place.rule) == Array(250..<500) && found.allSatisfy { $0.reason == .redundant })
    var witnesses = try #require(FindingWitnesses(reach))
    #expect(found.prefix(20).allSatisfy { witnesses.witness(of: $0) != nil })
  }
}
