import Diagnostics
import Extensions
import Foundation
import Linter
import Policies
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// `ferrule audit` and `ferrule exposure`: what packets decide, and what the reports show.
@Suite struct AuditTests {
  private static let folder = PackageFolder.path + "/Examples/hardened-host/"

  private static func subject(_ name: String, _ change: (String) -> String = { $0 }) throws -> Audit.Subject {
    let text = try change(TextFile.text(folder + name))
    let family: Family = name.hasSuffix("v6") ? .ipv6 : .ipv4
    let file = SourceFile(name: name, bytes: Array(text.utf8))
    return Audit.Subject(RulesetParser(registry: .ferrule, names: .builtin, family: family).parse(file).ruleset, in: file)
  }

  private static let listeners = [
    Exposure.Listener(proto: .tcp, port: 22, address: nil, name: "sshd"),
    Exposure.Listener(proto: .tcp, port: 443, address: nil, name: "nginx"),
    Exposure.Listener(proto: .tcp, port: 5432, address: IPAddress("127.0.0.1"), name: "postgres"),
  ]

  private static func cis(_ subjects: [Audit.Subject], _ listeners: [Exposure.Listener]? = listeners) throws -> Audit {
    let text = try #require(AuditProfileFile.text(named: "cis"))
    return Audit(try AuditProfileFile.read(SourceFile(name: "cis", bytes: Array(text.utf8))), of: subjects, listeners: listeners)
  }

  @Test func theExampleHostPassesAllDecidableControls() throws {
    let audit = try Self.cis([try Self.subject("rules.v4"), try Self.subject("rules.v6")])
    #expect(audit.outcomes.count == 8)
    #expect(audit.count(.pass) == 8, "\(audit.text.string)")
    #expect(audit.outcomes.allSatisfy { $0.witness != nil })
    #expect(try Self.cis([try Self.subject("rules.v4"), try Self.subject("rules.v6")], nil).count(.manual) == 2)
  }

  /// Each mutant fails the control that it is made for, with a packet and a line.
  @Test(
    arguments: [
      ("1", ":INPUT DROP", ":INPUT ACCEPT"), ("1", ":FORWARD DROP", ":FORWARD ACCEPT"), ("1", ":OUTPUT DROP", ":OUTPUT ACCEPT"),
      ("1", "-A INPUT -i lo -j ACCEPT", "-A INPUT -j ACCEPT"), ("2", "-A INPUT -i lo -j ACCEPT\n", ""),
      ("2", "-A OUTPUT -o lo -j ACCEPT\n", "-A OUTPUT -o lo -j DROP\n"),
      ("2", "-A INPUT -s 127.0.0.0/8 -j DROP\n", ""), ("3", "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n", ""),
      ("3", "-A OUTPUT -p udp -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\n", ""), ("4", "--dports 80,443", "--dports 80,4433"),
      ("4", "--dport 22", "--dport 2222"),
    ]) func mutantsFail(_ control: String, _ old: String, _ new: String) throws
  {
    let changed = try Self.subject("rules.v4") { text in
      #expect(text.contains(old))
      return text.replacing(old, with: new)
    }
    let outcome = try #require(try Self.cis([changed]).outcomes.first { $0.control == "4.4.2.\(control)" })
    #expect(outcome.status == "fail", "\(outcome)")
    #expect(outcome.witness != nil && outcome.line != nil)
  }

