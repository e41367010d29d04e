import Compiler
import Diagnostics
import Extensions
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Rules in expressions of nf_tables and back, without a kernel.
@Suite struct NativeRuleTests {
  private static func rule(_ text: String, _ family: Family = .ipv4, table: String = "filter") throws -> Rule {
    let file = SourceFile(name: "rules", bytes: Array("*\(table)\n-A \(text)\nCOMMIT\n".utf8))
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: family).parse(file)
    return try #require(parsed.ruleset.tables.first?.chains.flatMap(\.rules).first, "\(parsed.diagnostics.map(\.message))")
  }

  private static func text(_ rule: Rule, _ family: Family = .ipv4) -> String {
    String(decoding: RulePrinter(family: family, names: .builtin).line(rule, chain: "INPUT"), as: UTF8.self)
  }

  /// The expressions that `nft --debug=netlink list ruleset` shows of rules loaded by iptables-nft 1.8.9.
  @Test func theExpressionsAreThoseOfIptables() throws {
    let rule = try Self.rule("INPUT -s 10.0.0.0/8 -i eth+ -p tcp -m tcp --dport 1:9 -m mark --mark 0x1/0x3 -j DROP")
    #expect(
      try NativeRuleEncoder(.ipv4).expressions(rule) == [
        .meta(key: 6, register: 1), .compare(register: 1, .equal, Array("eth".utf8)), .meta(key: 16, register: 1),
        .compare(register: 1, .equal, [6]), .payload(base: 1, offset: 12, length: 1, register: 1), .compare(register: 1, .equal, [10]),
        .payload(base: 2, offset: 2, length: 2, register: 1), .range(register: 1, .inRange, [0, 1], [0, 9]),
        .meta(key: 3, register: 1), .bitwise(source: 1, register: 1, mask: [3, 0, 0, 0], flips: [0, 0, 0, 0]),
        .compare(register: 1, .equal, [1, 0, 0, 0]), .counter(packets: 0, bytes: 0), .verdict(0, chain: nil),
      ])
  }

  /// An inverted test of any interface never holds. It is kept in text that is loaded again, and comes back from nf_tables.
  @Test func anInvertedTestOfAnyInterfaceIsKept() throws {
    let rule = try Self.rule("INPUT ! -i + -j DROP")
    let expressions = try NativeRuleEncoder(.ipv4).expressions(rule)
    #expect(expressions.prefix(2) == [.meta(key: 6, register: 1), .compare(register: 1, .equal, Array("INVAL/D\0".utf8))])
    let back = try NativeRuleDecoder(.ferrule, .ipv4).rule(expressions)
    let printer = RulePrinter(family: .ipv4, names: .builtin, isReloadable: true)
    for rule in [rule, back] { #expect(String(decoding: printer.line(rule, chain: "INPUT"), as: UTF8.self) == "-A INPUT ! -i + -j DROP") }
  }

  /// Rules that come back from nf_tables with another text, as from iptables-nft: the expressions do not hold the difference.
  private static let changed: [(text: String, back: String)] = [
    ("INPUT -p udp -m udp ! --dport 0:100", "-A INPUT -p udp -m udp --dport 101:65535"),
    ("INPUT -m limit --limit 3000/sec", "-A INPUT -m limit --limit 3333/sec"),
    ("INPUT -p tcp -m tcp --dport 80 -m tcp --sport 90", "-A INPUT -p tcp -m tcp --sport 90 --dport 80"),
  ]

  @Test(arguments: changed.indices) func whatTheExpressionsDoNotHold(_ index: Int) throws {
    let rule = try Self.rule(Self.changed[index].text)
    let back = try NativeRuleDecoder(.ferrule, .ipv4).rule(try NativeRuleEncoder(.ipv4).expressions(rule))
    #expect(Self.text(back) == Self.changed[index].back)
  }

  @Test(.needsSharedFolder) func everyUpstreamRuleComesBack() throws {
    var counts: [String: (same: Int, others: Int)] = [:]
    for row in try GoldenEntriesTests.rows() {
      let file = SourceFile(name: row.file, bytes: Array("*\(row.table.rawValue)\n-A \(row.chain) \(row.rule)\nCOMMIT\n".utf8))
      let parsed = RulesetParser(registry: .ferrule, names: .system, family: row.family).parse(file)
      guard let rule = parsed.ruleset.tables.first?[chain: row.chain]?.rules.first else { continue }
      let expressions: [NativeExpression]
      do throws(NativeRuleEncoder.Inexpressible) { expressions = try NativeRuleEncoder(row.family).expressions(rule) } catch { continue }
      do throws(NativeRuleDecoder.Native) {
        let back = try NativeRuleDecoder(.ferrule, row.family).rule(expressions)
        let isSame = Self.text(back, row.family) == Self.text(rule, row.family)
        counts[row.file, default: (0, 0)].same += isSame ? 1 : 0
        counts[row.file, default: (0, 0)].others += isSame ? 0 : 1
        if !isSame { print("\(row.file): \(Self.text(rule, row.family)) comes back as \(Self.text(back, row.family))") }
      } catch {
        Issue.record("\(row.file): \(row.rule): \(error.reason)")
      }
    }
    let others = counts.filter { $0.value.others > 0 }.mapValues(\.others)
    #expect(counts.values.reduce(0) { $0 + $1.same } > 2600)
    // `--nflog-range`, which has no effect.
    #expect(Set(others.keys) == ["libxt_NFLOG.t"], "\(others)")
  }

  /// What iptables would not have written is native, with a reason, and never read as another rule.
  @Test(arguments: [
    ("the expression ct", [NativeExpression.other("ct", []), .verdict(1, chain: nil)]),
    ("follows the verdict", [.verdict(1, chain: nil), .counter(packets: 0, bytes: 0)]),
    ("not compared", [.payload(base: 1, offset: 12, length: 4, register: 1), .verdict(1, chain: nil)]),
    ("not loaded", [.compare(register: 1, .equal, [1]), .verdict(1, chain: nil)]),
    ("tested twice", [.meta(key: 16, register: 1), .compare(register: 1, .equal, [6]), .compare(register: 1, .equal, [17])]),
    ("bytes at offset 2", [.payload(base: 2, offset: 2, length: 2, register: 1), .compare(register: 1, .equal, [0, 22])]),
    ("bitwise", [.meta(key: 3, register: 1), .bitwise(source: 1, register: 1, mask: [1, 0, 0, 0], flips: [1, 0, 0, 0])]),
    ("register 99", [.meta(key: 16, register: 99)]), ("verdict 77", [.verdict(77, chain: nil)]),
    ("metadata 11", [.meta(key: 11, register: 1), .compare(register: 1, .equal, [1, 0, 0, 0])]),
    ("no interface", [.meta(key: 5, register: 1), .compare(register: 1, .equal, [1, 0, 0, 0])]),
    ("interface", [.meta(key: 6, register: 1), .compare(register: 1, .less, Array("eth0\0".utf8))]),
    ("address", [.payload(base: 1, offset: 12, length: 4, register: 1), .compare(register: 1, .greater, [10, 0, 0, 1])]),
    ("expression limit", [.limit(rate: 0, unit: 1, burst: 5)]),
    ("expression log", [.log(NativeLog(group: 1, prefix: [UInt8](repeating: 65, count: 100)))]),
    ("invalid name", [.match(name: "a b", revision: 0, [])]),
  ]) func otherRulesAreNative(_ word: String, _ expressions: [NativeExpression]) {
    do throws(NativeRuleDecoder.Native) {
      Issue.record("read as \(Self.text(try NativeRuleDecoder(.ferrule, .ipv4).rule(expressions)))")
    } catch {
      #expect(error.reason.contains(word), "\(error.reason)")
    }
  }

  /// iptables-nft prints the name that an interface has now.
  @Test func anIndexOfAnInterfaceIsReadAsItsName() throws {
    let decoder = NativeRuleDecoder(.ferrule, .ipv4) { $0 == 7 ? "eth0" : nil }
    let expressions = [4, 5].flatMap { key in
      [NativeExpression.meta(key: key, register: 1), .compare(register: 1, key == 4 ? .equal : .unequal, [7, 0, 0, 0])]
    }
    #expect(Self.text(try decoder.rule(expressions)) == "-A INPUT -i eth0 ! -o eth0")
  }

  /// Rules that nft(8) or a newer iptables writes and that iptables can express.
  @Test func testsOfOtherProgramsAreRead() throws {
    let decoder = NativeRuleDecoder(.ferrule, .ipv4)
    func line(_ expressions: [NativeExpression], comment: String? = nil) throws -> String {
      Self.text(try decoder.rule(expressions, comment: comment.map { Array($0.utf8) }))
    }
    let tcp: [NativeExpression] = [.meta(key: 16, register: 1), .compare(register: 1, .equal, [6])]
    let icmp: [NativeExpression] = [.payload(base: 1, offset: 9, length: 1, register: 1), .compare(register: 1, .equal, [1])]
    #expect(
      try line(
        tcp + [.payload(base: 2, offset: 2, length: 2, register: 2), .compare(register: 2, .equal, [0, 22]), .verdict(1, chain: nil)])
        == "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT")
    #expect(
      try line(icmp + [.payload(base: 2, offset: 0, length: 1, register: 1), .compare(register: 1, .equal, [8])], comment: "ping")
        == "-A INPUT -p icmp -m icmp --icmp-type 8 -m comment --comment ping")
    #expect(
      try line([.payload(base: 1, offset: 8, length: 1, register: 1), .compare(register: 1, .atMost, [9])])
        == "-A INPUT -m ttl --ttl-lt 10")
    #expect(try line([.meta(key: 19, register: 1), .compare(register: 1, .unequal, [1])]) == "-A INPUT -m pkttype ! --pkt-type broadcast")
  }
}
