import Analysis
import Diagnostics
import Evaluator
import Syntax
import TestSupport
import Testing
import XTables

/// Rules of a real firewall on which the analysis and a linter that compares rules in pairs disagree. A packet that is run decides who is right.
@Suite struct DisputedRuleTests {
  /// A line of a file, and the packet that decides.
  private typealias Dispute = (line: Int, by: String, packet: String?)

  private static func line(_ rule: Rule, _ parsed: ParsedRuleset) -> Int {
    rule.source.map { parsed.file.position(of: $0.range.lowerBound).line } ?? 0
  }

  @Test(.needsSharedFolder) func aPacketDecidesEveryDispute() throws {
    let text = try SharedFolder.text("rulesets/tum_router_2016_v4_5k.iptables-save")
    let pairs = PairwiseLinter(text).shadowed
    let (found, missed, agreed) = try Self.unseen(text, pairs)
    let reached = try Self.reached(text, pairs)
    print("\(found) rules without effect are proved, \(agreed) of them also by pairs; \(pairs.count) are claimed by pairs")
    for dispute in missed { print("line \(dispute.line) is taken by \(dispute.by): \(dispute.packet ?? "?")") }
    for dispute in reached.prefix(10) { print("line \(dispute.line) is reached past \(dispute.by): \(dispute.packet ?? "?")") }
    print("\(reached.count) rules are claimed, and are reached in their chain")
    #expect(missed.count >= 4 && missed.allSatisfy { $0.packet != nil })
    #expect(reached.count >= 10 && reached.allSatisfy { $0.packet != nil })
  }

  /// The number of rules that are proved to match no packet, those of them that comparing pairs does not see, and the number of the others.
  private static func unseen(_ text: String, _ pairs: [Int: Int]) throws -> (found: Int, missed: [Dispute], agreed: Int) {
    let parsed = RandomRules.parse(text)
    var (found, agreed) = (0, 0)
    var missed: [Dispute] = []
    for table in parsed.ruleset.tables {
      var reach = try #require(TableReach(table))
      let findings = reach.findings().filter { $0.reason != .redundant && $0.reason != .idleMatch }
      var witnesses = FindingWitnesses(reach)
      found += findings.count
      for finding in findings {
        let number = line(table[finding.place], parsed)
        if pairs[number] != nil {
          agreed += 1
        } else {
          let blockers = finding.blockers.map { "line \(line(table[$0], parsed))" }.joined(separator: " and ")
          missed.append((number, blockers, witnesses?.witness(of: finding)?.line))
        }
      }
    }
    return (found, missed, agreed)
  }

  /// The rules that are called shadowed although a packet gets past the earlier rule, in a table that has only their chain.
  ///
  /// In the file hardware addresses are made unreadable, all with the same letters: a linter that compares words takes rules for equal that
  /// asked for different addresses. Here each line has an address of its own.
  private static func reached(_ text: String, _ pairs: [Int: Int]) throws -> [Dispute] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { number, line in
      let digits = String(number + 0x10000, radix: 16).suffix(4)
      return line.replacing("XX:XX:XX:XX:XX:XX", with: "02:00:00:00:\(digits.prefix(2)):\(digits.suffix(2))")
    }
    let heads = lines.filter { $0.hasPrefix(":") && $0.contains(" - ") }
    var disputes: [Dispute] = []
    for (chain, claimed) in Dictionary(grouping: pairs.keys, by: { lines[$0 - 1].split(separator: " ")[1] }).sorted(by: { $0.key < $1.key })
    {
      guard heads.contains(where: { $0.hasPrefix(":\(chain) ") }) else { continue }
      // Every line of the chain keeps its number; its callers are one rule.
      let own = lines.map { line in line.hasPrefix("-A \(chain) ") || heads.contains(line) ? line : "#" }
      let parsed = RandomRules.parse((["*filter"] + own.dropFirst() + ["-A FORWARD -j \(chain)", "COMMIT", ""]).joined(separator: "\n"))
      guard let table = parsed.ruleset.tables.first, let index = table.index(of: String(chain)), var reach = TableReach(table) else {
        continue
      }
      let walker = TableWalker(try TableProgram(table))
      let positions = Dictionary(table.chains[index].rules.enumerated().map { (line($1, parsed), $0) }) { first, _ in first }
      for number in claimed.sorted() {
        // A rule that is not read, because of a protocol without a name, decides nothing here.
        guard let position = positions[number], let earlier = pairs[number], positions[earlier] != nil,
          !reach.isDead(chain: index, rule: position)
        else { continue }
        disputes.append((number, "line \(earlier)", reach.witness(chain: index, rule: position, walker)?.line))
      }
    }
    return disputes
  }
}
