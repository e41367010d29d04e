import Wire
import XTables

/// The packets that a rule may match, as ranges of codes. Every packet outside of them fails the rule without any effect.
struct RuleBox {
  var ranges = InlineArray<7, CodeRange>(repeating: .all)
  /// The rule's entry in the table.
  var entry: Int32
}

/// The boxes of a chain's rules, and what turns a packet into codes.
struct ChainBoxes {
  /// In the order of the rules. A rule that no packet matches has none.
  private(set) var boxes: [RuleBox] = []
  let codes: PacketCoding

  init(_ program: TableProgram, entries: Range<Int>) {
    var extents = [UInt16](repeating: 0, count: 256)
    let rules = entries.map { RuleIntervals($0, of: program, &extents) }
    let codes = PacketCoding(program.family, rules, extents: extents)
    boxes.reserveCapacity(rules.count)
    for (entry, rule) in zip(entries, rules) where !rule.isEmpty { boxes.append(codes.box(rule, entry: Int32(entry))) }
    self.codes = codes
  }
}

/// What a rule requires of a packet before anything that has an effect, as intervals.
struct RuleIntervals {
  var source = MatchBounds.Interval()
  var destination = MatchBounds.Interval()
  var input = MatchBounds.Interval()
  var output = MatchBounds.Interval()
  var firstHalf = MatchBounds.Interval()
  var secondHalf = MatchBounds.Interval()
  var proto = MatchBounds.Interval()

  /// - Parameter extents: by protocol, how many bytes of the transport header are read before a rule is skipped for what stands in it.
  init(_ at: Int, of program: TableProgram, _ extents: inout [UInt16]) {
    let entry = program.entries[at]
    let whole = MatchBounds.Interval(low: 0, high: program.family == .ipv4 ? 0xffff_ffff : .max)
    (source, destination) = (whole, whole)
    func isTested(_ test: ProgramEntry.Tests) -> Bool { entry.tests.contains(test) && !entry.inverted.contains(test) }
    if isTested(.source) {
      let (value, mask) = program.sourcePattern(entry)
      source = MatchBounds.Interval(value: value, mask: mask, greatest: whole.high)
    }
    if isTested(.destination) {
      let (value, mask) = program.destinationPattern(entry)
      destination = MatchBounds.Interval(value: value, mask: mask, greatest: whole.high)
    }
    if isTested(.input) { input = Self.interval(program.patterns[Int(entry.input)]) }
    if isTested(.output) { output = Self.interval(program.patterns[Int(entry.output)]) }
    if isTested(.protocol) { proto = MatchBounds.Interval(low: UInt128(entry.proto), high: UInt128(entry.proto)) }
    guard entry.hasMatches else { return }
    let bounds = program.matches.bounds(from: entry.matches)
    // Tests of a transport header may drop a packet that has too few bytes. Only for rules of one protocol is it known how many suffice.
    guard bounds.extent == 0 || isTested(.protocol) else { return }
    source = source.intersection(bounds.source)
    destination = destination.intersection(bounds.destination)
    firstHalf = bounds.firstHalf
    secondHalf = bounds.secondHalf
    if bounds.extent > 0 { extents[Int(entry.proto)] = max(extents[Int(entry.proto)], UInt16(clamping: bounds.extent)) }
  }

  private static func interval(_ pattern: InterfacePattern) -> MatchBounds.Interval {
    MatchBounds.Interval(value: pattern.name & pattern.mask, mask: pattern.mask, greatest: .max)
  }

  /// Whether no packet is in all intervals.
  var isEmpty: Bool {
    source.isEmpty || destination.isEmpty || input.isEmpty || output.isEmpty || firstHalf.isEmpty || secondHalf.isEmpty || proto.isEmpty
  }
}

/// Turns the properties of a packet and the intervals of rules into codes, for one chain.
struct PacketCoding: Sendable {
  private let family: Family
  private let sources: Ranks
  private let destinations: Ranks
  private let inputs: Ranks
  private let outputs: Ranks
  /// By protocol, how many bytes of the transport header must be present.
  private let extents: [UInt16]

  init(_ family: Family, _ rules: [RuleIntervals], extents: [UInt16]) {
    self.family = family
    self.extents = extents
    let isWide = family == .ipv6
    sources = Ranks(isWide ? rules.lazy.map(\.source) : [].lazy.map(\.source))
    destinations = Ranks(isWide ? rules.lazy.map(\.destination) : [].lazy.map(\.destination))
    inputs = Ranks(rules.lazy.map(\.input))
    outputs = Ranks(rules.lazy.map(\.output))
  }

  /// The bytes that it occupies.
  var size: Int { sources.size + destinations.size + inputs.size + outputs.size + extents.count * 2 }

  /// The codes of a packet; nil if a test of its headers may drop it, so that no rule may be skipped.
  @inline(__always)
  func codes(_ head: PacketHead, _ bytes: borrowing [UInt8]) -> PacketCodes? {
    guard !head.isBroken, head.place.isSound(in: bytes, length: Int(extents[Int(head.proto)])) else { return nil }
    var codes = PacketCodes(repeating: 0)
    codes[IndexDimension.source] = family == .ipv4 ? head.source : sources.rank(head.wideSource)
    codes[IndexDimension.destination] = family == .ipv4 ? head.destination : destinations.rank(head.wideDestination)
    codes[IndexDimension.firstHalf] = UInt32(head.place.half(at: 0, in: bytes))
    codes[IndexDimension.secondHalf] = UInt32(head.place.half(at: 2, in: bytes))
    codes[IndexDimension.protocol] = UInt32(head.proto)
    codes[IndexDimension.input] = inputs.rank(head.input)
    codes[IndexDimension.output] = outputs.rank(head.output)
    return codes
  }

  func box(_ rule: RuleIntervals, entry: Int32) -> RuleBox {
    func range(_ interval: MatchBounds.Interval) -> CodeRange {
      CodeRange(low: UInt32(clamping: interval.low), high: UInt32(clamping: interval.high))
    }
    var box = RuleBox(entry: entry)
    box.ranges[IndexDimension.source] = family == .ipv4 ? range(rule.source) : sources.range(rule.source)
    box.ranges[IndexDimension.destination] = family == .ipv4 ? range(rule.destination) : destinations.range(rule.destination)
    box.ranges[IndexDimension.firstHalf] = range(rule.firstHalf)
    box.ranges[IndexDimension.secondHalf] = range(rule.secondHalf)
    box.ranges[IndexDimension.protocol] = range(rule.proto)
    box.ranges[IndexDimension.input] = inputs.range(rule.input)
    box.ranges[IndexDimension.output] = outputs.range(rule.output)
    return box
  }
}
