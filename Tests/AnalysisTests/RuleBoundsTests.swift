import Analysis
import Extensions
import Netfilter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// What `exposure` lists of tables whose exact sets become too large.
@Suite struct RuleBoundsTests {
  /// Each accepting rule of the exact answer is listed, with at least the same ports and sources: through jumps, and for the policy.
  @Test func theBoundsHoldTheExactSets() throws {
    let text = """
      *filter
      :INPUT ACCEPT [0:0]
      :web - [0:0]
      -A INPUT -s 10.0.0.0/8 -j DROP
      -A INPUT -p tcp -m tcp --dport 22 -s 10.1.0.0/16 -j ACCEPT
      -A INPUT -p tcp -m tcp --dport 20:30 -j ACCEPT
      -A INPUT -p tcp -s 192.0.2.0/24 -j web
      -A INPUT -p udp -j DROP
      -A web -m tcp -p tcp --dport 443 -m conntrack --ctstate NEW -j ACCEPT
      -A web -m conntrack --ctstate ESTABLISHED -j ACCEPT
      COMMIT

      """
    let table = try #require(RandomRules.parse(text, .ipv4).ruleset[table: .filter])
    let exact = try #require(OpenPackets(table, at: .input)).parts
    let bounds = OpenPackets.bounds(table, at: .input)
    #expect(exact.count >= 4)
    for part in exact {
      let wider = bounds.first { $0.place == part.place && $0.proto == part.proto }
      func holds(_ outer: [ClosedRange<UInt128>]?, _ inner: [ClosedRange<UInt128>]) -> Bool {
        inner.allSatisfy { range in outer?.contains { $0.lowerBound <= range.lowerBound && $0.upperBound >= range.upperBound } == true }
      }
      #expect(holds(wider?.ports, part.ports) && holds(wider?.sources, part.sources), "\(part) in \(String(describing: wider))")
    }
    // The jump's source narrows the rule behind it; a rule for established packets begins nothing.
    let web = try #require(table.index(of: "web"))
    #expect(bounds.filter { $0.place == RulePosition(chain: web, rule: 0) }.map(\.sources) == [[0xc000_0200...0xc000_02ff]])
    #expect(!bounds.contains { $0.place == RulePosition(chain: web, rule: 1) })
    #expect(bounds.filter { $0.place?.rule == 1 && $0.place?.chain != web }.map(\.ports) == [[22...22]])
    #expect(OpenPackets.bounds(table, at: .prerouting).isEmpty)
  }
}
