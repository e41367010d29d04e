import Conntrack
public import Wire

/// The matches of a table's rules, compiled into one flat list of tests with two exits each. The evaluator runs it for each packet.
///
/// The matches of a rule are one run of tests; if one fails, the rule does. Frequently tested fields are read in place. A closure
/// is called for computed fields, and for matches with state or chance. ``Condition/decide(_:)`` defines the meaning; a test
/// compares the two.
public struct MatchProgram: Sendable {
  struct Step: BitwiseCopyable, Sendable {
    enum Subject: BitwiseCopyable, Sendable {
      case word(PacketWord)
      /// A word or a bound of more than 64 bits.
      case wide(PacketWord)
      /// The index of a closure.
      case computed(Int32)
      /// A match with state or chance.
      case opaque(Int32)
    }

    enum Test: BitwiseCopyable, Sendable {
      case any
      /// From `low` to `high`.
      case range
      /// `value & high == low`.
      case masked
    }

    var subject: Subject
    var test: Test
    var reads = PacketReads.more
    /// Whether a computed subject depends on a port.
    var asksPort = false
    /// The slot of the match in ``ExtensionMemory``.
    var slot: Int32
    var low: UInt64 = 0
    /// For values of more than 64 bits, the index in `bounds`.
    var high: UInt64 = 0
    var ifTrue: Int32
    var ifFalse: Int32
  }

  /// The bounds of a test of more than 64 bits.
  struct Bounds: BitwiseCopyable, Sendable {
    var low: UInt128
    var high: UInt128
  }

  /// The exits of a step other than another step. Lower numbers are indices of `unknowns`.
  private static let matched: Int32 = -1
  static let mismatched: Int32 = -2

  private(set) var steps: [Step] = []
  private(set) var bounds: [Bounds] = []
  private var unknowns: [UnknownReason] = []
  private var fields: [@Sendable (inout PacketContext) -> FieldValue] = []
  private var opaque: [@Sendable (inout PacketContext) -> MatchOutcome] = []

  /// True if a match tests the source port.
  public var readsSourcePorts: Bool { steps.contains { $0.reads.contains(.sourcePort) } }

  /// Creates an empty program.
  public init() {}

  /// The start of a rule without tests.
  public static let empty: Int32 = matched

  /// Adds the matches of a rule, which are evaluated in order.
  ///
  /// - Parameters:
  ///   - matches: the meaning and the structure of each match.
  ///   - firstSlot: the slot of the first match in ``ExtensionMemory``; the following matches have the following slots.
  /// - Returns: the start of the tests, for ``run(from:_:_:)``.
  public mutating func add(_ matches: [(behaviour: MatchBehaviour, payload: [UInt8])], _ family: Family, firstSlot: Int) -> Int32 {
    var start = Self.matched
    // Steps are appended back to front, so that the exits of each are known when it is made.
    for (index, match) in matches.enumerated().reversed() {
      let slot = Int32(firstSlot + index)
      let condition = match.behaviour.condition(match.payload, family)
      if condition.isOpaque {
        opaque.append(match.behaviour.evaluate(match.payload))
        start = append(Step.Subject.opaque(Int32(opaque.count - 1)), nil, slot, ifTrue: start, ifFalse: Self.mismatched)
      } else {
        start = lower(condition, slot, ifTrue: start, ifFalse: Self.mismatched)
      }
    }
    return start
  }

  private mutating func lower(_ condition: Condition, _ slot: Int32, ifTrue: Int32, ifFalse: Int32) -> Int32 {
    switch condition {
    case .always, .opaque: return ifTrue
    case .never: return ifFalse
    case .not(let inner): return lower(inner, slot, ifTrue: ifFalse, ifFalse: ifTrue)
    case .all(let parts):
      return parts.reversed().reduce(ifTrue) { lower($1, slot, ifTrue: $0, ifFalse: ifFalse) }
    case .any(let parts):
      return parts.reversed().reduce(ifFalse) { lower($1, slot, ifTrue: ifTrue, ifFalse: $0) }
    case .has(let field): return append(field, nil, slot, ifTrue: ifTrue, ifFalse: ifTrue)
    case .test(let field, let test): return append(field, test, slot, ifTrue: ifTrue, ifFalse: ifFalse)
    case .unknown(let reason):
      unknowns.append(reason)
      return Self.mismatched - Int32(unknowns.count)
    }
  }

