import Diagnostics
import Extensions
import Netfilter
import Syntax
import Testing
import Wire
import XTables

/// Draws tables: long and short chains that jump to others, headers near the packets of ``DrawnContexts`` and far from them, all matches and
/// targets.
struct DrawnTables {
  /// The matches by which indices are made, and some with state before and behind them.
  private static let bounding: [Family: [Rule]] = [.ipv4: rules(.ipv4), .ipv6: rules(.ipv6)]

  private static func rules(_ family: Family) -> [Rule] {
    let ports = ["0", "22", "53", "80:81", "443", "1000:2000", "8000:65535", "0:1023", "7", "99", "65535"]
    var lines: [String] = []
    for port in ports {
      lines += ["-p tcp -m tcp --dport \(port)", "-p udp -m udp --sport \(port)", "-p tcp -m tcp ! --sport \(port)"]
      lines += ["-p udp -m udp --sport 1000 --dport \(port)", "-p sctp -m sctp --dport \(port)"]
      lines += ["-p tcp -m limit --limit 1/sec -m tcp --dport \(port)", "-p tcp -m tcp --dport \(port) -m limit --limit 5/sec"]
      lines += [
        "-p tcp -m multiport --dports 7,\(port),9", "-p udp -m multiport --ports \(port)", "-p udp -m multiport ! --sports \(port),3",
      ]
      lines += ["-p tcp -m conntrack --ctstate NEW -m tcp --dport \(port)", "-p tcp -m mark --mark 1/1 -m tcp --sport \(port)"]
      lines += [
        "-p tcp -m statistic --mode nth --every 3 --packet 0 -m tcp --dport \(port)",
        "-p udp -m length --length 0:80 -m udp --dport \(port)",
      ]
      lines += ["-p tcp -m string --algo bm --string GET -m tcp --dport \(port)", "-p tcp -m tcp --tcp-flags SYN,ACK SYN --dport \(port)"]
    }
    let (protocolName, type) = family == .ipv4 ? ("icmp", "icmp --icmp-type") : ("icmpv6", "icmp6 --icmpv6-type")
    for number in [0, 3, 8, 128, 129] { lines += ["-p \(protocolName) -m \(type) \(number)", "-p \(protocolName) -m \(type) \(number)/1"] }
    let ranges = family == .ipv4 ? ["10.0.0.1-10.0.0.200", "192.0.2.0-192.0.2.80"] : ["fd00::1-fd00::ff", "2001:db8::-2001:db8::8"]
    for range in ranges {
      lines += ["-m iprange --src-range \(range)", "-m iprange ! --dst-range \(range)", "-m iprange --dst-range \(range)"]
    }
    let text = "*mangle\n" + lines.map { "-A PREROUTING \($0)\n" }.joined() + "COMMIT\n"
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: family).parse(
      SourceFile(name: "rules", bytes: Array(text.utf8)))
    let rules = parsed.ruleset.tables.first?[chain: "PREROUTING"]?.rules ?? []
    precondition(rules.count == lines.count, "\(parsed.diagnostics)")
    return rules
  }

  let family: Family
  let hook: Hook
  private let matches: [ExtensionUse]
  private let targets: [ExtensionUse]
  private let packets: [PacketContext]
  /// The share of rules whose header is near that of a packet.
  private let nearness: Double

  init(near packets: [PacketContext], at hook: Hook, _ family: Family, nearness: Double) {
    self.packets = packets
    self.family = family
    self.hook = hook
    self.nearness = nearness
    func uses(_ all: [Catalogue.Use]) -> [ExtensionUse] {
      all.filter { $0.family == family && $0.table != .nat && $0.hooks.contains(hook) }.map(\.use)
    }
    matches = uses(Catalogue.matches)
    targets = uses(Catalogue.targets)
  }

  /// A table with a number of rules at the hook, and user chains.
  func table(rules count: Int, _ draw: inout DrawnContexts) -> Table {
    var table = Table(.mangle, family)
    let names = (0..<draw.number(0...4)).map { "user\($0)" }
    for name in names { _ = table.addChain(name) }
    for (place, name) in ([hook.name] + names).enumerated() {
      // Chains jump to later ones only.
      let callees = Array(names.dropFirst(place))
      let length = place == 0 ? count : draw.pick([0, 3, 30, 70, 100, min(count, 300)])
      guard let index = table.index(of: name) else { continue }
      let rules = (0..<length).map { _ in rule(callees, &draw) }
      table.update(at: index) { chain in
        chain.rules = rules
        if chain.isBuiltin, draw.chance(0.5) { chain.policy = .drop }
      }
    }
    return table
  }

  private func rule(_ callees: [String], _ draw: inout DrawnContexts) -> Rule {
    var rule = Rule()
    if draw.chance(0.3) {
      rule = draw.pick(Self.bounding[family] ?? [])
    } else if draw.chance(0.1) {
      rule.matches = [draw.pick(matches)]
    }
    let (proto, isGiven) = (rule.header.protocolNumber, rule.header.isProtocolGiven)
    rule.header = header(&draw)
    // Some keep a port test without the protocol: a compiled table may have it, although iptables does not.
    if proto != 0, draw.chance(0.9) { (rule.header.protocolNumber, rule.header.isProtocolGiven) = (proto, isGiven) }
    rule.target = target(callees, &draw)
    return rule
  }

  private func target(_ callees: [String], _ draw: inout DrawnContexts) -> RuleTarget {
    switch draw.number(0...19) {
    // Few rules end the way of a packet, so that it gets far.
    case 0...3: return draw.chance(0.3) ? .verdict(draw.pick([.accept, .accept, .drop, .drop, .return, .return, .queue])) : .none
    case 4, 5: return callees.isEmpty ? .none : .jump(draw.pick(callees))
    case 6: return callees.isEmpty ? .none : .goto(draw.pick(callees))
    case 7, 8: return .use(draw.pick(targets))
    default: return .none
    }
  }

  private func header(_ draw: inout DrawnContexts) -> RuleHeader {
    let packet = draw.pick(packets)
    var header = RuleHeader()
    let isNear = draw.chance(nearness)
    let width = family.addressBits
    func address(_ bits: UInt128?) -> AddressMask {
      let length = draw.pick(isNear ? [0, 8, 24, width] : [16, 24, width, width])
      var mask = AddressMask.mask(prefix: length, family)
      var base = bits ?? 0
      if !isNear || draw.chance(0.2) {
        for _ in 0..<draw.number(1...6) { base ^= 1 << UInt128(draw.number(0...(width - 1))) }
      }
      if draw.chance(0.02) { mask ^= 0xff00 }
      return AddressMask(address: draw.chance(0.02) ? base : base & mask, mask: mask)
    }
    func interface(_ key: UInt128) -> InterfacePattern {
      let names = ["eth+", "eth0", "ppp0", "tap\(draw.number(0...40))", "p+", ""]
      return draw.chance(0.3) ? InterfacePattern(name: key, mask: .max) : InterfacePattern(ArraySlice(draw.pick(names).utf8))
    }
    if draw.chance(0.5) { header.source = address(packet.packet.source?.bits) }
    if draw.chance(0.4) { header.destination = address(packet.packet.destination?.bits) }
    if draw.chance(0.15) { header.input = interface(packet.input?.key ?? 0) }
    if draw.chance(0.1) { header.output = interface(packet.output?.key ?? 0) }
    if draw.chance(0.3) { header.protocolNumber = draw.pick([6, 17, packet.packet.transport?.proto.rawValue ?? 0]) }
    header.isProtocolGiven = family == .ipv6 && draw.chance(header.protocolNumber == 0 ? 0.1 : 0.9)
    header.isFragment = family == .ipv4 && draw.chance(0.03)
    if draw.chance(0.08) { header.inverted = RuleHeader.Inverted(rawValue: UInt8(draw.number(0...255)) & 0x7b) }
    return header
  }
}
