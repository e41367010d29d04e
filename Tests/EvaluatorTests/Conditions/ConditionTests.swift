import Extensions
import Netfilter
import Testing
import Wire
import XTables

@testable import Evaluator

/// The one meaning of a condition, and what is made of it.
@Suite struct ConditionTests {
  static let seed: UInt64 = 20_261_129

  /// A condition over fields as they are, with values near those that a packet has.
  private static func tree(_ packet: PacketContext, depth: Int, _ draw: inout DrawnContexts) -> Condition {
    if depth > 0, draw.chance(0.7) {
      let parts = (0..<draw.number(0...3)).map { _ in tree(packet, depth: depth - 1, &draw) }
      switch draw.number(0...2) {
      case 0: return .all(parts)
      case 1: return .any(parts)
      default: return .not(tree(packet, depth: depth - 1, &draw))
      }
    }
    switch draw.number(0...40) {
    case 0: return .always
    case 1: return .never
    case 2: return .unknown(UnknownReason("this", needs: "\(draw.number(0...3))"))
    case 3...6: return .has(draw.pick(Catalogue.fields))
    default: break
    }
    let field = draw.pick(Catalogue.fields)
    var copy = packet
    var value = UInt128(draw.number(0...300)) & field.greatest
    if draw.chance(0.7), case .value(let actual) = field.read(&copy) { value = actual }
    let top = field.greatest
    switch draw.number(0...3) {
    case 0: return .equals(field, value)
    case 1: return .inRange(field, value > 3 ? value - 3 : 0, value)
    case 2:
      let mask = draw.pick([top, 0, 1, UInt128(0xff), top ^ (top >> 8), UInt128(draw.number(0...0xffff))]) & top
      return .masked(field, value & mask, mask: mask)
    default: return .test(field, .range(value...max(value, draw.pick([value, value &+ 1, top]))))
    }
  }