  private mutating func append(_ field: Field, _ test: ValueTest?, _ slot: Int32, ifTrue: Int32, ifFalse: Int32) -> Int32 {
    switch field.source {
    case .word(let word): return append(word.sufficient(for: test), test, slot, ifTrue: ifTrue, ifFalse: ifFalse)
    case .computed(let read):
      fields.append(read)
      let start = append(Step.Subject.computed(Int32(fields.count - 1)), test, slot, ifTrue: ifTrue, ifFalse: ifFalse)
      steps[Int(start)].asksPort = field.dependsOnPort
      return start
    }
  }

  private mutating func append(_ word: PacketWord, _ test: ValueTest?, _ slot: Int32, ifTrue: Int32, ifFalse: Int32) -> Int32 {
    var step = Step(subject: .word(word), test: .any, reads: word.reads(in: test), slot: slot, ifTrue: ifTrue, ifFalse: ifFalse)
    var isNarrow = !word.isWide
    switch test {
    case nil: break
    case .range(let range):
      step.test = .range
      isNarrow = isNarrow && range.upperBound <= UInt128(UInt64.max)
      (step.low, step.high) = (UInt64(truncatingIfNeeded: range.lowerBound), UInt64(truncatingIfNeeded: range.upperBound))
    case .masked(let value, let mask):
      step.test = .masked
      isNarrow = isNarrow && max(value, mask) <= UInt128(UInt64.max)
      (step.low, step.high) = (UInt64(truncatingIfNeeded: value), UInt64(truncatingIfNeeded: mask))
    }
    guard isNarrow else { return append(Step.Subject.wide(word), test, slot, ifTrue: ifTrue, ifFalse: ifFalse) }
    steps.append(step)
    return Int32(steps.count - 1)
  }

  private mutating func append(_ subject: Step.Subject, _ test: ValueTest?, _ slot: Int32, ifTrue: Int32, ifFalse: Int32) -> Int32 {
    var step = Step(subject: subject, test: .any, slot: slot, ifTrue: ifTrue, ifFalse: ifFalse)
    if case .wide(let word) = subject { step.reads = word.reads(in: test) }
    step.high = UInt64(bounds.count)
    switch test {
    case nil: break
    case .range(let range):
      step.test = .range
      bounds.append(Bounds(low: range.lowerBound, high: range.upperBound))
    case .masked(let value, let mask):
      step.test = .masked
      bounds.append(Bounds(low: value, high: mask))
    }
    steps.append(step)
    return Int32(steps.count - 1)
  }

  /// Evaluates the matches of a rule for a packet.
  ///
  /// - Parameter place: the place of the packet's transport header. Matches do not change it.
  public func run(from start: Int32, _ packet: inout PacketContext, _ place: TransportPlace) -> MatchOutcome {
    var at = start
    while at >= 0 {
      let index = Int(at)
      packet.reads.formUnion(steps[index].reads)
      switch steps[index].subject {
      case .word(let word):
        switch word.readNarrow(packet, place) {
        case .value(let value): at = next(index, value)
        case .absent: at = Self.mismatched
        case .malformed: return .hotdrop
        }
      case .wide(let word):
        switch word.read(packet, place) {
        case .value(let value): at = next(index, wide: value)
        case .absent: at = Self.mismatched
        case .malformed: return .hotdrop
        }
      case .computed(let number):
        packet.slot = Int(steps[index].slot)
        if steps[index].asksPort, packet.hasDrawnPort { return .unknown(PacketContext.drawnPort) }
        switch fields[Int(number)](&packet) {
        case .value(let value): at = next(index, wide: value)
        case .doomed(let value):
          packet.isDoomed = true
          at = next(index, wide: value)
        // An earlier field may have doomed the packet.
        case .absent: at = Self.mismatched
        case .malformed: return .hotdrop
        case .unknown(let reason): return .unknown(reason)
        }
      case .opaque(let number):
        packet.slot = Int(steps[index].slot)
        let outcome = opaque[Int(number)](&packet)
        guard outcome == .matched else {
          if case .unknown(let reason) = outcome { return run(after: index, unknown: reason, &packet, place) }
          return outcome
        }
        at = steps[index].ifTrue
      }
    }
    switch at {
    case Self.matched: return .matched
    case Self.mismatched: return packet.isDoomed ? .hotdrop : .mismatched
    default:
      packet.reads.insert(.more)
      return .unknown(unknowns[Int(Self.mismatched - 1 - at)])
    }
  }

