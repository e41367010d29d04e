import Conntrack
import Evaluator
public import Netfilter
import Wire
public import XTables

/// A packet of a set, with what it needs to be at a hook.
public struct Witness: Sendable {
  /// The packet and its metadata.
  public var draft: PacketDraft
  /// The hook at which it is in the set.
  public let hook: Hook
  /// The state of its connection, as bits of ``ConntrackState``; nil for the state in which tracking finds it as the first packet.
  public let state: UInt16?
  /// Whether the host is assumed to have no other addresses and routes than its interfaces; otherwise what depends on them is unknown.
  public var isHostKnown = false
  /// The seed of what is left to chance.
  public var seed: UInt64 = 1

  /// Creates a packet with what it needs; parameters as the properties of the same names.
  public init(draft: PacketDraft, hook: Hook, state: UInt16?) {
    self.draft = draft
    self.hook = hook
    self.state = state
  }

  /// The packet itself, and the same on a host without addresses, where a test of the host's addresses and routes can be decided.
  var onEachHost: [Witness] {
    var known = self
    known.isHostKnown = true
    return [self, known]
  }

  /// The packet at its hook, in a namespace of its own. Nil if the fields make no packet, or no packet of this kind has that state.
  public func context() -> PacketContext? {
    let names = Set([draft.input, draft.output].compactMap { $0 }).sorted()
    let host = Host(interfaces: names)
    if isHostKnown { host.missing = [] }
    let world = World(now: 1_700_000_000_000_000_000, random: SeededRandom(seed: seed), host: host)
    world.conntrack = ConntrackTable(seed: 1)
    guard var context = try? draft.context(at: hook, in: world) else { return nil }
    let info: ConnectionInfo?
    switch state {
    case nil: info = nil
    case ConntrackState.invalid: return context
    case ConntrackState.untracked:
      context.attachment = .untracked
      return context
    case ConntrackState.new: info = .new
    case ConntrackState.established: info = .established
    case ConntrackState.related: info = .related
    default: return nil
    }
    let start: Hook = draft.input == nil ? .output : .prerouting
    _ = world.conntrack?.incoming(packet: context.packet, attachment: &context.attachment, hook: start, now: world.instant)
    guard let info else { return context }
    if info != .new, context.attachment.connection == nil {
      // A packet that begins no connection, such as an ICMP error, belongs to one of the same hosts.
      context.attachment = .none
      let other = PacketFields(draft.fields.source, draft.fields.destination, proto: .udp)
      if let packet = try? other.packet() {
        _ = world.conntrack?.incoming(packet: packet, attachment: &context.attachment, hook: start, now: world.instant)
      }
    }
    guard let handle = context.attachment.connection else { return nil }
    context.attachment = .connection(handle, info)
    return context
  }

  /// The packet in the notation of `ferrule run`, followed by a comment on what a line cannot say.
  public var line: String? {
    guard let line = draft.line else { return nil }
    var notes: [String] = []
    if let state, state != ConntrackState.new { notes.append(Self.name(of: state)) }
    if isHostKnown { notes.append("a host without addresses") }
    if seed != 1 { notes.append("seed \(seed)") }
    if draft.input != nil, draft.mark != 0 { notes.append("mark 0x\(String(draft.mark, radix: 16))") }
    if draft.input != nil, hook != .prerouting, hook != .input, let output = draft.output { notes.append("out \(output)") }
    return notes.isEmpty ? line : line + " # " + notes.joined(separator: ", ")
  }

  private static func name(of state: UInt16) -> String {
    switch state {
    case ConntrackState.invalid: "INVALID"
    case ConntrackState.untracked: "UNTRACKED"
    case ConntrackState.established: "ESTABLISHED"
    case ConntrackState.related: "RELATED"
    default: "state \(state)"
    }
  }
}

