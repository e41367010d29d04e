import Analysis
import Conntrack
import Diagnostics
import Evaluator
import Extensions
import Netfilter
import Syntax
import Wire
import XTables

/// Small random tables over few values, so that rules overlap, and packets at the boundaries of these values.
struct RandomRules {
  var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }
  mutating func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }

  static func parse(_ text: String, _ family: Family = .ipv4) -> ParsedRuleset {
    RulesetParser(registry: .ferrule, names: .builtin, family: family).parse(SourceFile(name: "drawn", bytes: Array(text.utf8)))
  }

  /// A table as text. Chains jump only to later chains.
  mutating func table(_ name: TableName, rules count: Int) -> String {
    let users = (0..<Int.random(in: 0...3, using: &random)).map { "u\($0)" }
    var lines = ["*\(name.rawValue)"]
    for hook in name.hooks { lines.append(":\(hook.name) \(name != .nat && chance(0.2) ? "DROP" : "ACCEPT") [0:0]") }
    lines += users.map { ":\($0) - [0:0]" }
    let hooks = Array(name.hooks.map(\.name).shuffled(using: &random).prefix(2))
    for _ in 0..<count {
      let chain = pick(hooks + users)
      let later = users.firstIndex(of: chain).map { Array(users[($0 + 1)...]) } ?? users
      lines.append("-A \(chain) " + rule(name, chain, later))
    }
    return (lines + ["COMMIT", ""]).joined(separator: "\n")
  }

  private mutating func rule(_ table: TableName, _ chain: String, _ later: [String]) -> String {
    var words: [String] = []
    func negated() -> String { chance(0.15) ? "! " : "" }
    if chance(0.35) {
      words.append(negated() + "-s " + pick(["10.0.0.0/8", "10.0.0.0/30", "10.0.0.1", "10.0.0.1/255.0.0.1", "10.0.0.2/31"]))
    }
    if chance(0.2) { words.append(negated() + "-d " + pick(["10.0.0.0/31", "10.0.0.1", "0.0.0.0/1"])) }
    if chance(0.15), chain != "OUTPUT", chain != "POSTROUTING" { words.append(negated() + "-i " + pick(["eth0", "eth+", "eth1"])) }
    if chance(0.15), chain != "PREROUTING", chain != "INPUT" { words.append(negated() + "-o " + pick(["eth0", "eth+", "lo"])) }
    if chance(0.5) { words.append(transport()) } else if chance(0.1) { words.append(negated() + "-f") }
    if chance(0.15) {
      words.append("-m conntrack \(negated())--ctstate " + pick(["NEW", "RELATED,ESTABLISHED", "INVALID", "NEW,UNTRACKED"]))
    }
    if chance(0.3), table == .mangle {
      words.append("-m mark \(negated())--mark " + pick(["0x1", "0x0/0x1", "0x2/0x3", "0x3/0x2", "0/0"]))
    }
    if chance(0.07) { words.append("-m ttl " + pick(["--ttl-eq 3", "--ttl-lt 4", "--ttl-gt 2"])) }
    if chance(0.07) { words.append("-m length --length " + pick(["0:40", "41:", "40"])) }
    if chance(0.08) { words.append(pick(["-m limit --limit 1/hour --limit-burst 1", "-m statistic --mode nth --every 2 --packet 0"])) }
    if chance(0.05) { words.append("-m connmark --mark 0x1/0x1") }
    return (words + [target(table, chain, later)]).joined(separator: " ")
  }

  private mutating func transport() -> String {
    func negated() -> String { chance(0.15) ? "! " : "" }
    let ports = { (draw: inout RandomRules) in draw.pick(["22", "20:23", "23:80", ":22", "80"]) }
    switch Int.random(in: 0...7, using: &random) {
    case 0: return negated() + "-p tcp"
    case 1: return "-p tcp -m tcp \(negated())--dport \(ports(&self))"
    case 2: return "-p tcp -m tcp \(negated())--sport \(ports(&self))"
    case 3: return "-p udp -m udp \(negated())--dport \(ports(&self))"
    case 4: return "-p tcp -m multiport \(negated())" + pick(["--dports 22,80", "--ports 22", "--dports 20:23,81"])
    case 5: return "-p tcp -m tcp \(negated())--tcp-flags " + pick(["SYN,ACK SYN", "ALL NONE", "FIN FIN", "FIN,SYN,RST,ACK SYN"])
    case 6: return "-p icmp -m icmp --icmp-type " + pick(["8", "3/1", "3", "any"])
    default: return negated() + "-p " + pick(["udp", "icmp", "47"])
    }
  }

  private mutating func target(_ table: TableName, _ chain: String, _ later: [String]) -> String {
    if !later.isEmpty, chance(0.3) { return (chance(0.25) ? "-g " : "-j ") + pick(later) }
    if chance(0.15) { return "-j RETURN" }
    switch table {
    case .nat:
      guard chain.hasPrefix("u") || chance(0.5) else { return pick(["-j ACCEPT", ""]) }
      return chain == "PREROUTING" || chain == "OUTPUT" ? "-j DNAT --to-destination 10.0.0.1" : pick(["-j ACCEPT", "-j LOG"])
    case .mangle where chance(0.5):
      return pick([
        "-j MARK --set-xmark 0x1/0xffffffff", "-j MARK --set-xmark 0x1/0x1", "-j MARK --set-xmark 0x0/0x2", "-j MARK --set-xmark 0x3/0x0",
        "-j TTL --ttl-set 3", "-j TTL --ttl-dec 1", "-j CONNMARK --restore-mark", "-j TOS --set-tos 0x10/0x3f",
        "-j CONNMARK --set-xmark 0x1/0xffffffff",
      ])
    default: return pick(["-j ACCEPT", "-j ACCEPT", "-j DROP", "-j DROP", "-j LOG", ""])
    }
  }

  /// A packet at a hook, with one value of each field from the boundaries of the rules above.
  mutating func packet(at hook: Hook) -> Witness? {
    func address(_ number: UInt32) -> IPAddress { IPAddress(family: .ipv4, bits: UInt128(number)) }
    let addresses: [UInt32] = [
      0x0a00_0000, 0x0a00_0001, 0x0a00_0002, 0x0a00_0003, 0x0a00_0004, 0x0aff_ffff, 0x0b00_0000, 0xc000_0201, 0x7fff_ffff,
    ]
    var fields = PacketFields(
      address(pick(addresses)), address(pick(addresses)), proto: pick([.tcp, .tcp, .tcp, .udp, .icmp, IPProtocol(rawValue: 47)]))
    fields.sourcePort = pick([19, 20, 22, 23, 24, 80, 81])
    fields.destinationPort = pick([19, 20, 22, 23, 24, 80, 81])
    fields.tcpFlags = TCPFlags(rawValue: pick([0x02, 0x10, 0x12, 0x00, 0x01, 0x11, 0x04, 0x3f]))
    fields.icmpType = pick([8, 3, 0])
    fields.icmpCode = pick([0, 1])
    fields.ttl = pick([1, 2, 3, 4, 64])
    fields.payload = pick([[], [0]])
    if chance(0.1) { fields.fragment = .init(offset: pick([8, 24])) }
    if chance(0.06) { fields.transportBytes = [UInt8](repeating: 22, count: pick([0, 3, 4, 8, 19])) }
    let isOwn = hook == .output || hook == .postrouting && chance(0.5)
    var draft = PacketDraft(fields, input: isOwn ? nil : pick(["eth0", "eth1", "wlan0"]))
    if hook != .prerouting, hook != .input { draft.output = pick(["eth0", "eth1", "lo"]) }
    draft.mark = pick([0, 1, 2, 3, 4])
    return Witness(draft: draft, hook: hook, state: pick([0x01, 0x02, 0x04, 0x08, 0x08, 0x100]))
  }
}
