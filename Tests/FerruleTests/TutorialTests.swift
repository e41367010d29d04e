import Diagnostics
import Evaluator
import Extensions
import Foundation
import Linter
import Notation
import Syntax
import SystemNames
import Testing
import Wire
import XTables

// tutorial: Linter/WritingACheck
/// Finds `-s 0.0.0.0/0`, which says nothing.
enum AnySourceCheck: Check {
  static let code = "FX001"
  static let id = "any-source"
  static let title = "a source address that every packet has"
  static let rationale = "Leave the option out."
  static let examples: [CheckExample] = [
    .bad("*filter\n-A INPUT -s ↓0.0.0.0/0 -j ACCEPT\nCOMMIT\n", says: ["every packet has a source in 0.0.0.0/0"])
  ]

  static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    line.values(of: ["-s", "--source"]).filter { $0.value == "0.0.0.0/0" }.map { value in
      Diagnostic(id, .warning, "every packet has a source in 0.0.0.0/0", at: value.value.range, code: code)
    }
  }
}
// end

// tutorial: XTables/WritingAMatch
/// `-m datagram --datagram 64:1500`: the length of the datagram in bytes.
enum DatagramMatch: MatchExtension {
  /// The kernel's structure.
  struct Info: BitwiseCopyable, Sendable {
    var length = NumberRange<UInt16>(0, 0)
    var inverted: UInt8 = 0
    var padding: UInt8 = 0
  }

  static let name = "datagram"
  static let families: Families = .both
  static let summary = "matches the length of the datagram in bytes"
  static let initial = Info()
  static let options: [XTables.Option<Info>] = [
    Option("--datagram", .range(), \.length, invert: .flag(\.inverted), .mandatory, "length or range of lengths in bytes")
  ]
  static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<Info>.size)]
  static let examples: [Example] = [.accepts("--datagram 64:1500")]

  static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("datagram \(info.length.low):\(info.length.high)")
  }

  static func condition(_ info: Info, family: Family) -> Condition {
    .inRange(.datagramLength, info.length.low, info.length.high).inverted(info.inverted != 0)
  }
}
// end

/// The programs of the tutorials in the documentation of the libraries: each is there word for word, and does what the page says.
@Suite struct TutorialTests {
  @Test func aFileIsLinted() {
    // tutorial: Linter/LintingAFile
    let text = "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 10.0.0.9/24 -j ACCEPT\nCOMMIT\n"
    let parser = RulesetParser(registry: .ferrule, names: .offline, family: .ipv4)
    let parsed = parser.parse(SourceFile(name: "rules.v4", bytes: Array(text.utf8)))
    let findings = Linter(registry: .ferrule).diagnostics(for: parsed)
    for finding in findings {
      let place = parsed.file.position(of: finding.range.range.lowerBound)
      print("\(place.line):\(place.column): \(finding.message)")
    }
    // end
    #expect(findings.contains { $0.code == "FE014" })
  }

  @Test func aPacketRuns() throws {
    let text = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    // tutorial: Evaluator/RunningAPacket
    let parsed = RulesetParser(registry: .ferrule, names: .offline, family: .ipv4)
      .parse(SourceFile(name: "rules.v4", bytes: Array(text.utf8)))
    let host = Host(interfaces: ["eth0"])
    host.missing = []
    try host.apply(ipCommand: "address add 203.0.113.10/24 dev eth0")
    var runner = PacketRunner(try Simulator(host: host, rulesets: [parsed.ruleset]))
    let packet = SourceFile(name: "packet", bytes: Array("eth0 tcp 198.51.100.7:40000 > 203.0.113.10:80 S".utf8))
    for line in PacketNotation.read(packet).lines {
      if let report = try runner.play(line.step) { print(report.text(title: line.text) { _ in parsed.file }) }
    }
    // end
    let again = PacketNotation.read(packet).lines
    #expect(try runner.play(again[0].step)?.verdict.text == "dropped at INPUT by filter INPUT policy")
  }

  // tutorial: Notation/TestingAFirewall
  @Test(arguments: [
    "eth0 tcp 198.51.100.7:40000 > 203.0.113.10:443 S => local",
    "eth0 tcp 198.51.100.7:40000 > 203.0.113.10:22 S => drop INPUT",
  ])
  func theFirewallDecides(_ text: String) throws {
    let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 443 -j ACCEPT\nCOMMIT\n"
    let parsed = RulesetParser(registry: .ferrule, names: .offline, family: .ipv4)
      .parse(SourceFile(name: "rules.v4", bytes: Array(rules.utf8)))
    #expect(!parsed.hasErrors)
    let host = Host(interfaces: ["eth0"])
    host.missing = []
    try host.apply(ipCommand: "address add 203.0.113.10/24 dev eth0")
    var runner = PacketRunner(try Simulator(host: host, rulesets: [parsed.ruleset]))
    let line = try #require(PacketNotation.read(SourceFile(name: "test", bytes: Array(text.utf8))).lines.first)
    let report = try #require(try runner.play(line.step))
    #expect(line.expected?.holds(for: report) == true, "\(report.verdict.text)")
  }
  // end

  @Test func aCheckOfOnesOwnFinds() throws {
    let example = AnySourceCheck.examples[0]
    let parser = RulesetParser(registry: .ferrule, names: .offline, family: .ipv4)
    // tutorial: Linter/WritingACheck 2
    let linter = Linter(registry: .ferrule, checks: CheckList.all + [AnySourceCheck.self])
    // end
    let found = linter.diagnostics(for: parser.parse(SourceFile(name: "x", bytes: Array(example.text.utf8)))).filter { $0.code == "FX001" }
    #expect(found.map { $0.range.range.lowerBound } == example.marks.map(\.offset))
  }

  @Test func aMatchOfOnesOwnMatches() throws {
    // tutorial: XTables/WritingAMatch 2
    var registry = Registry.ferrule
    registry.add(DatagramMatch.listing)
    // end
    let text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m datagram ! --datagram 0:100 -j DROP\nCOMMIT\n"
    let parsed = RulesetParser(registry: registry, names: .offline, family: .ipv4).parse(SourceFile(name: "x", bytes: Array(text.utf8)))
    #expect(parsed.diagnostics.isEmpty)
    let printed = RulePrinter(family: .ipv4, names: .offline).table(parsed.ruleset.tables[0], counters: false)
    #expect(String(decoding: printed, as: UTF8.self).contains("-A INPUT -m datagram ! --datagram 0:100 -j DROP"))
  }

  /// The lines of a part of this file or of a page, without indentation.
  private static func lines(_ text: some StringProtocol) -> [String] {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  @Test func thePagesHaveThesePrograms() throws {
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let parts = source.matches(of: /(?ms)^ *\/\/ tutorial: (\w+)\/(\w+)[ 0-9]*\n(.*?)^ *\/\/ end$/)
    #expect(parts.count == 7)
    for part in parts {
      let path = BuiltCommand.root.appending(path: "Sources/\(part.1)/\(part.1).docc/\(part.2).md").path
      let page = try String(contentsOfFile: path, encoding: .utf8)
      let blocks = page.matches(of: /(?s)```swift\n(.*?)```/).map { Self.lines($0.1) }
      #expect(blocks.contains(Self.lines(part.3)), "\(path) has another program")
      let index = try ArchitectureTests.text("Sources/\(part.1)/\(part.1).docc/\(part.1).md")
      #expect(index.contains("<doc:\(part.2)>"), "\(part.1).md does not name \(part.2)")
    }
  }
}
