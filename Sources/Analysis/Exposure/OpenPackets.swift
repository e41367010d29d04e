import Conntrack
public import Netfilter
public import Wire
public import XTables

/// The packets that begin connections and that a table accepts at a hook, by the rule that accepts them.
///
/// The sets hold at least every packet: a match with state or chance may match, and the tables before this one may drop. A part is shown by
/// its witness, which the caller runs through all tables.
public struct OpenPackets: Sendable {
  /// The packets that one rule, or the policy, accepts with one protocol.
  public struct Part: Sendable {
    /// The rule; nil for the policy of the built-in chain.
    public let place: RulePosition?
    /// The protocol; nil for any other than TCP and UDP.
    public let proto: IPProtocol?
    /// The destination ports, ascending; one range of all ports if none is asked for.
    public let ports: [ClosedRange<UInt128>]
    /// The source addresses, ascending.
    public let sources: [ClosedRange<UInt128>]
    /// The destination addresses, ascending.
    public let destinations: [ClosedRange<UInt128>]
    /// The keys of the input interfaces, ascending; see ``Field/inputInterface``.
    public let inputs: [ClosedRange<UInt128>]
    /// One of the packets.
    public let witness: Witness
  }

  /// The parts, in the order of chains and rules, those of the policy last.
  public let parts: [Part]
  /// Whether more ranges of some field exist than are listed.
  public let isShortened: Bool

  /// The greatest number of ranges that are listed of one field.
  private static let mostRanges = 256

  /// Analyses a table; nil if nothing is decided.
  public init?(_ table: Table, at hook: Hook) {
    guard var reach = TableReach(table, flatFrom: Int.max), let start = table.index(of: hook.name) else { return nil }
    var asked = reach.space.packets(at: hook)
    asked = reach.space.intersection(asked, reach.space.beginning())
    var rest = asked
    var parts: [Part] = []
    var isShortened = false
    for (chain, value) in table.chains.enumerated() where reach.hooks[chain].contains(HookMask(hook)) && reach.isAttached[chain] {
      for rule in value.rules.indices {
        guard case .ends = reach.graph.steps[chain][rule] else { continue }
        let packets = reach.space.intersection(reach.hits[chain][rule], asked)
        guard !packets.isEmpty else { continue }
        rest = reach.space.difference(rest, reach.space.difference(packets, reach.sets(of: RulePosition(chain: chain, rule: rule)).miss))
        guard value.rules[rule].target == .verdict(.accept) else { continue }
        parts += Self.parts(packets, RulePosition(chain: chain, rule: rule), hook, &reach.space, &isShortened)
        if reach.space.isExhausted { return nil }
      }
    }
    if table.chains[start].policy == .accept { parts += Self.parts(rest, nil, hook, &reach.space, &isShortened) }
    guard !reach.space.isExhausted else { return nil }
    self.parts = parts
    self.isShortened = isShortened
  }

  /// The parts of a set, by protocol.
  static func parts(
    _ packets: PacketSet, _ place: RulePosition?, _ hook: Hook, _ space: inout PacketSpace, _ isShortened: inout Bool
  ) -> [Part] {
    var parts: [Part] = []
    var rest = packets
    for proto in [IPProtocol.tcp, .udp, nil] {
      var some = rest
      if let proto {
        let holds = space.set(of: .protocolNumber, .range(UInt128(proto.rawValue)...UInt128(proto.rawValue)))
        some = space.intersection(rest, holds)
        // Where no rule tells the protocol from others, its packets stand for theirs.
        if space.isTold(.protocolNumber, UInt128(proto.rawValue)) { rest = space.difference(rest, holds) }
      }
      guard !some.isEmpty, var witness = space.witness(of: some, at: hook) else { continue }
      let drawn = witness.draft.fields.proto
      witness.draft.fields.proto = proto ?? (drawn == .tcp || drawn == .udp ? space.untoldProtocol ?? drawn : drawn)
      func ranges(_ field: Field) -> [ClosedRange<UInt128>] {
        guard let found = space.ranges(of: field, in: some, most: mostRanges) else {
          isShortened = true
          return [0...field.greatest]
        }
        return found
      }
      parts.append(
        Part(
          place: place, proto: proto, ports: ranges(.destinationPort), sources: ranges(.sourceAddress),
          destinations: ranges(.destinationAddress), inputs: ranges(.inputInterface), witness: witness))
    }
    return parts
  }
}

extension PacketSpace {
  /// The first packets of connections, in the state NEW, that are no later fragments.
  mutating func beginning() -> PacketSet {
    var result = PacketSet.all
    if let code = codes.first(where: { $0.field.name == "ct.state" }), !code.levels.isEmpty {
      result = set(of: code.field, .range(UInt128(ConntrackState.new)...UInt128(ConntrackState.new)))
    }
    let first = set(of: .isLaterFragment, .range(0...0))
    return code(of: .isLaterFragment) == nil ? result : intersection(result, first)
  }

  /// Whether rules tell a value of a field from all others.
  func isTold(_ field: Field, _ value: UInt128) -> Bool {
    guard let code = code(of: field), !code.levels.isEmpty else { return false }
    guard let starts = code.starts else { return true }
    return code.values(of: UInt128(code.rank(of: value, in: starts))) == value...value
  }

  /// A protocol other than TCP and UDP that rules treat as they treat these where they do not tell them from others; nil if there is none.
  var untoldProtocol: IPProtocol? {
    [253, 254, 47, 132].map { IPProtocol(rawValue: $0) }.first { !isTold(.protocolNumber, UInt128($0.rawValue)) }
  }

  /// The values that a field has in a set, as ascending ranges that do not touch; nil if there are more than a number of ranges.
  mutating func ranges(of field: Field, in packets: PacketSet, most: Int) -> [ClosedRange<UInt128>]? {
    guard let code = code(of: field), !code.levels.isEmpty else {
      return [0...(family == .ipv4 && field.bits == 128 && field.name.hasPrefix("ip.") ? UInt128(UInt32.max) : field.greatest)]
    }
    let others = (0..<levelCount).filter { !code.levels.contains($0) }
    let projected = projecting(packets, levels: others)
    var found: [ClosedRange<UInt128>] = []
    let width = code.levels.count
    /// The edges that wait, with the level to look at next and the bits above it.
    var waiting: [(edge: UInt32, depth: Int, bits: UInt128)] = [(projected.edge, 0, 0)]
    while let (edge, depth, bits) = waiting.popLast() {
      if edge == 1 { continue }
      let isTested = edge > 1 && Int(diagram.level(edge)) == code.levels.lowerBound + depth
      if edge == 0 || depth == width {
        let span = width - depth
        let low = bits << UInt128(span)
        let high = low | (span >= 128 ? UInt128.max : (1 << UInt128(span)) - 1)
        let range = code.values(of: low).lowerBound...max(code.values(of: low).lowerBound, code.values(of: high).upperBound)
        if let last = found.last, last.upperBound >= range.lowerBound || last.upperBound + 1 == range.lowerBound {
          found[found.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
        } else {
          guard found.count < most else { return nil }
          found.append(range)
        }
        continue
      }
      // The lower half is looked at first.
      waiting.append((isTested ? diagram.high(edge) : edge, depth + 1, bits << 1 | 1))
      waiting.append((isTested ? diagram.low(edge) : edge, depth + 1, bits << 1))
    }
    return found
  }
}
