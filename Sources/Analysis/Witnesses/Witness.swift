import Conntrack
public import Evaluator
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
  /// The facts that are stated besides the packet, each with the value that ``line`` names. What depends on another fact is unknown, as in
  /// `ferrule run`.
  public private(set) var stated: HostFacts = []
  /// Whether the destination is an address of the host whose addresses are stated.
  private(set) var isForHost = false
  /// The seed of what is left to chance.
  public var seed: UInt64 = 1

  /// Creates a packet with what it needs; parameters as the properties of the same names.
  public init(draft: PacketDraft, hook: Hook, state: UInt16?) {
    self.draft = draft
    self.hook = hook
    self.state = state
  }

  /// The packet with another seed.
  func with(seed: UInt64) -> Witness {
    var witness = self
    witness.seed = seed
    return witness
  }

  /// The packet with nothing stated, then with facts on which a verdict may depend, at last with all of them: the sender, the time, chance,
  /// and a host that has no routes and sockets, and an address on the output interface alone, or also the packet's destination.
  ///
  /// The first one for which a claim is decided states little more than the claim needs.
  var statements: [Witness] {
    var witnesses = stating(besides: [[.addresses, .routes, .sysctls, .sockets]])
    witnesses += witnesses.suffix(2).map { witness in
      var witness = witness
      witness.isForHost = true
      return witness
    }
    return witnesses
  }

  /// The same on a host that is known: nothing is stated of it.
  var statementsOnHost: [Witness] { stating(besides: []) }

  /// The packet with nothing stated, with the sender, the time, chance, or others, each alone, and with all of them.
  private func stating(besides others: [[HostFact]]) -> [Witness] {
    let facts: [[HostFact]] = (draft.input == nil ? [[.user], [.group]] : []) + [[.clock], [.chance]] + others
    return ([[]] + facts + [facts.flatMap { $0 }]).map { facts in
      var witness = self
      for fact in facts { witness.stated.insert(fact) }
      return witness
    }
  }

  /// The packet at its hook. Nil if the fields make no packet, or no packet of this kind has that state.
  ///
  /// - Parameter host: the host that it is on; nil for a namespace of its own.
  public func context(on host: Host? = nil) -> PacketContext? {
    let world = World(now: Self.clock * 1_000_000_000, random: SeededRandom(seed: seed), host: host ?? namespace())
    world.conntrack = ConntrackTable(seed: 1)
    guard var context = try? draft.context(at: hook, in: world) else { return nil }
    for fact in [HostFact.user, .group] where !stated.contains(fact) { context.owner?.missing.insert(fact) }
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
    guard TrackedHeader.isWhole(context.packet) else { return nil }
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

  /// The host of a packet with what is stated of it.
  private func namespace() -> Host {
    let names = Set([draft.input, draft.output].compactMap { $0 }).sorted()
    let host = Host(interfaces: names)
    host.missing = []
    for fact in [HostFact.addresses, .routes, .sysctls, .sockets, .clock, .chance] where !stated.contains(fact) {
      host.missing.insert(fact)
    }
    if stated.contains(.addresses), let output = draft.output {
      host.updateDevice(named: output) {
        $0.addresses = [Host.Address(Self.ownAddress(draft.family), prefixLength: draft.family == .ipv4 ? 24 : 64)]
      }
    }
    if isForHost {
      let own = Host.Address(draft.fields.destination, prefixLength: draft.family == .ipv4 ? 32 : 128)
      host.updateDevice(named: draft.input ?? "lo") { $0.addresses.append(own) }
    }
    return host
  }

  /// The address of the output interface of a host whose addresses are stated.
  private static func ownAddress(_ family: Family) -> IPAddress {
    IPAddress(family: family, bits: family == .ipv4 ? 0xcb00_7101 : 0x2001_0db8_0002_0000_0000_0000_0000_0001)
  }

  /// The time, in seconds since 1970, of a witness that states one.
  static let clock: UInt64 = 1_700_000_000

  /// Whether ``line`` without its comment describes the packet: it is the first one of its connection, and arrives without a mark.
  var isWholeInLine: Bool {
    (state == nil || state == ConntrackState.new) && (draft.input == nil || draft.mark == 0)
  }

  /// The packet in the notation of `ferrule run`, followed by a comment on what a line cannot say.
  public var line: String? {
    guard let line = draft.line(stating: stated) else { return nil }
    var notes: [String] = []
    if let state, state != ConntrackState.new { notes.append(Self.name(of: state)) }
    if stated.contains(.addresses) {
      var own = draft.output.map { ["\(Self.ownAddress(draft.family)) on \($0)"] } ?? []
      if isForHost { own.append("\(draft.fields.destination) on \(draft.input ?? "lo")") }
      notes.append(own.isEmpty ? "a host without addresses" : "a host with \(own.joined(separator: " and "))")
    }
    if stated.contains(.clock) { notes.append("--clock \(Self.clock)") }
    if stated.contains(.chance) { notes.append("--seed \(seed)") }
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
    guard let point = point(of: packets, at: hook) else { return nil }
    let usual = usualPacket(at: hook)
    let codeValues = codes.map { code in code.levels.reduce(UInt128(0)) { $0 << 1 | (point[$1] ? 1 : 0) } }
    var chosen: [(field: Field, value: UInt128)] = []
    for (index, number) in codeValues.enumerated() where !codes[index].levels.isEmpty {
      guard let value = Self.value(in: codes[index].values(of: number), of: codes[index].field, usual.values[index]) else { return nil }
      chosen.append((codes[index].field, value))
    }
    func number(_ name: String) -> UInt128? { chosen.first { $0.field.name == name }?.value }
    let family = family
    func any(_ name: String, _ other: UInt128) -> UInt128 { number(name) ?? UsualPacket.value(of: name, hook, family) ?? other }
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

  /// An assignment to the levels for a packet of a set at a hook, as near to the usual packet as the set allows. It has its fields, if one
  /// does: such a packet shows more than one that lacks them.
  private mutating func point(of packets: PacketSet, at hook: Hook) -> [Bool]? {
    let possible = self.packets(at: hook)
    guard !packets.isEmpty, !isExhausted else { return nil }
    let usual = usualPacket(at: hook)
    let outcomes = codes.flatMap { $0.outcomeLevels }
    // Mostly the first packet that comes to mind has both, and the set need not be divided.
    let first = point(in: packets, near: usual)
    let loopback = loopback()
    if contains(possible, first), !contains(loopback, first), outcomes.allSatisfy({ first[$0] == usual.levels[$0] }) { return first }
    let met = intersection(packets, possible)
    guard !met.isEmpty, !isExhausted else { return nil }
    // What a host sends to itself it may refuse for reasons that are not in the sets.
    let arriving = difference(met, loopback)
    let nearer = arriving.isEmpty ? met : arriving
    let whole = intersection(nearer, having(outcomes, of: usual.levels))
    return point(in: whole.isEmpty ? nearer : whole, near: usual)
  }

  /// The packets that arrive on the loopback interface, if a test tells them from others.
  private mutating func loopback() -> PacketSet {
    let name = InterfaceNames.key("lo")
    guard let code = code(of: .inputInterface), let starts = code.starts,
      code.values(of: UInt128(code.rank(of: name, in: starts))) == name...name
    else { return .none }
    return set(of: .inputInterface, .range(name...name))
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

  /// The packets with the given values of some levels, which ascend.
  private mutating func having(_ chosen: [Int], of values: [Bool]) -> PacketSet {
    var edge: UInt32 = 0
    for level in chosen.reversed() { edge = diagram.node(UInt32(level), values[level] ? 1 : edge, values[level] ? edge : 1) }
    return PacketSet(edge: edge)
  }

  /// An assignment to the levels for a packet of the set, which keeps to the usual packet where it can.
  private func point(in packets: PacketSet, near usual: UsualPacket) -> [Bool] {
    var wanted = usual.levels
    var edge = packets.edge
    while edge > 1 {
      let level = Int(diagram.level(edge))
      let preferred = wanted[level] ? diagram.high(edge) : diagram.low(edge)
      if preferred == 1 { wanted[level].toggle() }
      edge = preferred == 1 ? (wanted[level] ? diagram.high(edge) : diagram.low(edge)) : preferred
    }
    return wanted
  }

  /// A value of a range: the usual one, one that a name can have, or the lowest.
  private static func value(in range: ClosedRange<UInt128>, of field: Field, _ usual: UInt128?) -> UInt128? {
    if let usual, range.contains(usual) { return usual }
    guard case .interface = field.form, !range.contains(0) else { return range.lowerBound }
    return InterfaceNames.key(in: range)
  }
}
