import Compiler
import Diagnostics
import Extensions
import Foundation
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Rules that are read by the shape of their line must be those that the parser reads.
@Suite struct RuleShapeTests {
  /// The tables by shapes and piece by piece, or nil; the number of rules that were read by their shape.
  private static func stream(_ text: String, _ family: Family) -> (blobs: [TableBlob]?, shaped: Int) {
    let bytes = Array(text.utf8)
    var compiler = StreamCompiler(parser(family), length: bytes.count)
    for start in stride(from: 0, to: bytes.count, by: 700) { _ = compiler.add(Array(bytes[start..<min(bytes.count, start + 700)])) }
    _ = compiler.add([])
    let shaped = compiler.shapedRules
    return (compiler.blobs(), shaped)
  }

  private static func parser(_ family: Family) -> RulesetParser { RulesetParser(registry: .ferrule, names: .builtin, family: family) }

  /// The tables by the parser alone; nil if there is anything to report.
  private static func whole(_ text: String, _ family: Family) -> [TableBlob]? {
    let parsed = parser(family).parse(SourceFile(name: "text", bytes: Array(text.utf8)))
    guard parsed.diagnostics.isEmpty, parsed.ruleset.tables.allSatisfy({ TableValidator().diagnostics(for: $0).isEmpty }) else {
      return nil
    }
    return parsed.ruleset.tables.map { TableCompiler().compile($0) }
  }

  @Test func theSecondLineOfAShapeIsNotParsed() {
    let text = "*filter\n-A INPUT -s 10.0.0.1/32 -j DROP\n-A INPUT -s 10.2.0.0/16 -j DROP\n-A INPUT -s 10.0.0.3 -j DROP\nCOMMIT\n"
    let (blobs, shaped) = Self.stream(text, .ipv4)
    #expect(shaped == 2)
    #expect(blobs != nil && blobs == Self.whole(text, .ipv4))
  }

