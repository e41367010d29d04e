import Conntrack
public import Netfilter
public import Wire
public import XTables

/// Sets of packets over the fields that some rules test, as an algebra in which their conditions are decided.
///
/// Fields are considered independent of each other, except that all fields of the transport header are absent and malformed together. So
/// the set of all packets holds more than there are: an empty set proves that there is no packet; whether a set that is not empty has a
/// packet, a witness must show.
public struct PacketSpace: ConditionAlgebra, Sendable {
  /// The family of the packets.
  public let family: Family
  var diagram: DecisionDiagram
  private(set) var codes: [FieldCode] = []
  /// The codes but for the names of chance, of which there may be thousands: nothing writes them.
  private var writable: [FieldCode] = []
  private var indices: [Field: Int] = [:]
  private var tests: [FieldTest: PacketSet] = [:]
  private var quantifications: [[Int]: Int] = [:]
  private var replacements: [[DecisionDiagram.Replacement]: Int] = [:]
  /// The number of levels.
  private(set) var levelCount = 0
  private var usualPackets: [Hook: UsualPacket] = [:]
  private var possible: [Hook: PacketSet] = [:]
  private struct FieldTest: Hashable {
    let code: Int
    let test: ValueTest
  }

  /// The fields of the first levels, in order. Those of ``later`` follow, the others by name, and then the marks.
  ///
  /// Rules ask where a packet comes from together, and where it goes: fields that depend on each other in a set are to be neighbours.
  enum Beginning {
    /// The smallest sets where rules are compared with each other.
    case source
    /// The smallest sets where packets are followed through the chains of each interface.
    case output

    fileprivate var fields: [String] {
      switch self {
      case .source: ["ip.src", "link.src", "meta.iifname", "ip.dst", "meta.oifname"]
      case .output: ["meta.oifname", "ip.dst", "meta.iifname", "ip.src", "link.src"]
      }
    }
  }

  private static let later = [
    "ip.protocol", "ip.fragment", "transport.overwrites", "transport.room", "transport.sport", "transport.dport", "ct.state", "tcp.flags",
    "icmp.typecode",
  ]
  private static let last = ["ct.mark", "meta.mark"]

  /// Creates a space for some tests.
  ///
  /// - Parameter limit: the greatest number of nodes of the diagram; see ``isExhausted``.
  public init(_ collected: FieldTests, limit: Int = 1 << 22) { self.init(collected, limit: limit, beginningWith: .source) }

  init(_ collected: FieldTests, limit: Int, beginningWith beginning: Beginning) {
    family = collected.family
    // So many are made for wide questions about a router's rules.
    diagram = DecisionDiagram(limit: limit, expected: 64 * collected.boundaryCount)
    let order = beginning.fields + Self.later
    func place(_ field: Field) -> Int {
      if let index = order.firstIndex(of: field.name) { return index }
      return order.count + (Self.last.firstIndex(of: field.name).map { $0 + 1 } ?? 0)
    }
    let fields = collected.fields.sorted { (place($0.key), $0.key.name) < (place($1.key), $1.key.name) }
    for (field, tests) in fields {
      let code = FieldCode(field, tests, family, at: levelCount)
      indices[field] = codes.count
      codes.append(code)
      levelCount = code.end
    }
    writable = codes.filter { !$0.isChance }
  }

  /// Whether the limit of nodes was reached. All sets are then meaningless, and the only right answer is that nothing is decided.
  public var isExhausted: Bool { diagram.isExhausted }

  /// The ordinary packet of a hook.
  mutating func usualPacket(at hook: Hook) -> UsualPacket {
    if let known = usualPackets[hook] { return known }
    let packet = UsualPacket(codes, levelCount, at: hook, family)
    usualPackets[hook] = packet
    return packet
  }

  /// Calculates something of which no set is needed afterwards: the diagram forgets its nodes.
  mutating func passing<Result>(_ calculate: (inout PacketSpace) -> Result) -> Result {
    diagram.beginPassing()
    defer { diagram.endPassing() }
    return calculate(&self)
  }

  // MARK: ConditionAlgebra

