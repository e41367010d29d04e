import Diagnostics
public import Evaluator
public import Wire

/// Writes the lines of carried packets: `eth0 tcp 10.0.0.9:1000>10.0.1.9:80 S => sent through eth1`.
///
/// The text of a verdict is made once for many packets, and nothing is allocated for a packet whose verdict is known.
public struct BriefLines {
  /// What the text of a verdict depends on.
  private struct Verdict {
    let verdict: PacketVerdict
    let decider: HitLog.Hit?
    let text: [UInt8]
  }

  /// The texts of verdicts, by a number that similar verdicts share.
  private var verdicts = [Verdict?](repeating: nil, count: 64)
  /// The texts of the verdicts on repeated ways, by the number of the way; empty where there was none.
  private var ways: [[UInt8]] = []
  /// The interfaces with a blank, escaped.
  private var places = FewNames<[UInt8]>()
  private let verdictText: (PacketVerdict) -> String

  /// - Parameter verdictText: the text of a verdict as it is printed, escaped.
  public init(verdictText: @escaping (PacketVerdict) -> String) { self.verdictText = verdictText }

  /// Appends the beginning of a line, with the packet as it arrived.
  public mutating func begin(_ packet: borrowing Packet, on interface: String, to lines: inout [UInt8]) {
    lines += places.value(of: interface) { Array(Escaping.line("\(interface) ").utf8) }
    packet.appendBrief(to: &lines)
    lines += " => ".utf8
  }

  /// Appends the verdict of a packet that has repeated a way.
  ///
  /// - Parameter simulator: the host through which it has just been carried.
  public mutating func end(_ repetition: Repetition, in simulator: Simulator, to lines: inout [UInt8]) {
    let way = repetition.way
    if way >= ways.count || ways[way].isEmpty {
      while ways.count <= way { ways.append([]) }
      ways[way] = Array(verdictText(simulator.verdict(onWay: way)).utf8)
    }
    lines += ways[way]
  }

  /// Appends the verdict of the packet.
  ///
  /// - Parameters:
  ///   - log: what it hit.
  ///   - simulator: the host through which it was carried.
  public mutating func end(_ packet: borrowing CarriedPacket, _ log: borrowing HitLog, in simulator: Simulator, to lines: inout [UInt8]) {
    let verdict = packet.carriage.verdict
    var decider: HitLog.Hit?
    if case .dropped = verdict { decider = log.last }
    let line = decider.map { Int(truncatingIfNeeded: $0.entry &+ $0.table &* 17) & 63 } ?? verdict.kind
    if let known = verdicts[line], known.decider == decider, known.verdict == verdict {
      lines += known.text
      return
    }
    let text = Array(verdictText(simulator.naming(decider, in: verdict)).utf8)
    verdicts[line] = Verdict(verdict: verdict, decider: decider, text: text)
    lines += text
  }
}

extension PacketVerdict {
  /// A number below 64 that verdicts of different kinds, or through different interfaces, rarely share.
  fileprivate var kind: Int {
    switch self {
    case .sent(let output): 32 | Int(output.utf8.last ?? 0) & 31
    case .delivered: 1
    case .dropped: 2
    case .lost: 3
    case .queued: 4
    case .absorbed: 5
    case .refused: 6
    case .unknown: 7
    }
  }
}

extension Simulator {
  /// The verdict of a carried packet with the rule that gave it.
  fileprivate func naming(_ decider: HitLog.Hit?, in verdict: PacketVerdict) -> PacketVerdict {
    guard let decider, case .dropped(let hook, nil, let reason) = verdict else { return verdict }
    return .dropped(at: hook, by: step(of: decider), because: reason)
  }
}
