import Analysis
import Conntrack
import Extensions
import FoundationEssentials
import Netfilter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// What the comparison says of single edits of the rulesets in Examples, against packets that the evaluator runs.
@Suite struct ExampleEditTests {
  /// The number of edits that leave a ruleset: 120, or what `FERRULE_ANALYSIS_EDITS` says.
  static let count = ProcessInfo.processInfo.environment["FERRULE_ANALYSIS_EDITS"].flatMap { Int($0) } ?? 120

  @Test func editsOfExamplesDifferExactlyWhereAPacketDoes() throws {
    let folder = PackageFolder.path + "/Examples"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let texts = try names.compactMap { name -> String? in
      let path = "\(folder)/\(name)/ruleset.rules"
      return FileManager.default.fileExists(atPath: path) ? try TextFile.text(path) : nil
    }.filter { !RandomRules.parse($0).hasErrors }
    try #require(texts.count > 3)
    var draw = RandomRules(seed: 20_261_130)
    var tally: [RulesetComparison.Result: Int] = [:]
    var packets = 0
    while tally.values.reduce(0, +) < Self.count {
      let text = draw.pick(texts)
      guard let (edited, touched) = Self.edited(text, &draw) else { continue }
      let (before, after) = (RandomRules.parse(text), RandomRules.parse(edited))
      guard !after.hasErrors else { continue }
      let comparison = RulesetComparison(before.ruleset, after.ruleset)
      tally[comparison.result, default: 0] += 1
      for region in comparison.regions {
        #expect(RulesetComparison.differs(before.ruleset, after.ruleset, region.witness), "\(touched)\n\(region.witness.line ?? "")")
      }
      guard comparison.result == .equal else { continue }
      for _ in 0..<10 {
        guard let witness = Self.packet(near: touched, &draw) else { continue }
        packets += 1
        #expect(!RulesetComparison.differs(before.ruleset, after.ruleset, witness), "\(touched)\n\(witness.line ?? "")")
      }
    }
    print("\(Self.count) edits of \(texts.count) examples: \(tally), \(packets) packets")
    #expect(tally[.different, default: 0] * 3 > tally.values.reduce(0, +))
  }

  /// The text with one edit: of an address, a port, a target, the order, a negation or the chain; and the edited lines.
  private static func edited(_ text: String, _ draw: inout RandomRules) -> (String, [String])? {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let rules = lines.indices.filter { lines[$0].hasPrefix("-A") }
    guard !rules.isEmpty else { return nil }
    let at = draw.pick(rules)
    let old = lines[at]
    var words = old.split(separator: " ").map(String.init)
    func index(after options: [String]) -> Int? {
      words.firstIndex { options.contains($0) }.map { $0 + 1 }.flatMap { $0 < words.count ? $0 : nil }
    }
    switch draw.pick([0, 1, 2, 3, 4, 5]) {
    case 0:
      guard let place = index(after: ["-s", "-d"]) else { return nil }
      words[place] = draw.pick(["10.0.0.0/9", "192.0.2.1", "0.0.0.0/1"])
    case 1:
      guard let place = index(after: ["--dport", "--sport"]) else { return nil }
      words[place] = draw.pick(["22", "23", "1024:65535"])
    case 2:
      guard let place = index(after: ["-j"]), ["ACCEPT", "DROP"].contains(words[place]), words.count == place + 1 else { return nil }
      words[place] = words[place] == "ACCEPT" ? "DROP" : "ACCEPT"
    case 3:
      guard let next = rules.first(where: { $0 > at && lines[$0].split(separator: " ")[1] == words[1] }) else { return nil }
      lines.swapAt(at, next)
      return (lines.joined(separator: "\n"), [old, lines[at]])
    case 4:
      guard let place = words.firstIndex(where: { ["-s", "-d", "-i", "-o", "--dport"].contains($0) }) else { return nil }
      if place > 0, words[place - 1] == "!" { words.remove(at: place - 1) } else { words.insert("!", at: place) }
    default: words[1] = draw.pick(rules.map { String(lines[$0].split(separator: " ")[1]) })
    }
    lines[at] = words.joined(separator: " ")
    return (lines.joined(separator: "\n"), [old, lines[at]])
  }

  /// A packet with addresses, ports and interfaces that some lines name.
  private static func packet(near lines: [String], _ draw: inout RandomRules) -> Witness? {
    let words = lines.flatMap { $0.split(whereSeparator: { " ,/:-".contains($0) }).map(String.init) }
    let addresses = words.compactMap { IPAddress($0) }.filter { $0.family == .ipv4 } + [IPAddress(family: .ipv4, bits: 0xc000_0209)]
    let ports = words.compactMap { UInt16($0) } + [22, 80]
    let interfaces =
      lines.flatMap { line in
        let parts = line.split(separator: " ").map(String.init)
        return zip(parts, parts.dropFirst()).filter { ["-i", "-o"].contains($0.0) }.map { String($0.1.filter { $0 != "+" }) }
      } + ["eth0", "eth1"]
    var fields = PacketFields(draw.pick(addresses), draw.pick(addresses), proto: draw.pick([.tcp, .udp, .icmp]))
    (fields.sourcePort, fields.destinationPort) = (draw.pick(ports), draw.pick(ports))
    fields.tcpFlags = draw.pick([.syn, .ack])
    let hook = draw.pick(Hook.allCases)
    var draft = PacketDraft(fields, input: hook == .output ? nil : draw.pick(interfaces))
    if hook != .prerouting, hook != .input { draft.output = draw.pick(interfaces) }
    return Witness(draft: draft, hook: hook, state: draw.pick([ConntrackState.new, ConntrackState.established]))
  }
}