  /// No packet.
  public var none: PacketSet { .none }
  /// Any packet.
  public var all: PacketSet { .all }
  /// Whether no packet is in the set.
  public func isNone(_ packets: PacketSet) -> Bool { packets.isEmpty }
  /// The packets in both sets.
  public mutating func intersection(_ left: PacketSet, _ right: PacketSet) -> PacketSet {
    PacketSet(edge: diagram.and(left.edge, right.edge))
  }
  /// The packets in either set.
  public mutating func union(_ left: PacketSet, _ right: PacketSet) -> PacketSet {
    PacketSet(edge: diagram.and(left.edge ^ 1, right.edge ^ 1) ^ 1)
  }
  /// The packets in any of some sets. They are joined in pairs, so that few of the sets on the way are large.
  mutating func union(of sets: [PacketSet]) -> PacketSet {
    var sets = sets
    while sets.count > 1 {
      sets = stride(from: 0, to: sets.count, by: 2).map { $0 + 1 < sets.count ? union(sets[$0], sets[$0 + 1]) : sets[$0] }
    }
    return sets.first ?? .none
  }
  /// The packets of the first set that are not in the second.
  public mutating func difference(_ left: PacketSet, _ right: PacketSet) -> PacketSet { intersection(left, right.complement) }
  /// Whether no packet is in both sets.
  public mutating func areDisjoint(_ left: PacketSet, _ right: PacketSet) -> Bool { diagram.areDisjoint(left.edge, right.edge) }
  /// Whether all packets of the first set are in the second.
  public mutating func isSubset(_ left: PacketSet, of right: PacketSet) -> Bool { areDisjoint(left, right.complement) }

  /// Decides a test of a field.
  public mutating func decide(_ field: Field, _ test: ValueTest?) -> Decision<PacketSet> {
    // A field that may change between two rules is another field at each rule.
    guard field.isSteady, field.transportExtent != nil || indices[field] != nil else {
      var decision = decideOpaque()
      (decision.absent, decision.malformed) = (.all, .all)
      return decision
    }
    var decision = Decision(all: PacketSet.none)
    let holds = test.map { set(of: field, $0) } ?? .all
    func add(_ outcome: FieldOutcomes, _ packets: PacketSet) {
      switch outcome {
      case .absent: decision.absent = packets
      case .malformed: decision.malformed = packets
      case .doomed: decision.doomed = packets
      default: break
      }
    }
    var readable = PacketSet.all
    if let extent = field.transportExtent {
      let later = set(of: .isLaterFragment, .range(1...1))
      let short = set(of: .transportRoom, .range(UInt128(extent.length)...255)).complement
      let overwriting = extent.isTCPHeader && family == .ipv4 ? set(of: .overwritesHeader, .range(1...1)) : .none
      decision.absent = difference(later, overwriting)
      decision.malformed = union(intersection(later, overwriting), difference(short, later))
      readable = intersection(later.complement, short.complement)
    } else if let index = indices[field], codes[index].outcomes.count > 1 {
      let code = codes[index]
      for (number, outcome) in code.outcomes.enumerated() where outcome != .value {
        let packets = numbered(number, of: code)
        add(outcome, packets)
        if outcome != .doomed { readable = difference(readable, packets) }
      }
    }
    decision.holds = intersection(readable, holds)
    decision.fails = difference(readable, holds)
    return decision
  }

  /// Either result is possible.
  public func decideOpaque() -> Decision<PacketSet> {
    var decision = Decision(all: PacketSet.none)
    (decision.holds, decision.fails) = (.all, .all)
    return decision
  }

  /// The part cannot be decided.
  public func decide(_ reason: UnknownReason) -> Decision<PacketSet> {
    var decision = Decision(all: PacketSet.none)
    decision.undecided = .all
    return decision
  }

  // MARK: Sets of one field

  /// The packets whose field, if it can be read, passes a test. All packets if the field has no code.
  mutating func set(of field: Field, _ test: ValueTest) -> PacketSet {
    guard let index = indices[field] else { return .all }
    let key = FieldTest(code: index, test: test)
    if let known = tests[key] { return known }
    let code = codes[index]
    let result: PacketSet
    if let starts = code.starts {
      if let range = test.range(width: code.width) ?? nil {
        result = between(code.rank(of: range.lowerBound, in: starts), code.rank(of: range.upperBound, in: starts), starts.count, code)
      } else {
        result = .none
      }
    } else {
      result = bits(test, code)
    }
    if !diagram.isPassing { tests[key] = result }
    return result
  }