  @Test func theFastProgramDecidesAsTheFoldDoes() throws {
    var draw = try DrawnContexts(seed: Self.seed)
    var counts: [String: Int] = [:]
    for _ in 0..<20_000 {
      let family = draw.pick([Family.ipv4, .ipv6])
      guard let packet = draw.context(family, at: draw.pick(Hook.allCases)) else { continue }
      let condition = Self.tree(packet, depth: 3, &draw)
      var program = MatchProgram()
      let behaviour = MatchBehaviour(condition: { _, _ in condition }, evaluate: { _ in { _ in .mismatched } })
      let start = program.add([(behaviour, [])], family, firstSlot: 0)
      var (fast, slow) = (packet, OnePacket(packet))
      let outcome = program.run(from: start, &fast, TransportPlace(packet.packet.transport))
      let decision = condition.decide(&slow)
      #expect(outcome == slow.outcome(decision), "\(condition)\n\(Hex.string(packet.packet.bytes))")
      if outcome == .matched { #expect(fast.isDoomed == decision.doomed, "\(condition)") }
      let name = if case .unknown = outcome { "unknown" } else { "\(outcome)" }
      counts[name, default: 0] += 1
      if decision.doomed { counts["doomed", default: 0] += 1 }
    }
    for kind in ["matched", "mismatched", "hotdrop", "unknown"] { #expect(counts[kind, default: 0] > 300, "\(counts)") }
  }

  /// A packet outside of the bounds fails without an effect, unless its transport header is cut off.
  @Test func thePacketsThatMatchAreWithinTheBounds() throws {
    var draw = try DrawnContexts(seed: Self.seed + 3)
    var outside = 0
    for _ in 0..<20_000 {
      let family = draw.pick([Family.ipv4, .ipv6])
      guard let packet = draw.context(family, at: draw.pick(Hook.allCases)) else { continue }
      let words: [Field] = [.sourcePort, .destinationPort, .sourceAddress, .destinationAddress, .icmpTypeAndCode, .tcpFlags, .tcpHeader]
      let parts = (0..<draw.number(1...3)).map { _ in
        draw.chance(0.6)
          ? Condition.inRange(draw.pick(words), UInt128(draw.number(0...100)), UInt128(draw.number(50...70_000)))
          : Self.tree(packet, depth: 2, &draw)
      }
      let condition = draw.chance(0.8) ? Condition.all(parts) : .any(parts)
      var program = MatchProgram()
      let start = program.add(
        [(MatchBehaviour(condition: { _, _ in condition }, evaluate: { _ in { _ in .mismatched } }), [])], family, firstSlot: 0)
      let (bounds, place) = (program.bounds(from: start), TransportPlace(packet.packet.transport))
      guard place.isSound(in: packet.packet.bytes, length: bounds.extent) else { continue }
      func isWithin(_ interval: MatchBounds.Interval, _ value: UInt128) -> Bool { value >= interval.low && value <= interval.high }
      if isWithin(bounds.source, packet.packet.source?.bits ?? 0), isWithin(bounds.destination, packet.packet.destination?.bits ?? 0),
        isWithin(bounds.firstHalf, UInt128(place.half(at: 0, in: packet.packet.bytes))),
        isWithin(bounds.secondHalf, UInt128(place.half(at: 2, in: packet.packet.bytes)))
      {
        continue
      }
      outside += 1
      var context = packet
      #expect(program.run(from: start, &context, place) == .mismatched, "\(condition)\n\(Hex.string(packet.packet.bytes))")
      #expect(!context.isDoomed && context.packet == packet.packet && context.slot == packet.slot, "\(condition)")
    }
    #expect(outside > 3000)
  }

  /// All declared matches, as they stand in their examples.
  @Test func theMatchesOfTheExamplesAreDecidedAlike() throws {
    var draw = try DrawnContexts(seed: Self.seed + 1)
    var matched: Set<String> = []
    for match in Catalogue.matches {
      let condition = match.use.condition(match.family)
      guard !condition.isOpaque, case .match(let behaviour) = match.use.descriptor.behaviour else { continue }
      var program = MatchProgram()
      let start = program.add([(behaviour, match.use.payload)], match.family, firstSlot: 0)
      for _ in 0..<60 {
        guard let packet = draw.context(match.family, at: draw.pick(Hook.allCases)) else { continue }
        var (fast, slow) = (packet, packet)
        let outcome = program.run(from: start, &fast, TransportPlace(packet.packet.transport))
        #expect(outcome == condition.outcome(&slow), "\(match.testDescription)")
        if outcome == .matched { matched.insert(match.use.descriptor.name) }
        // What holds of every packet, or of none, holds of this one.
        switch condition.truth(at: packet.hook, match.family) {
        case .always: #expect(outcome == .matched, "\(match.testDescription)")
        case .never: #expect(outcome != .matched, "\(match.testDescription)")
        case .unknown: break
        }
        var third = packet
        #expect((condition.explanation(&third) == nil) == (outcome == .matched), "\(match.testDescription)")
      }
    }
    #expect(matched.count > 25, "\(matched)")
  }

  @Test func theHeaderIsTestedAsItsConditionSays() throws {
    var draw = try DrawnContexts(seed: Self.seed + 2)
    var counts: [String: Int] = [:]
    for _ in 0..<15_000 {
      let family = draw.pick([Family.ipv4, .ipv6])
      let hook = draw.pick([Hook.input, .forward, .output])
      guard let packet = draw.context(family, at: hook), PacketHead(packet) != nil else { continue }
      let header = Self.header(for: packet, &draw)
      var table = Table(.filter, family)
      let index = try #require(table.index(of: hook.name))
      table.update(at: index) { $0.rules = [Rule(header: header, target: .verdict(.drop))] }
      let loaded = LoadedTable(try TableProgram(table))
      var (context, stack, observer) = (packet, JumpStack(), NoObserver())
      let outcome = loaded.program.run(&context, counting: loaded, stack: &stack, observer: &observer)
      var copy = packet
      let wanted: TableOutcome =
        switch header.condition(family).outcome(&copy) {
        case .matched: .verdict(.drop)
        case .mismatched: .verdict(.accept)
        case .hotdrop: .hotdrop
        case .unknown(let reason): .unknown(reason)
        }
      #expect(outcome == wanted, "\(header)\n\(Hex.string(packet.packet.bytes))")
      counts["\(outcome)", default: 0] += 1
    }
    #expect(counts.count == 3 && counts.values.allSatisfy { $0 > 20 }, "\(counts)")
  }

  private static func header(for packet: PacketContext, _ draw: inout DrawnContexts) -> RuleHeader {
    var header = RuleHeader()
    let width = packet.family.addressBits
    func address(_ bits: UInt128?) -> AddressMask {
      let mask = AddressMask.mask(prefix: draw.pick([0, 8, 24, width]), packet.family)
      let base = (bits ?? 0) ^ (draw.chance(0.2) ? 1 << UInt128(draw.number(0...(width - 1))) : 0)
      // A blob may have bits outside of the mask: no packet fits.
      return AddressMask(address: draw.chance(0.1) ? base : base & mask, mask: mask)
    }
    func interface(_ key: UInt128) -> InterfacePattern {
      draw.pick([
        InterfacePattern(), InterfacePattern(ArraySlice("eth+".utf8)), InterfacePattern(ArraySlice("eth0".utf8)),
        InterfacePattern(name: key, mask: .max),
      ])
    }
    if draw.chance(0.4) { header.source = address(packet.packet.source?.bits) }
    if draw.chance(0.4) { header.destination = address(packet.packet.destination?.bits) }
    if draw.chance(0.3) { header.input = interface(packet.input?.key ?? 0) }
    if draw.chance(0.3) { header.output = interface(packet.output?.key ?? 0) }
    if draw.chance(0.5) { header.protocolNumber = draw.pick([0, 6, 17, packet.packet.transport?.proto.rawValue ?? 0]) }
    header.isProtocolGiven = packet.family == .ipv6 && draw.chance(0.7)
    header.isFragment = packet.family == .ipv4 && draw.chance(0.3)
    if draw.chance(0.4) { header.inverted = RuleHeader.Inverted(rawValue: UInt8(draw.number(0...255)) & 0x7b) }
    return header
  }

  /// Against every number of six bits.
  @Test func valueTestsAreKnownOverRanges() {
    var random = SeededRandom(seed: Self.seed)
    for _ in 0..<4000 {
      func number() -> UInt128 { UInt128(UInt64.random(in: 0..<64, using: &random)) }
      let (low, high) = (number(), number())
      let range = min(low, high)...max(low, high)
      let (first, second) = (number(), number())
      let tests: [ValueTest] = [
        .range(min(first, second)...max(first, second)), .masked(value: first & second, mask: second), .masked(value: first, mask: second),
      ]
      for test in tests {
        let values = Array(range)
        #expect(test.leastHolding(in: range) == values.first { test.holds(for: $0) }, "\(test) in \(range)")
        #expect(test.mayFail(in: range) == values.contains { !test.holds(for: $0) }, "\(test) in \(range)")
      }
    }
  }
}
