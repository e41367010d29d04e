/// What the matches of a rule require of a packet's addresses and of the first four bytes of its transport header.
///
/// Only tests that stand before the first match with state or chance, and before the first computed field, count. A packet outside of
/// one of the intervals fails the rule there, without any effect.
public struct MatchBounds: BitwiseCopyable, Sendable {
  /// Numbers from `low` to `high`; none if `low` is greater.
  public struct Interval: BitwiseCopyable, Sendable, Hashable {
    /// The least number.
    public var low: UInt128
    /// The greatest number.
    public var high: UInt128

    /// Creates an interval; by default of all numbers.
    public init(low: UInt128 = 0, high: UInt128 = .max) {
      self.low = low
      self.high = high
    }

    /// An interval that holds every number of `greatest` bits with `number & mask == value`.
    public init(value: UInt128, mask: UInt128, greatest: UInt128) {
      let mask = mask & greatest
      self = value & ~mask == 0 ? Interval(low: value, high: value | greatest & ~mask) : .empty
    }

    /// The interval without numbers.
    public static let empty = Interval(low: .max, high: 0)

    /// Whether there are no numbers in it.
    public var isEmpty: Bool { low > high }

    /// The numbers in both intervals.
    public func intersection(_ other: Interval) -> Interval { Interval(low: max(low, other.low), high: min(high, other.high)) }

    /// The least interval that holds both.
    func hull(_ other: Interval) -> Interval {
      if isEmpty { return other }
      return other.isEmpty ? self : Interval(low: min(low, other.low), high: max(high, other.high))
    }
  }

  /// The source address.
  public var source = Interval()
  /// The destination address.
  public var destination = Interval()
  /// The first two bytes of the transport header: the source port, or type and code of ICMP.
  public var firstHalf = Interval()
  /// The third and fourth byte: the destination port.
  public var secondHalf = Interval()
  /// The number of bytes of the transport header that the tests read. With fewer, a test may drop the packet.
  public var extent = 0

  /// The bounds of matches that no packet passes.
  static let empty = MatchBounds(source: .empty, destination: .empty, firstHalf: .empty, secondHalf: .empty)

  fileprivate mutating func formHull(_ other: MatchBounds) {
    source = source.hull(other.source)
    destination = destination.hull(other.destination)
    firstHalf = firstHalf.hull(other.firstHalf)
    secondHalf = secondHalf.hull(other.secondHalf)
  }

  /// Excludes packets whose word is outside of an interval.
  fileprivate mutating func narrow(_ word: PacketWord, to interval: @autoclosure () -> Interval) {
    switch word {
    case .source: source = source.intersection(interval())
    case .destination: destination = destination.intersection(interval())
    case .half(at: 0, of: _): firstHalf = firstHalf.intersection(interval())
    case .half(at: 2, of: _): secondHalf = secondHalf.intersection(interval())
    default: break
    }
  }
}

extension MatchProgram {
  /// The greatest number of tests of a rule that are looked at; nothing is known of those behind.
  private static let mostBoundedTests = 64

  /// A test that is reached by packets within bounds.
  private typealias Reached = (step: Int32, bounds: MatchBounds)

  /// The bounds of the matches that start at a test.
  public func bounds(from start: Int32) -> MatchBounds {
    var result = MatchBounds.empty
    var reached: [Reached] = [(start, MatchBounds())]
    var extent = 0
    for _ in 0..<Self.mostBoundedTests {
      guard let next = Self.takeFirst(&reached) else { break }
      if next.step == Self.mismatched { continue }
      guard next.step >= 0, let length = pass(next, &reached) else {
        result.formHull(next.bounds)
        continue
      }
      extent = max(extent, length)
    }
    for rest in reached where rest.step != Self.mismatched { result.formHull(rest.bounds) }
    result.extent = extent
    return result
  }

  /// Takes the test of the highest number: exits lead to lower numbers only, so that all ways to it are known.
  private static func takeFirst(_ reached: inout [Reached]) -> Reached? {
    guard let place = reached.indices.max(by: { reached[$0].step < reached[$1].step }) else { return nil }
    return reached.remove(at: place)
  }

  /// Passes packets within bounds on to the exits of a test, and returns the bytes of the transport header that it reads; nil if its
  /// result cannot be told from packet and context, or if asking for it may have effects.
  private func pass(_ from: Reached, _ reached: inout [Reached]) -> Int? {
    let step = steps[Int(from.step)]
    let word: PacketWord
    switch step.subject {
    case .word(let narrow): word = narrow
    case .wide(let wide): word = wide
    case .computed, .opaque: return nil
    }
    func add(_ exit: Int32, _ bounds: MatchBounds) {
      if exit == Self.mismatched { return }
      if let place = reached.firstIndex(where: { $0.step == exit }) {
        reached[place].bounds.formHull(bounds)
      } else {
        reached.append((exit, bounds))
      }
    }
    var holding = from.bounds
    holding.narrow(word, to: interval(of: step, word))
    add(step.ifTrue, holding)
    // The test that a field exists never fails.
    if step.test != .any { add(step.ifFalse, from.bounds) }
    return word.transportExtent?.length ?? 0
  }

  /// An interval that holds every value that passes a test.
  private func interval(of step: Step, _ word: PacketWord) -> MatchBounds.Interval {
    var (low, high) = (UInt128(step.low), UInt128(step.high))
    if case .wide = step.subject, step.test != .any { (low, high) = (bounds[Int(step.high)].low, bounds[Int(step.high)].high) }
    switch step.test {
    case .any: return MatchBounds.Interval()
    case .range: return MatchBounds.Interval(low: low, high: high)
    case .masked: return MatchBounds.Interval(value: low, mask: high, greatest: word.isWide ? .max : 0xffff)
    }
  }
}