  mutating func between(_ low: Int, _ high: Int, _ count: Int, _ code: FieldCode) -> PacketSet {
    let least = compare(UInt128(low), code.levels, isAtLeast: true)
    // The last interval has the spare numbers too.
    let most = high == count - 1 ? PacketSet.all : compare(UInt128(high), code.levels, isAtLeast: false)
    return intersection(least, most)
  }

  /// The packets whose number in these levels is at least, or at most, a bound.
  private mutating func compare(_ bound: UInt128, _ levels: Range<Int>, isAtLeast: Bool) -> PacketSet {
    var edge: UInt32 = 0
    for (position, level) in levels.reversed().enumerated() {
      let bit = bound >> UInt128(position) & 1
      if isAtLeast {
        edge = bit == 1 ? diagram.node(UInt32(level), 1, edge) : diagram.node(UInt32(level), edge, 0)
      } else {
        edge = bit == 1 ? diagram.node(UInt32(level), 0, edge) : diagram.node(UInt32(level), edge, 1)
      }
    }
    return PacketSet(edge: edge)
  }

  private mutating func bits(_ test: ValueTest, _ code: FieldCode) -> PacketSet {
    let greatest = code.width >= 128 ? UInt128.max : (1 << UInt128(code.width)) - 1
    switch test {
    case .range(let range):
      guard range.lowerBound <= greatest else { return .none }
      let least = compare(range.lowerBound, code.levels, isAtLeast: true)
      return intersection(least, compare(min(range.upperBound, greatest), code.levels, isAtLeast: false))
    case .masked(let value, let mask):
      guard value & ~mask == 0, value & ~greatest == 0 else { return .none }
      var edge: UInt32 = 0
      for (position, level) in code.levels.reversed().enumerated() where mask >> UInt128(position) & 1 == 1 {
        edge = value >> UInt128(position) & 1 == 1 ? diagram.node(UInt32(level), 1, edge) : diagram.node(UInt32(level), edge, 1)
      }
      return PacketSet(edge: edge)
    }
  }

  /// The packets for which reading a field has the outcome of a number.
  mutating func numbered(_ number: Int, of code: FieldCode) -> PacketSet {
    let least = compare(UInt128(number), code.outcomeLevels, isAtLeast: true)
    guard number < code.outcomes.count - 1 else { return least }
    return intersection(least, compare(UInt128(number), code.outcomeLevels, isAtLeast: false))
  }

  /// The packets that can be at a hook: those whose fields have values that they can have there.
  public mutating func packets(at hook: Hook) -> PacketSet {
    if let known = possible[hook] { return known }
    var result = PacketSet.all
    for code in codes where !code.levels.isEmpty {
      var values = PacketSet.none
      for range in code.field.values(at: hook, family) { values = union(values, set(of: code.field, .range(range))) }
      result = intersection(result, values)
    }
    result = difference(result, untrackable())
    if !isExhausted, !diagram.isPassing { possible[hook] = result }
    return result
  }

  /// The packets that would have a connection although they are later fragments, or their transport header is cut short: connection
  /// tracking reassembles fragments before it, and finds the others INVALID.
  ///
  /// The corresponding kernel functions are `nf_ct_get_tuple`, `tcp_error`, `udp_error`, `sctp_error` and `dccp_error`.
  private mutating func untrackable() -> PacketSet {
    guard let state = codes.first(where: { $0.field.name == "ct.state" }), !state.levels.isEmpty else { return .none }
    var impossible = indices[.isLaterFragment] == nil ? PacketSet.none : set(of: .isLaterFragment, .range(1...1))
    let hasLengths = indices[.transportRoom] != nil && indices[.protocolNumber] != nil
    for (proto, length) in TrackedHeader.lengths where hasLengths {
      let number = UInt128(proto.rawValue)
      let room = set(of: .transportRoom, .range(UInt128(length)...255))
      impossible = union(impossible, difference(set(of: .protocolNumber, .range(number...number)), room))
    }
    var tracked = PacketSet.none
    for range in state.field.values(at: .prerouting, family) where range.lowerBound & 0x0e != 0 {
      tracked = union(tracked, set(of: state.field, .range(range)))
    }
    return intersection(impossible, tracked)
  }

