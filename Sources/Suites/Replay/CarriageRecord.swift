import Diagnostics
public import Evaluator
public import Notation
import Wire

/// What is kept of packets that were carried without a record of their paths: a line for each, or totals of all.
public struct CarriageRecord {
  /// What is kept.
  public enum Form {
    /// A line for each packet: `eth0 tcp 10.0.0.9:1000>10.0.1.9:80 => sent through eth1`.
    ///
    /// - Parameter verdictText: the text of a verdict as it is printed, escaped.
    case lines(verdictText: (PacketVerdict) -> String)
    /// The totals of all packets.
    case totals
  }

  /// The lines that were not taken yet, each with its line feed; none if only totals are kept.
  private(set) var lines: [UInt8] = []
  /// The totals; empty if lines are kept.
  public private(set) var summary = RunSummary()
  /// The connections of which only one direction was carried.
  public private(set) var directions = DirectionCheck()
  /// The number of packets with another verdict than expected.
  public private(set) var surprises = 0
  private var brief: BriefLines?
  private let expected: VerdictPattern?
  private let surprise: [UInt8]

  /// Creates a record of nothing.
  ///
  /// - Parameters:
  ///   - expected: the expected verdict of every packet; nil for none.
  ///   - summary: the totals of packets before the first one.
  public init(_ form: Form, expected: VerdictPattern?, after summary: RunSummary = RunSummary()) {
    self.summary = summary
    if case .lines(let text) = form { brief = BriefLines(verdictText: text) }
    self.expected = expected
    surprise = expected.map { Array(Escaping.line("  (expected: \($0.description))").utf8) } ?? []
  }

  /// Begins with a packet as it arrived.
  ///
  /// - Parameter position: its number among all packets of the run, from 0.
  @inline(__always)
  mutating func begin(_ packet: borrowing Packet, on interface: String, position: Int) {
    summary.position = position
    directions.position = position
    brief?.begin(packet, on: interface, to: &lines)
  }

  /// Ends with a packet that was carried.
  mutating func end(_ packet: borrowing CarriedPacket, _ hits: borrowing HitLog, _ simulator: Simulator) {
    directions.note(packet, hits)
    brief?.end(packet, hits, in: simulator, to: &lines)
    if brief == nil { summary.add(packet, hits) }
    conclude(expected?.holds(for: packet) ?? true)
  }

  /// Ends with a packet that has repeated the way of an earlier one.
  @inline(__always)
  mutating func end(_ packet: borrowing Packet, _ repetition: Repetition, _ simulator: Simulator) {
    brief?.end(repetition, in: simulator, to: &lines)
    if brief == nil { summary.add(packet, repetition, in: simulator) }
    conclude(expected?.holds(for: simulator.verdict(onWay: repetition.way), isAnswered: false) ?? true)
  }

  @inline(__always)
  private mutating func conclude(_ isMet: Bool) {
    if !isMet { surprises += 1 }
    guard brief != nil else { return }
    if !isMet { lines += surprise }
    lines.append(UInt8(ascii: "\n"))
  }

  /// Appends the lines to others and forgets them.
  mutating func takeLines(into other: inout [UInt8]) {
    other += lines
    forgetLines()
  }

  /// Forgets the lines.
  mutating func forgetLines() { lines.removeAll(keepingCapacity: true) }

  /// Names the rules that packets have hit. To be called after the last packet, before ``summary`` is read.
  ///
  /// - Parameter simulator: the host through which they were carried.
  mutating func finish(in simulator: Simulator) { summary.name(hitsIn: simulator) }

  /// Adds what another record has of other packets of the same run. Both must be finished.
  mutating func merge(_ other: CarriageRecord) {
    summary.merge(other.summary)
    directions.merge(other.directions)
    surprises += other.surprises
  }
}