  /// The steps that can be reached from one.
  private func reachable(from start: Int32) -> [Int] {
    var reachable = [start]
    var next = 0
    while next < reachable.count {
      let at = reachable[next]
      next += 1
      guard at >= 0 else { continue }
      for exit in [steps[Int(at)].ifTrue, steps[Int(at)].ifFalse] where !reachable.contains(exit) { reachable.append(exit) }
    }
    return reachable.filter { $0 >= 0 }.map { Int($0) }
  }

  /// Evaluates the matches of a rule for a packet whose ports are not all known: it has a result if it has the same one for each port that
  /// chance may have chosen.
  public func run(from start: Int32, drawn packet: inout PacketContext, _ place: TransportPlace) -> MatchOutcome {
    packet.reads.insert(.more)
    let reachable = reachable(from: start)
    let sources = candidates(reachable, PacketWord.sourcePortOffset, packet.drawnPorts.source)
    let destinations = candidates(reachable, PacketWord.destinationPortOffset, packet.drawnPorts.destination)
    guard sources.count > 1 || destinations.count > 1 else { return run(from: start, &packet, place) }
    let isStateful = reachable.contains { if case .opaque = steps[$0].subject { true } else { false } }
    if isStateful { return .unknown(PacketContext.drawnPort) }
    let known = packet.packet
    defer { packet.packet = known }
    var found: MatchOutcome?
    for source in sources {
      for destination in destinations {
        if let source { packet.packet.bytes.setUInt16(source, at: Int(place.offset) + PacketWord.sourcePortOffset) }
        if let destination { packet.packet.bytes.setUInt16(destination, at: Int(place.offset) + PacketWord.destinationPortOffset) }
        let outcome = run(from: start, &packet, place)
        if let found, found != outcome { return .unknown(PacketContext.drawnPort) }
        found = outcome
      }
    }
    return found ?? .unknown(PacketContext.drawnPort)
  }

  /// Ports of which each stands for those that all tests treat alike; nil for the packet's own.
  private func candidates(_ reachable: [Int], _ offset: Int, _ range: ClosedRange<UInt16>?) -> [UInt16?] {
    guard let range else { return [nil] }
    var starts: Set<UInt16> = [range.lowerBound]
    for index in reachable {
      guard case .word(.half(let place, _)) = steps[index].subject, Int(place) == offset else { continue }
      switch steps[index].test {
      case .any: break
      case .range:
        // The end of a range may be the greatest number.
        for start in [steps[index].low, steps[index].high &+ 1] { if let start = UInt16(exactly: start) { starts.insert(start) } }
      // No match tests single bits of a port.
      case .masked: starts.formUnion(range)
      }
    }
    return starts.filter { range.contains($0) }.sorted()
  }

  /// Evaluates the matches behind one whose result is unknown. If they fail, the rule does not apply, whatever that result is.
  ///
  /// A match with state is not asked, because it is not known whether the kernel asks it.
  private func run(
    after index: Int, unknown reason: UnknownReason, _ packet: inout PacketContext, _ place: TransportPlace
  ) -> MatchOutcome {
    for at in reachable(from: steps[index].ifTrue) {
      if case .opaque = steps[at].subject { return .unknown(reason) }
    }
    let rest = run(from: steps[index].ifTrue, &packet, place)
    return rest == .mismatched ? .mismatched : .unknown(reason)
  }

  /// The exit of a step for a value.
  @inline(__always)
  private func next(_ index: Int, _ value: UInt64) -> Int32 {
    let holds =
      switch steps[index].test {
      case .any: true
      case .range: value >= steps[index].low && value <= steps[index].high
      case .masked: value & steps[index].high == steps[index].low
      }
    return holds ? steps[index].ifTrue : steps[index].ifFalse
  }

  private func next(_ index: Int, wide value: UInt128) -> Int32 {
    let place = Int(steps[index].high)
    let holds =
      switch steps[index].test {
      case .any: true
      case .range: value >= bounds[place].low && value <= bounds[place].high
      case .masked: value & bounds[place].high == bounds[place].low
      }
    return holds ? steps[index].ifTrue : steps[index].ifFalse
  }
}