  /// The packets whose connection is new or related, as far as a rule asks for the state.
  mutating func beginningConnections() -> PacketSet {
    guard let code = codes.first(where: { $0.field.name == "ct.state" }), !code.levels.isEmpty else { return .all }
    var result = PacketSet.none
    for range in code.field.values(at: .prerouting, family) where range.lowerBound == range.upperBound {
      guard range.lowerBound & UInt128(ConntrackState.new | ConntrackState.related) != 0 else { continue }
      result = union(result, set(of: code.field, .range(range)))
    }
    return result
  }

  /// The parts of a set that are not empty, by the state of the connection: new ones first, then established, related, invalid, untracked.
  mutating func byState(_ packets: PacketSet) -> [PacketSet] {
    var parts: [PacketSet] = []
    first(byState: packets) { part, _ -> Void? in
      parts.append(part)
      return nil
    }
    return parts
  }

  /// What is found for the first of these parts for which something is; the later ones are not calculated.
  @discardableResult
  mutating func first<Found>(byState packets: PacketSet, _ find: (PacketSet, inout PacketSpace) -> Found?) -> Found? {
    guard !packets.isEmpty else { return nil }
    guard let code = codes.first(where: { $0.field.name == "ct.state" }), !code.levels.isEmpty else { return find(packets, &self) }
    var rest = packets
    for state in [ConntrackState.new, ConntrackState.established, ConntrackState.related, ConntrackState.invalid, ConntrackState.untracked]
    {
      let packetsOfState = set(of: code.field, .range(UInt128(state)...UInt128(state)))
      if isSubset(rest, of: packetsOfState) { return find(rest, &self) }
      let part = intersection(rest, packetsOfState)
      if part.isEmpty { continue }
      if let found = find(part, &self) { return found }
      rest = difference(rest, packetsOfState)
    }
    return nil
  }

  /// Whether chance or state decides which packets of a set are meant.
  mutating func dependsOnChance(_ packets: PacketSet) -> Bool {
    var levels = [Bool](repeating: false, count: levelCount)
    for code in codes where code.isChance { for level in code.levels { levels[level] = true } }
    return diagram.depends(packets.edge, on: levels)
  }

  /// The share of a set among all assignments to the levels: which of two sets is the narrower one.
  func share(of packets: PacketSet) -> Double { diagram.share(packets.edge) }

  // MARK: Writes

  /// The code of a field; nil if no rule tests it.
  func code(of field: Field) -> FieldCode? { indices[field].map { codes[$0] } }

  /// The fields whose value may be another after a write.
  func changed(by writes: FieldWrites) -> [FieldCode] {
    if writes.isNothing { return [] }
    return writable.filter { writes.changes($0.field) }
  }

  /// The fields whose value may be another after an effect.
  func changed(by effect: FieldEffect) -> [FieldCode] {
    guard case .change(let field, _, _) = effect else { return writable }
    return writable.filter { $0.field.isChanged(byWriting: field) }
  }

  /// The packets that differ from those of a set only in the levels of some fields.
  mutating func projecting(_ packets: PacketSet, _ changed: [FieldCode]) -> PacketSet {
    projecting(packets, levels: changed.flatMap { Array($0.levels) + Array($0.outcomeLevels) })
  }

  /// The packets that differ from those of a set only in some levels.
  mutating func projecting(_ packets: PacketSet, levels: [Int]) -> PacketSet {
    guard !levels.isEmpty, !packets.isEmpty else { return packets }
    let number = quantifications[levels] ?? diagram.quantification(of: levels)
    quantifications[levels] = number
    return PacketSet(edge: diagram.project(packets.edge, number))
  }
  /// The number of a replacement of variables.
  mutating func number(of levels: [DecisionDiagram.Replacement]) -> Int {
    if let known = replacements[levels] { return known }
    let number = diagram.replacement(levels)
    replacements[levels] = number
    return number
  }

  /// The packets that are in a set after their variables are replaced.
  mutating func replacing(_ packets: PacketSet, number: Int) -> PacketSet {
    PacketSet(edge: diagram.replace(packets.edge, number))
  }
}
