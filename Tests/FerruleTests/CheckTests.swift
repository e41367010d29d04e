import Diagnostics
import Extensions
import Linter
import Syntax
import Testing
import Wire
import XTables

/// Every check against its own examples.
@Suite struct CheckTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let check: any Check.Type
    let example: CheckExample
    var testDescription: String { "\(check.code) \(example.text.split(separator: "\n").joined(separator: " / "))" }
  }

  static let cases = CheckList.all.flatMap { check in check.examples.map { Case(check: check, example: $0) } }

  static func lint(_ text: String, _ family: Family = .ipv4, _ example: CheckExample? = nil) -> (SourceFile, [Diagnostic]) {
    let file = SourceFile(name: "test", bytes: Array(text.utf8))
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: family).parse(file)
    let other = example?.counterpart.map { text in
      RulesetParser(registry: .ferrule, names: .builtin, family: family == .ipv4 ? .ipv6 : .ipv4)
        .parse(SourceFile(name: "other", bytes: Array(text.utf8))).ruleset
    }
    let linter = Linter(registry: .ferrule, settings: example?.settings ?? LintSettings(), counterpart: other)
    return (file, linter.diagnostics(for: parsed))
  }

  @Test(arguments: cases) func aCheckFindsExactlyWhatItsExampleMarks(_ test: Case) {
    let (file, found) = Self.lint(test.example.text, test.example.family, test.example)
    let own = found.filter { $0.code == test.check.code }
    let marks = own.map { CheckExample.Mark(offset: Int($0.range.range.lowerBound), message: $0.message) }
    #expect(marks == test.example.marks, "\(found.map { "byte \($0.range.range.lowerBound): \($0.message)" })")
    #expect(found.allSatisfy { $0.range.range.upperBound <= file.bytes.count })
    if !test.example.marks.isEmpty, [.safety, .nat, .state].contains(test.check.group), own.contains(where: { $0.evidence != nil }) {
      #expect(own.allSatisfy { $0.evidence?.witness != nil }, "a finding that rests on a packet shows it")
    }
    if test.example.marks.isEmpty {
      #expect(!found.contains { $0.severity == .error }, "a good example has no error: \(found.map(\.message))")
    }
    let (fixed, count) = FixApplication.apply(own, to: file)
    #expect(String(decoding: fixed, as: UTF8.self) == test.example.fixed ?? test.example.text)
    #expect((count > 0) == (test.example.fixed != nil))
  }

  @Test func everyCheckIsDocumented() {
    var codes: Set<String> = []
    for check in CheckList.all {
      #expect(codes.insert(check.code).inserted, "\(check.code) stands twice")
      #expect(check.code.wholeMatch(of: /FE[0-9]{3}/) != nil)
      #expect(check.examples.contains { !$0.marks.isEmpty }, "\(check.code) has no bad example")
      #expect(check.examples.contains { $0.marks.isEmpty }, "\(check.code) has no good example")
      for mark in check.examples.flatMap(\.marks) {
        #expect(!mark.message.isEmpty, "\(check.code): an example has no ↓ at the column, or no message")
      }
      #expect(check.rationale.count > 80)
      #expect(CheckList.named(check.code.lowercased())?.code == check.code)
      #expect(CheckList.named(check.id)?.code == check.code)
    }
  }

  /// The list of checks says of each how grave its findings are, as its page does.
  @Test func theListOfChecksSaysTheSeverity() throws {
    let lines = CheckExplanation.index.split(separator: "\n").map(String.init)
    for check in CheckList.all {
      let line = try #require(lines.first { $0.hasPrefix(check.code) })
      #expect(line.split(separator: " ")[1] == check.severity.rawValue, "\(line)")
      #expect(CheckExplanation(check).text.contains("(\(check.severity.rawValue))"))
    }
    #expect(lines.contains { $0.hasPrefix("FE016  note     ") })
  }

  /// FE007 removes a line only where what the rule asks for is what it was at the first of the two.
  @Test(arguments: [
    ("*mangle", "-p tcp -m tcpmss --mss 1400:65495", "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1300", Family.ipv4, false),
    ("*mangle", "-p tcp -m tcp --tcp-option 8", "-p tcp -j TCPOPTSTRIP --strip-options timestamp", .ipv4, false),
    ("*mangle", "-p tcp -m tcp --tcp-option 8", "-p tcp -j TCPOPTSTRIP --strip-options mss", .ipv4, true),
    ("*mangle", "-s fd00::/64", "-j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64", .ipv6, false),
    ("*mangle", "-d fd00::/64", "-j DNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64", .ipv6, false),
    ("*mangle", "-d fd00::/64", "-j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64", .ipv6, true),
    ("*mangle", "-m length --length 40", "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1300", .ipv4, false),
    ("*mangle", "-m ttl --ttl-eq 3", "-j TTL --ttl-dec 1", .ipv4, false),
    ("*mangle", "-m ttl --ttl-eq 3", "-j MARK --set-mark 1", .ipv4, true),
    ("*mangle", "-m u32 --u32 \"0x8&0xff=0x1\"", "-j TTL --ttl-dec 1", .ipv4, false),
    ("*mangle", "-m mark --mark 1", "-j CONNMARK --restore-mark", .ipv4, false),
    ("*mangle", "-m connmark --mark 1", "-j CONNMARK --restore-mark", .ipv4, true),
    ("*mangle", "-m mark --mark 1", "-m socket --restore-skmark -j LOG", .ipv4, false),
    ("*raw", "-m conntrack --ctstate UNTRACKED", "-j NOTRACK", .ipv4, false),
    ("*mangle", "-p tcp -m tcp --tcp-flags SYN SYN", "-p tcp -j ECN --ecn-tcp-remove", .ipv4, false),
    ("*mangle", "-m addrtype --dst-type LOCAL", "-j DSCP --set-dscp 1", .ipv4, true),
    ("*mangle", "-m tos --tos 0x10", "-j geoip --ferrule-bytes 0:0102030405060708", .ipv4, false),
  ])
  func aRuleBehindOneThatRewritesIsNotTheSame(_ table: String, _ match: String, _ between: String, _ family: Family, isFound: Bool) {
    let chain = between.contains("SNPT") ? "POSTROUTING" : "PREROUTING"
    for text in [
      "\(table)\n-A \(chain) \(match) -j ACCEPT\n-A \(chain) \(between)\n-A \(chain) \(match) -j ACCEPT\nCOMMIT\n",
      "\(table)\n:a - [0:0]\n:b - [0:0]\n-A \(chain) \(match) -j ACCEPT\n-A \(chain) -j a\n-A \(chain) \(match) -j ACCEPT\n-A a -g b\n-A b \(between)\nCOMMIT\n",
    ] {
      let found = Self.lint(text, family).1
      #expect(!found.contains { $0.severity == .error }, "\(found.map(\.message))")
      #expect(found.contains { $0.code == "FE007" } == isFound, "\(text)")
    }
  }

  @Test func suppressionSilencesOneLineOrTheFile() {
    let bad = "*filter\n:a - [0:0]\n:b - [0:0]\nCOMMIT\n"
    func codes(_ text: String) -> [String?] { Self.lint(text).1.map(\.code) }
    #expect(codes(bad) == ["FE002", "FE002"])
    #expect(codes("*filter\n# ferrule:ignore FE002\n:a - [0:0]\n:b - [0:0]\nCOMMIT\n") == ["FE002"])
    #expect(codes("# ferrule:ignore-file FE002\n" + bad) == [])
    #expect(codes("# ferrule:ignore-file FE002, host-bits\n" + bad) == ["FE015"])
    // An error stays an error, and the suppression is told to be of no use.
    #expect(codes("*filter\n# ferrule:ignore FE001\n-A INPUT -j nowhere\nCOMMIT\n") == ["FE015", "FE001", "FE027"])
  }

  @Test func aFixKeepsEveryOtherByte() {
    let text = "# caf\u{E9} \u{1F525}\n*filter\n\n-A  INPUT -s 10.1.2.3/8,10.0.0.0/8 \t-j DROP\n# end\nCOMMIT\n"
    let (file, found) = Self.lint(text)
    let (bytes, count) = FixApplication.apply(found, to: file)
    #expect(count == 1)
    #expect(String(decoding: bytes, as: UTF8.self) == text.replacing("10.1.2.3/8", with: "10.0.0.0/8"))
  }

  @Test func aRuleIsNotRemovedWhereNumbersCount() {
    let text = "*filter\n-A INPUT -p tcp -j DROP\n-A INPUT -p tcp -j DROP\n-D INPUT 1\n-A INPUT -p tcp -j DROP\nCOMMIT\n"
    let (_, found) = Self.lint(text)
    #expect(found.contains { $0.code == "FE007" })
    #expect(found.allSatisfy { $0.fixIts.isEmpty })
  }

  @Test func whatCouldNotBeReadIsNotFoundMissing() {
    let text = "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a --nonsense\n-A INPUT -m nonsense -j b\nCOMMIT\n"
    #expect(Self.lint(text).1.allSatisfy { $0.severity == .error })
  }

  @Test(arguments: ["NEW, ESTABLISHED", "NEW,,ESTABLISHED", ",NEW"]) func aBrokenListOfStatesIsNotWrittenAnew(_ list: String) {
    let (_, found) = Self.lint("*filter\n-A INPUT -m state --state \(list) -j ACCEPT\nCOMMIT\n")
    #expect(found.contains { $0.severity == .error })
    #expect(!found.contains { $0.code == "FE050" })
  }

  @Test func rulesWithMemoryAreNotCompared() {
    let rule = "-A INPUT -m limit --limit 1/min -j ACCEPT\n"
    #expect(Self.lint("*filter\n\(rule)\(rule)COMMIT\n").1.isEmpty)
  }
}