extension PacketSpace {
  /// A packet of a set at a hook, as ordinary as the set allows: a TCP packet that begins a connection, if there is one.
  ///
  /// Nil if the set is empty at the hook or in that state, or the fields of the packet found cannot be built. Whether the packet is in the set must still
  /// be tried: fields are not as independent as they are in the sets.
  public mutating func witness(of packets: PacketSet, at hook: Hook) -> Witness? {
    let possible = intersection(packets, self.packets(at: hook))
    guard !possible.isEmpty, !isExhausted else { return nil }
    let codeValues = values(in: possible, at: hook)
    var chosen: [(field: Field, value: UInt128)] = []
    for (code, number) in zip(codes, codeValues) where !code.levels.isEmpty {
      guard let value = Self.value(in: code.values(of: number), of: code.field, at: hook, family) else { return nil }
      chosen.append((code.field, value))
    }
    func number(_ name: String) -> UInt128? { chosen.first { $0.field.name == name }?.value }
    let family = family
    func any(_ name: String, _ other: UInt128) -> UInt128 { number(name) ?? Template.value(of: name, hook, family) ?? other }
    let proto = IPProtocol(rawValue: UInt8(truncatingIfNeeded: any("ip.protocol", 6)))
    var fields = PacketFields(
      IPAddress(family: family, bits: any("ip.src", 1)), IPAddress(family: family, bits: any("ip.dst", 2)), proto: proto)
    fields.sourcePort = UInt16(truncatingIfNeeded: any("transport.sport", 40_000))
    fields.destinationPort = UInt16(truncatingIfNeeded: any("transport.dport", 80))
    if let room = number("transport.room"), room < Self.headerLength(proto) {
      fields.transportBytes = [UInt8](repeating: 0, count: Int(room))
    }
    var draft = PacketDraft(fields)
    let input = any("meta.iifname", 0)
    let output = any("meta.oifname", 0)
    _ = Field.inputInterface.set(input, in: &draft)
    _ = Field.outputInterface.set(output, in: &draft)
    for (field, value) in chosen where !Self.isPlaced(field) { _ = field.set(value, in: &draft) }
    if number("transport.overwrites") == 1, draft.fields.fragment != nil { draft.fields.fragment?.offset = 8 }
    return Witness(draft: draft, hook: hook, state: number("ct.state").map { UInt16(truncatingIfNeeded: $0) })
  }

  /// The bytes of the transport header that are built from fields; 0 if none are.
  private static func headerLength(_ proto: IPProtocol) -> UInt128 {
    switch proto {
    case .tcp: 20
    case .udp, .udplite, .icmp, .icmpv6: 8
    case .sctp: 16
    default: 0
    }
  }

  private static func isPlaced(_ field: Field) -> Bool {
    ["ip.src", "ip.dst", "ip.protocol", "meta.iifname", "meta.oifname", "transport.room", "transport.overwrites", "ct.state"].contains(
      field.name)

  }

  /// The code of each field on one path to a packet of the set, which keeps to the template where it can.
  private func values(in packets: PacketSet, at hook: Hook) -> [UInt128] {
    var wanted = [Bool](repeating: false, count: levelCount)
    for code in codes {
      guard let value = Template.value(of: code.field.name, hook, family) else { continue }
      let number = code.starts.map { UInt128(code.rank(of: value, in: $0)) } ?? value
      for (position, level) in code.levels.reversed().enumerated() { wanted[level] = number >> UInt128(position) & 1 == 1 }
    }
    var edge = packets.edge
    while edge > 1 {
      let level = Int(diagram.level(edge))
      let preferred = wanted[level] ? diagram.high(edge) : diagram.low(edge)
      if preferred == 1 { wanted[level].toggle() }
      edge = preferred == 1 ? (wanted[level] ? diagram.high(edge) : diagram.low(edge)) : preferred
    }
    return codes.map { code in code.levels.reduce(UInt128(0)) { $0 << 1 | (wanted[$1] ? 1 : 0) } }
  }

  /// A value of a range: the template's, one that a name can have, or the lowest.
  private static func value(in range: ClosedRange<UInt128>, of field: Field, at hook: Hook, _ family: Family) -> UInt128? {
    if let usual = Template.value(of: field.name, hook, family), range.contains(usual) { return usual }
    guard case .interface = field.form, !range.contains(0) else { return range.lowerBound }
    return InterfaceNames.key(in: range)
  }
}

/// The values of an ordinary packet.
private enum Template {
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

/// Names of interfaces as numbers.
enum InterfaceNames {
  static func key(_ name: String) -> UInt128 { InterfacePattern(ArraySlice(name.utf8)).name }

  /// A name within a range of keys: one of the bounds, or the beginning of a bound with another ending. Nil if none is found.
  static func key(in range: ClosedRange<UInt128>) -> UInt128? {
    for bound in [range.lowerBound, range.upperBound] where range.contains(bound) && isName(bound) { return bound }
    for bound in [range.lowerBound, range.upperBound] {
      for length in 0..<15 {
        let kept = length == 0 ? 0 : bound & ~(UInt128.max >> UInt128(8 * length))
        for byte in Array("0129ahlwz".utf8) {
          let key = kept | UInt128(byte) << UInt128(120 - 8 * length)
          if range.contains(key), isName(key) { return key }
        }
      }
    }
    return ["eth0", "eth1", "wlan0", "lo", "ppp0", "z0"].map { key($0) }.first { range.contains($0) }
  }

  /// Whether a key is text of letters, digits and dashes that ends in zeros, as the name of an interface does.
  private static func isName(_ key: UInt128) -> Bool {
    var isEnded = false
    for index in 0..<16 {
      let byte = UInt8(truncatingIfNeeded: key >> UInt128(120 - 8 * index))
      if byte == 0 {
        if index == 0 { return false }
        isEnded = true
      } else if isEnded || byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ":") {
        return false
      }
    }
    return isEnded
  }
}
