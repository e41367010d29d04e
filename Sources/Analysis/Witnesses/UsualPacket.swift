import Conntrack
import Evaluator
import Netfilter
import Wire
import XTables

/// An ordinary packet at a hook: the first one of a TCP connection. Witnesses differ from it as little as their set allows.
struct UsualPacket: Sendable {
  /// The value of each code's field; nil if the packet does not have the field.
  let values: [UInt128?]
  /// The assignment to the levels of the space.
  let levels: [Bool]

  init(_ codes: [FieldCode], _ levelCount: Int, at hook: Hook, _ family: Family) {
    let context = Self.context(at: hook, family)
    var values: [UInt128?] = []
    var levels = [Bool](repeating: false, count: levelCount)
    for code in codes {
      var value = Self.value(of: code.field.name, hook, family)
      if value == nil, !code.isChance, var context {
        switch code.field.read(&context) {
        case .value(let read): value = read
        case .absent: Self.write(code.outcomes.firstIndex(of: .absent).map { UInt128($0) } ?? 0, to: code.outcomeLevels, of: &levels)
        case .malformed, .doomed, .unknown: break
        }
      }
      values.append(value)
      if let value { Self.write(code.starts.map { UInt128(code.rank(of: value, in: $0)) } ?? value, to: code.levels, of: &levels) }
    }
    self.values = values
    self.levels = levels
  }

  private static func write(_ number: UInt128, to range: Range<Int>, of levels: inout [Bool]) {
    for (position, level) in range.reversed().enumerated() { levels[level] = number >> UInt128(position) & 1 == 1 }
  }

  /// The packet itself, from which the fields are read that ``value(of:_:_:)`` does not name.
  private static func context(at hook: Hook, _ family: Family) -> PacketContext? {
    func address(_ name: String) -> IPAddress { IPAddress(family: family, bits: value(of: name, hook, family) ?? 1) }
    var fields = PacketFields(address("ip.src"), address("ip.dst"), proto: .tcp)
    (fields.sourcePort, fields.destinationPort, fields.tcpFlags) = (40_000, 80, .syn)
    let isOwn = hook == .output || hook == .postrouting
    var draft = PacketDraft(fields, input: isOwn ? nil : "eth0")
    draft.output = "eth1"
    return Witness(draft: draft, hook: hook, state: ConntrackState.new).statements.last { !$0.isForHost }?.context()
  }

  /// A value that the usual packet has, and other packets of witnesses.
  static func value(of name: String, _ hook: Hook, _ family: Family) -> UInt128? {
    switch name {
    case "ip.src": family == .ipv4 ? 0xc000_0209 : 0x2001_0db8_0000_0000_0000_0000_0000_0009
    case "ip.dst": family == .ipv4 ? 0xc633_6407 : 0x2001_0db8_0001_0000_0000_0000_0000_0007
    case "meta.iifname": hook == .output || hook == .postrouting ? 0 : InterfaceNames.key("eth0")
    case "meta.oifname": hook == .prerouting || hook == .input ? 0 : InterfaceNames.key("eth1")
    case "ip.protocol": 6
    case "ip.fragment", "transport.overwrites", "meta.mark", "ip.tos": 0
    case "transport.room": 255
    case "transport.sport": 40_000
    case "transport.dport": 80
    case "ct.state": UInt128(ConntrackState.new)
    case "tcp.flags": 0x02
    case "icmp.typecode": family == .ipv4 ? 0x0800 : 0x8000
    case "ip.ttl": 64
    case "ip.length": family == .ipv4 ? 40 : 60
    case "ct.exists": 1
    default: nil
    }
  }
}
