import Diagnostics
import Linter
import TestSupport
import Testing
import XTables

/// What lint says of mistakes of design, and of text that was pasted, in rulesets as people post them.
@Suite struct LintDesignTests {
  @Test(
    .needsSharedFolder,
    arguments: [
      ("lint-design-mistakes/masq-all.v4", ["FE061"]), ("lint-design-mistakes/pre-dnat-port.v4", ["FE060"]),
      ("lint-shadowing/limit-noop.v4", ["FE024"]), ("lint-never-matches/helper-unassigned.v4", ["FE026"]),
    ]) func theCasesAreNamed(_ name: String, _ codes: [String]) throws
  {
    let found = LintCaseTests.lint(try SharedFolder.text("cases/\(name)")).found
    for code in codes { #expect(found.contains { $0.code == code }, "\(found.map(\.label))") }
  }

  /// The hint names the cause of a mistake, not the nearest spelling.
  @Test(
    arguments: [
      ("-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080", "move the rule between *nat and its COMMIT"),
      ("-A PREROUTING -j ACCEPT", "move the rule between *raw or *mangle or *nat and its COMMIT"),
      ("-A input -j ACCEPT", "did you mean INPUT? The names of chains are case-sensitive"),
      ("-A prerouting -j DNAT --to-destination 10.0.0.1", "its name is written PREROUTING"),
      ("-A INPUT -j Drop", "did you mean -j DROP?"), ("-A INPUT -j reject", "did you mean -j REJECT?"),
      ("-A INPUT -p tcp -m TCP --dport 80", "did you mean -m tcp?"),
      ("-A INPUT –p tcp -j ACCEPT", "column 10 has an en dash (U+2013)"),
      ("-A INPUT -p tcp —dport 80 -j ACCEPT", "an em dash (U+2014): write `--' instead"),
      ("-A INPUT -p tcp\u{A0}--dport 80 -j ACCEPT", "a no-break space (U+00A0): write a blank instead"),
      ("-A INPUT -m comment --comment \u{201C}web server\u{201D} -j ACCEPT", "a curly quote (U+201C)"),
      ("-A INPUT -m comment --comment 'web server' -j ACCEPT", "only double quotes join words here"),
      ("-A INPUT -m conntrack --ctstate NEW, ESTABLISHED -j ACCEPT", "a list must not contain blanks: write NEW,ESTABLISHED"),
      ("-A INPUT -m conntrack --ctstate NEW , ESTABLISHED -j ACCEPT", "a list must not contain blanks: write NEW,ESTABLISHED"),
      ("-A INPUT -s 10.0.0.1, 10.0.0.2 -j ACCEPT", "a list must not contain blanks: write 10.0.0.1,10.0.0.2"),
      ("-A INPUT -p tcp --dport 80,443 -j ACCEPT", "write -m multiport --dports 80,443"),
      ("-A INPUT -p udp --sport 53,123 -j ACCEPT", "write -m multiport --sports 53,123"),
      ("-A INPUT -p tcp -m multiport --dports 80;443 -j ACCEPT", "ports in a list are separated by commas"),
      ("-A INPUT -p tcp --dport 80-90 -j ACCEPT", "a range of ports is written with a colon: 80:90"),
    ]) func hintsNameTheCause(_ line: String, _ hint: String)
  {
    let found = LintCaseTests.lint("*filter\n\(line)\nCOMMIT\n").found
    #expect(found.contains { $0.notes.contains { $0.message.contains(hint) } }, "\(found.map { ($0.message, $0.notes.map(\.message)) })")
  }

  @Test func aByteOrderMarkIsNamed() {
    let found = LintCaseTests.lint("\u{FEFF}*filter\n-A INPUT -j ACCEPT\nCOMMIT\n").found
    #expect(found.first?.notes.first?.message == "column 1 has a byte-order mark (U+FEFF): remove it")
  }

  /// Words of another language in a comment are no mistake.
  @Test func typographyInQuotesIsNoCause() {
    let found = LintCaseTests.lint("*filter\n-A INPUT -m comment --comment \"a – b\" --nonsense\nCOMMIT\n").found
    #expect(found.count == 1 && found[0].id == "unknown-option")
    #expect(found.allSatisfy { $0.notes.allSatisfy { !$0.message.contains("U+") } })
  }

  /// A rule that is not read may stand between two others, and may have counters: nothing is said of the order of such a chain.
  @Test func rulesThatAreNotReadAreNoGapInARun() {
    func codes(_ between: (Int) -> String) -> Set<String> {
      let rules = (1...20).map { "\(between($0))-A INPUT -s 10.0.0.\($0)/32 -j DROP\n" }.joined()
      return Set(LintCaseTests.lint("*filter\n:INPUT ACCEPT [0:0]\n\(rules)COMMIT\n").found.compactMap(\.code))
    }
    #expect(codes { _ in "" }.contains("FE101"))
    #expect(!codes { "-A INPUT -s 10.0.0.\($0)/32 -m mac --mac-source XX:XX:XX:XX:XX:XX -j RETURN\n" }.contains("FE101"))
    #expect(!codes { _ in "-A INPUT -m mac --mac-source XX:XX:XX:XX:XX:XX -j RETURN\n" }.contains("FE101"))
    // Other packets than those of one source are no set, and each of these rules has a limit of its own.
    for rule in ["! -s 10.0.0.N/32 -j DROP", "-s 10.0.0.N/32 -m limit --limit 1/sec -j ACCEPT"] {
      let rules = (1...20).map { "-A INPUT \(rule)\n".replacing("N", with: "\($0)") }.joined()
      #expect(!LintCaseTests.lint("*filter\n\(rules)COMMIT\n").found.contains { $0.code == "FE101" }, "\(rule)")
    }
  }

  /// Equal errors are counted, and do not end the reading; different ones do after 1,000.
  @Test func equalErrorsBecomeOneWithACount() throws {
    let many = LintCaseTests.lint("*filter\n" + String(repeating: "-A INPUT --nonsense\n", count: 5000) + "-A nowhere -j ACCEPT\nCOMMIT\n")
    #expect(many.found.count == 5001)
    let shown = many.found.condensed
    #expect(shown.map(\.id) == ["unknown-option", "unknown-chain"])
    #expect(shown.first?.repeats?.count == 5000)
    #expect(shown.first?.repeats?.sentence(in: many.file) == "the same at 4999 other places: lines 3, 4, 5, 6, 7, …")
    let different = LintCaseTests.lint("*filter\n" + (0..<1500).map { "-A c\($0) -j ACCEPT\n" }.joined() + "COMMIT\n").found
    #expect(different.count == 1001 && different.last?.id == "too-many-errors")
  }

  /// A report of a file that names one table again and again is short, in every format.
  @Test(arguments: ReportFormat.allCases) func reportsOfEqualFindingsAreShort(_ format: ReportFormat) {
    let (file, found) = LintCaseTests.lint(String(repeating: "*nat\n", count: 13_000) + "COMMIT\n")
    let plain = format.render([FileDiagnostics(file, [])]).utf8.count
    #expect(format.render([FileDiagnostics(file, found)]).utf8.count < plain + 10_000)
  }
}