  @Test func aRuleThatDropsAListenersPortIsARuleForIt() throws {
    let changed = try Self.subject("rules.v4") {
      $0.replacing("-A INPUT -i lo -j ACCEPT", with: "-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m multiport --dports 111,9100 -j DROP")
    }
    let outcome = try #require(
      try Self.cis([changed], Self.listeners + [Exposure.Listener(proto: .tcp, port: 9100, address: nil, name: "exporter")])
        .outcomes.first { $0.control == "4.4.2.4" })
    #expect(outcome.status == "pass" && outcome.rule?.contains("111,9100") == true, "\(outcome)")
  }

  /// The packet that shows an entry is one of its protocol.
  @Test func otherProtocolsAreShownByAnotherProtocol() {
    for rules in ["-A INPUT -j ACCEPT\n", "-A INPUT -p tcp -j DROP\n-A INPUT -j ACCEPT\n", "-A INPUT ! -p 253 -j ACCEPT\n"] {
      let file = SourceFile(name: "rules.v4", bytes: Array("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n\(rules)COMMIT\n".utf8))
      let open = Exposure(RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(file).ruleset, in: file).open
      let others = open.filter { $0.protocol == "other" }
      #expect(others.count == 1)
      #expect(others.allSatisfy { $0.witness.map { !$0.contains(" tcp ") && !$0.contains(" udp ") } == true }, "\(rules) \(others)")
    }
  }

  @Test func reportsAreEscaped() throws {
    let hostile = "<script>alert(1)</script>"
    let changed = try Self.subject("rules.v4") {
      $0.replacing("-A INPUT -i lo -j ACCEPT", with: "-A INPUT -m comment --comment \"\(hostile)\u{1B}[31m\" -j ACCEPT")
    }
    let audit = try Self.cis([changed])
    #expect(audit.count(.fail) > 0)
    let page = audit.page(of: hostile)
    #expect(!page.contains("<script>") && page.contains("&lt;script&gt;"))
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("Content-Security-Policy") && !page.contains("\u{1B}"))
    #expect(!audit.text.string.contains("\u{1B}"))
    let exposure = Exposure(changed.ruleset, in: changed.file)
    #expect(!exposure.page(title: hostile).contains("<script>") && !exposure.text.string.contains("\u{1B}"))
    let log = try #require(try JSONSerialization.jsonObject(with: Data(audit.sarif([changed.file], version: "1").utf8)) as? [String: Any])
    #expect(log["version"] as? String == "2.1.0")
  }

  /// Where nothing is decided, the report does not say that nothing is open.
  @Test func whatIsUndecidedIsNotClosed() {
    func report(_ rules: String) -> Exposure {
      let file = SourceFile(
        name: "rules.v4", bytes: Array("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:x - [0:0]\n\(rules)COMMIT\n".utf8))
      return Exposure(RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(file).ruleset, in: file)
    }
    #expect(report("").text.string == "nothing is open\n")
    let loop = report("-A INPUT -j x\n-A x -j x\n")
    #expect(!loop.undecided.isEmpty && !loop.text.string.contains("nothing is open") && !loop.page(title: "x").contains("Nothing is open"))
  }

  @Test func theExposureNamesWhatIsOpen() throws {
    let outcome = try BuiltCommand.shell(
      "ferrule exposure --format json --listening listening.txt rules.v4 rules.v6", in: URL(filePath: Self.folder))
    struct Shape: Decodable {
      struct Entry: Decodable {
        let family, interface, `protocol`, ports, sources, to, rule: String, witness: String?, listeners: [String]?
      }
      let open: [Entry]
    }
    let open = try JSONDecoder().decode(Shape.self, from: Data(outcome.text.utf8)).open
    let web = try #require(open.first { $0.family == "IPv4" && $0.ports == "80,443" })
    #expect(web.protocol == "tcp" && web.interface == "any" && web.sources == "any but 127.0.0.0/8" && web.to == "this host")
    #expect(web.listeners == ["nginx (443)", "nginx (80)"] && web.witness?.contains(":80 S") == true)
    #expect(open.contains { $0.ports == "22" && $0.sources == "198.51.100.0/24" })
  }

  @Test func aPortThatDockerPublishesIsNamed() throws {
    let outcome = try BuiltCommand.shell("ferrule exposure Examples/docker-host/ruleset.rules")
    #expect(outcome.text.contains("tcp 8080 from any to 172.18.0.2:80\n    published by Docker: these packets do not pass INPUT"))
  }

  @Test func theCommandReadsAProfileOfItsOwn() throws {
    let command = "ferrule audit --show-profile cis > $F; ferrule audit --profile $F Examples/hardened-host/rules.v4"
    let outcome = try BuiltCommand.shell("F=$(mktemp); \(command); code=$?; rm $F; exit $code")
    #expect(outcome.status == 0 && outcome.text.contains("3 pass, 0 fail, 1 manual, 4 undecided"), "\(outcome.text)")
    let wrong = try BuiltCommand.shell(
      "F=$(mktemp); echo 'name: x\ntitle: y\ncontrols: [{id: a, title: b, decide: guess}]' > $F; ferrule audit --profile $F Examples/hardened-host/rules.v4; code=$?; rm $F; exit $code"
    )
    #expect(wrong.status == 2 && wrong.text.contains("the decisions are listening-ports"), "\(wrong.text)")
  }

  /// The HTML reports as a browser shows them.
  @Test(
    .enabled("the pages were NOT shown: there is no chromium and no firefox") {
      (try? BuiltCommand.shell("command -v chromium || command -v chromium-browser || command -v google-chrome").status) == 0
    }) func aBrowserShowsTheReport() throws
  {
    let outcome = try BuiltCommand.shell(
      """
      D=$(mktemp -d); ferrule audit --format html rules.v4 rules.v6 > $D/a.html
      B=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
      $B --headless --no-sandbox --disable-gpu --dump-dom file://$D/a.html; rm -r $D
      """, in: URL(filePath: Self.folder))
    #expect(outcome.text.contains("CIS Benchmark"))
  }
}