  /// Lines that differ from a known one in more than a value of the simple form.
  @Test(arguments: [
    ("-A INPUT -i eth0 -j ACCEPT", "-A OUTPUT -i eth0 -j ACCEPT"), ("-A INPUT -s 10.0.0.1 -j DROP", "-A INPUT -s 10.0.0.1/0 -j DROP"),
    ("-A INPUT -s 10.0.0.1 -j DROP", "-A INPUT -s 10.0.0.1/255.0.255.0 -j DROP"),
    ("-A INPUT -s 10.0.0.1 -j DROP", "-A INPUT -s 010.0.0.1 -j DROP"),
    ("-A INPUT -s 10.0.0.1 -j DROP", "-A INPUT -s 10.0.0.1,10.0.0.2 -j DROP"), ("-A INPUT -i eth0", "-A INPUT -i eth+"),
    ("-A INPUT -p tcp --dport 1:2", "-A INPUT -p tcp --dport 2:1"), ("-A INPUT -p tcp --dport 80", "-A INPUT -p tcp --dport http"),
    ("-A INPUT -p tcp --dport 80", "-A INPUT -p tcp --dport 080"), ("-A INPUT -p tcp --dport 80", "-A INPUT -p tcp --dport 80000"),
    ("-A INPUT -m mark --mark 1", "-A INPUT -m mark --mark 010"), ("-A INPUT -m mark --mark 1", "-A INPUT -m mark --mark 0x100000000"),
    ("-A INPUT -m comment --comment a", "-A INPUT -m comment --comment \"a\\\"b\""),
    ("-A INPUT -m comment --comment a", "-A INPUT -m comment --comment \"open"), ("-A INPUT -j user", "-A INPUT -j other"),
    ("-A INPUT -j user", "-A INPUT -j OUTPUT"), ("-A INPUT -j user", "-A INPUT -j LOG"), ("-A INPUT -j user", "-A INPUT -j DROP"),
    ("-A user -j RETURN", "-A INPUT -j RETURN"), ("-A user -i eth0", "-A OUTPUT -i eth0"), ("-A user -j user2", "-A user2 -j user"),
    ("[1:2] -A INPUT", "[a:2] -A INPUT"), ("-A INPUT", "[18446744073709551616:1] -A INPUT"), ("-A INPUT -j DROP", "[3:4]-A INPUT -j DROP"),
    ("-A INPUT -c 1 2 -j DROP", "[3:4] -A INPUT -c 1 2 -j DROP"), ("-A INPUT -j DROP", "-A INPUT -j DROP trailing"),
    ("-A INPUT -j DROP", "-A INPUT -j DROP\r"), ("-A INPUT -j DROP", "  -A INPUT -j DROP"), ("-A INPUT -j DROP", "-A INPUT\t-j  DROP  "),
  ])
  func aLineLikeAKnownOneIsReadAsByTheParser(_ known: String, _ line: String) {
    let text = "*filter\n:user - [0:0]\n:user2 - [0:0]\n\(known)\n\(line)\n\(known)\nCOMMIT\n"
    let blobs = Self.stream(text, .ipv4).blobs
    if let blobs { #expect(blobs == Self.whole(text, .ipv4), "\(line)") }
  }

  /// After the declaration of a chain the same words may mean another rule.
  @Test func aNewChainHidesATargetOfTheSameName() {
    let text = "*filter\n-A INPUT -j LOG\n-A INPUT -j LOG\n-N CHECKSUMS\n:LOG - [0:0]\n-A INPUT -j LOG\n-A LOG -j RETURN\nCOMMIT\n"
    let blobs = Self.stream(text, .ipv4).blobs
    if let blobs { #expect(blobs == Self.whole(text, .ipv4)) }
  }

  /// Every option with a simple form: the rule of a second value is the one that the parser makes of it, or is left to the parser.
  @Test func noOtherPartOfARuleDependsOnASimpleValue() throws {
    var options = 0
    for descriptor in Registry.ferrule.all {
      for family in Family.allCases where descriptor.families.contains(family) {
        for option in descriptor.options {
          guard let plain = option.plain else { continue }
          let rules = descriptor.examples.map { ExampleRules($0, of: descriptor, family).text }.filter {
            $0.contains(" \(option.name) ") && Self.whole($0, family) != nil
          }
          for rules in rules {
            options += 1
            for first in Self.values(plain.form) {
              for second in Self.values(plain.form) {
                let text = try Self.repeated(rules, option.name, first, second)
                let (blobs, _) = Self.stream(text, family)
                #expect(blobs == Self.whole(text, family), "\(text)")
              }
            }
          }
        }
      }
    }
    #expect(options > 20)
  }

  private static func values(_ form: PlainForm) -> [String] {
    switch form {
    case .ports: ["0", "80", "65535", "0:65535", "1024:65535"]
    case .mark: ["0", "1", "0x1f", "4294967295", "0xffffffff", "0x10/0xff", "1/0", "0/0"]
    case .ethernet: ["02:00:00:00:00:01", "ff:FF:ff:ff:ff:fF", "0:1:2:3:4:5"]
    case .text(let capacity): ["a", "\"a b\"", String(repeating: "x", count: capacity - 1)]
    }
  }

  /// The rules with the line of the option twice, with one value each.
  private static func repeated(_ rules: String, _ option: String, _ first: String, _ second: String) throws -> String {
    var lines: [String] = []
    for line in rules.split(separator: "\n").map(String.init) {
      guard let place = line.range(of: " \(option) ") else {
        lines.append(line)
        continue
      }
      var rest = line[place.upperBound...].drop { $0 == " " }
      rest = rest.first == "\"" ? rest.dropFirst().drop { $0 != "\"" }.dropFirst() : rest.drop { $0 != " " }
      for value in [first, second] { lines.append(line[..<place.upperBound] + value + rest) }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The 54 real rulesets. Most are small, so that a third of their rules have the shape of an earlier one.
  @Test(.needsSharedFolder) func realRulesetsAreReadAsByTheParser() throws {
    let folder = SharedFolder.path + "/rulesets/"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix("tables-save") }
    var rules = 0
    var shaped = 0
    var compiled = 0
    for file in files {
      let family: Family = file.contains("ip6tables") ? .ipv6 : .ipv4
      let text = String(decoding: try Data(contentsOf: URL(filePath: folder + file)), as: UTF8.self)
      let (blobs, count) = Self.stream(text, family)
      guard let blobs else { continue }
      #expect(blobs == Self.whole(text, family), "\(file)")
      rules += text.split(separator: "\n").count { $0.contains("-A ") }
      shaped += count
      compiled += 1
    }
    print("rule shapes: \(shaped) of \(rules) rules of \(compiled) files are read by their shape")
    #expect(compiled > 20 && shaped > rules / 4)
  }

  /// Rules of few shapes with drawn values, damaged: what is compiled is what the parser makes of the text, in both families.
  @Test(arguments: Family.allCases) func drawnRulesAreReadAsByTheParser(_ family: Family) {
    var random = SeededRandom(seed: 5)
    var shaped = 0
    var compiled = 0
    var left = 0
    for round in 0..<400 * LanguageFuzzTests.factor {
      var text = DrawnLines(family).text(&random)
      if round % 2 == 1 { text = String(decoding: LanguageFuzzTests.damage(Array(text.utf8), &random), as: UTF8.self) }
      let (blobs, count) = Self.stream(text, family)
      shaped += count
      if let blobs {
        compiled += 1
        #expect(blobs == Self.whole(text, family), "\(text)")
      } else {
        left += 1
      }
    }
    #expect(
      shaped > 2000 && compiled > 100 && left > 10, "\(shaped) rules by shape, \(compiled) texts compiled, \(left) left to the parser")
  }
}

/// Rulesets of few line shapes with many values.
private struct DrawnLines {
  private let family: Family

  init(_ family: Family) { self.family = family }

  func text(_ random: inout SeededRandom) -> String {
    var lines = ["*filter", ":a - [0:0]", ":b - [0:0]", ":a-longer-chain-name - [0:0]"]
    let shapes = (0..<Int.random(in: 1...6, using: &random)).map { _ in Int.random(in: 0..<8, using: &random) }
    for _ in 0..<Int.random(in: 5...60, using: &random) { lines.append(line(shapes.randomElement(using: &random) ?? 0, &random)) }
    return lines.joined(separator: "\n") + "\nCOMMIT\n"
  }

  private func line(_ shape: Int, _ random: inout SeededRandom) -> String {
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func pick(_ words: [String]) -> String { words.randomElement(using: &random) ?? "" }
    let isOdd = number(0...150) == 0
    let counters = number(0...4) == 0 ? "[\(number(0...9)):\(number(0...99999))] " : ""
    let chain = pick(["INPUT", "FORWARD", "b", "b", "a-longer-chain-name"])
    let ports = pick(["\(number(0...65535))", "\(number(0...30000)):\(number(30000...65535))", ":5"] + (isOdd ? ["7:6"] : []))
    let head = "\(counters)-A \(chain) "
    switch shape {
    case 0: return head + "-s \(address(&random)) -j DROP"
    case 1: return head + "! -d \(address(&random)) -p tcp -m tcp --dport \(ports) -j a"
    case 2:
      return head
        + "-p udp --sport \(ports) -m comment --comment \(pick(["x", "\"a b c\"", "\"\"", "d"])) -j \(pick(["a", "ACCEPT", "RETURN"]))"
    case 3:
      return head
        + "-i \(pick(["eth0", "br-0a1b2c", "+", "eth+", "wlan0.100"] + (isOdd ? ["averyverylongname"] : []))) -j LOG --log-prefix \"in \(number(0...9)) \""
    case 4:
      return head
        + "-m mark --mark \(pick(["\(number(0...9999))", "0x\(String(number(0...99999), radix: 16))/0xff", "07"] + (isOdd ? ["x"] : []))) -g a"
    case 5: return head + "-s \(address(&random)) -d \(address(&random))"
    case 6: return head + "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    default: return head + "-p tcp -m multiport --dports 80,443 -s \(address(&random)) -j REJECT"
    }
  }

  private func address(_ random: inout SeededRandom) -> String {
    func part(_ most: Int) -> Int { Int.random(in: 0...most, using: &random) }
    if family == .ipv4 {
      return "\(part(255)).\(part(255)).\(part(255)).\(part(255))" + ["", "/32", "/\(part(32))", "/255.255.0.0"][part(3)]
    }
    let groups = (0..<8).map { _ in String(part(0xffff), radix: 16) }
    let short = "\(groups[0]):\(groups[1])::\(groups[2])"
    return [groups.joined(separator: ":"), short, "::\(groups[0])", "::ffff:1.2.3.4"][part(3)] + ["", "/128", "/\(part(128))"][part(2)]
  }
}
