import Analysis
import Conntrack
import Diagnostics
import Evaluator
import FoundationEssentials
import Syntax
import TestSupport
import Testing
import XTables

/// What the analysis says of random tables, against packets that the evaluator runs.
@Suite struct ReachTests {
  /// The number of random tables: 10,000, or what `FERRULE_ANALYSIS_RULESETS` says.
  static let count = ProcessInfo.processInfo.environment["FERRULE_ANALYSIS_RULESETS"].flatMap { Int($0) } ?? 10_000

  @Test func noPacketHitsARuleThatNoneReaches() throws {
    var draw = RandomRules(seed: 20_261_129)
    var tally = (rules: 0, dead: 0, packets: 0, shown: 0, alive: 0)
    for number in 0..<Self.count {
      let name = draw.pick([TableName.filter, .filter, .mangle, .nat])
      let text = draw.table(name, rules: number % 100 == 0 ? 60 : Int.random(in: 2...9, using: &draw.random))
      let parsed = RandomRules.parse(text)
      let table = try #require(parsed.ruleset.tables.first)
      #expect(!parsed.hasErrors, "\(text)\n\(parsed.diagnostics.map(\.message))")
      // Every second table is analysed as a long one would be.
      var reach = try #require(TableReach(table, flatFrom: number % 2 == 0 ? 1 : FlatChain.leastRules))
      // Both ways find the same in a chain that a flat one may be; a flat chain that is too hard to decide would be larger.
      if number % 20 == 0, let whole = TableReach(table, flatFrom: Int.max) {
        for (index, chain) in table.chains.enumerated() where chain.hook != nil {
          for position in chain.rules.indices {
            #expect(
              reach.isDead(chain: index, rule: position) == whole.isDead(chain: index, rule: position), "\(text)\nrule \(position + 1)")
          }
        }
      }
      let walker = TableWalker(try TableProgram(table))
      for _ in 0..<10 {
        let hook = draw.pick(name.hooks)
        guard let witness = draw.packet(at: hook), var context = witness.context() else { continue }
        guard name != .nat || witness.state == ConntrackState.new || witness.state == ConntrackState.related else { continue }
        tally.packets += 1
        for hit in walker.walk(&context).hits where hit.rule < table.chains[hit.chain].rules.count {
          #expect(
            !reach.isDead(chain: hit.chain, rule: hit.rule),
            "\(text)\nrule \(hit.rule + 1) of \(table.chains[hit.chain].name): \(witness.line ?? "")")
        }
      }
      for (index, chain) in table.chains.enumerated() where reach.isEntered(chain: index) && reach.isCalled(chain: index) {
        for position in chain.rules.indices {
          tally.rules += 1
          if reach.isDead(chain: index, rule: position) {
            tally.dead += 1
            continue
          }
          guard number % 5 == 0 else { continue }
          tally.alive += 1
          if reach.witness(chain: index, rule: position, walker) != nil { tally.shown += 1 }
        }
      }
    }
    print(
      "\(Self.count) tables, \(tally.rules) rules, \(tally.dead) dead, \(tally.packets) packets; \(tally.shown) of \(tally.alive) live rules shown alive"
    )
    #expect(tally.dead > Self.count / 10)
    #expect(tally.shown * 10 > tally.alive * 7)
  }

  /// Rules that ask for no address, port, protocol or interface are all tried on each packet: their sets are made once, and the work is bounded.
  @Test func aLongChainWithoutAddressesIsSearched() throws {
    let rules = (0..<2000).map { "-A INPUT -m mark --mark \($0) -m ttl --ttl-lt \($0 % 200 + 20) -j ACCEPT\n" }.joined()
    let twice = "-A INPUT -m mark --mark 5 -m ttl --ttl-lt 25 -j DROP\n"
    let parsed = RandomRules.parse("*mangle\n:INPUT ACCEPT [0:0]\n\(rules)\(twice)COMMIT\n")
    let table = try #require(parsed.ruleset.tables.first)
    let chain = try #require(table.index(of: "INPUT"))
    let used = try ThreadTime.seconds {
      let reach = try #require(TableReach(table))
      #expect(!reach.isDead(chain: chain, rule: 1999) && reach.isDead(chain: chain, rule: 2000))
    }
    #expect(used < 60)
  }
}
