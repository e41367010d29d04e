public import Conntrack
import Diagnostics
public import Documents
public import Evaluator
import Netfilter
import Scenarios
public import Wire
public import XTables

/// Compares what the engine does with a replayed capture with what the host of the capture did: the frames that it sent, the counters of its
/// rules, and its connections.
public struct CaptureComparison: Sendable {
  /// A difference.
  public struct Difference: Sendable, Hashable {
    /// What differs, as a sentence.
    public let text: String
    /// True if it does not occur when the ticks of the kernel's clock begin at another time.
    public var isTiming = false
  }

  /// A frame that waits for its counterpart.
  private struct Frame: Hashable {
    let interface: String
    let key: [UInt8]
  }

  private var predicted: [Frame: [String]] = [:]
  private var captured: [Frame: [String]] = [:]
  private var order: [Frame] = []
  /// Frames that are not compared, because too many wait for their counterparts.
  private var omitted = 0
  /// The limit for frames that wait, on both sides together.
  public static let mostWaiting = 100_000
  /// The number of captured frames that the engine sends too.
  public private(set) var agreements = 0
  private var listed: [Difference] = []
  private var found: [Difference]?

  /// Creates a comparison of nothing.
  public init() {}

  /// The bytes of a packet without what a capture need not have: checksums, which the card may compute.
  private static func key(_ packet: Packet) -> [UInt8] {
    var packet = packet
    packet.settleChecksum()
    packet.settleQuote()
    if packet.family == .ipv4, packet.bytes.count >= 20 { packet.bytes.setUInt16(0, at: 10) }
    return packet.bytes
  }

  /// Takes the frames that the engine sends for a packet.
  ///
  /// - Parameters:
  ///   - interfaces: those of which there is a capture.
  ///   - title: the packet that caused them.
  public mutating func expect(_ report: PathReport, on interfaces: Set<String>, for title: String) {
    for departure in report.departures where interfaces.contains(departure.interface) {
      let frame = Frame(interface: departure.interface, key: Self.key(departure.packet))
      if take(from: &captured, frame) {
        agreements += 1
      } else {
        let sent = "\(departure.packet.brief) through \(departure.interface)"
        wait(in: \.predicted, frame, "for \(title) Ferrule sends \(sent); the capture has no such frame")
      }
    }
  }

  /// True if the engine sends this frame through the interface, and it has not been found in the capture yet.
  public func isPredicted(_ packet: Packet, on interface: String) -> Bool {
    predicted[Frame(interface: interface, key: Self.key(packet))] != nil
  }

  /// Takes a frame that the host of the capture sent. Returns false if the engine has not sent it so far.
  ///
  /// - Parameter number: the number of the frame in its capture.
  public mutating func see(_ packet: Packet, on interface: String, number: Int) -> Bool {
    let frame = Frame(interface: interface, key: Self.key(packet))
    if take(from: &predicted, frame) {
      agreements += 1
      return true
    }
    wait(in: \.captured, frame, "the capture has \(packet.brief) through \(interface) (frame \(number)), which Ferrule does not send")
    return false
  }

  private mutating func wait(in frames: WritableKeyPath<Self, [Frame: [String]]>, _ frame: Frame, _ text: String) {
    guard order.count < Self.mostWaiting else {
      omitted += 1
      return
    }
    order.append(frame)
    self[keyPath: frames][frame, default: []].append(text)
  }

  private func take(from frames: inout [Frame: [String]], _ frame: Frame) -> Bool {
    guard var texts = frames[frame] else { return false }
    texts.removeFirst()
    frames[frame] = texts.isEmpty ? nil : texts
    return true
  }

  // MARK: Listings

  /// Compares the counters of rules with those of `iptables-save -c`, which were read after the packets.
  ///
  /// - Parameters:
  ///   - before: the loaded rules, with the counters before the packets.
  ///   - engine: the rules of the simulator with its counters.
  public mutating func compare(counters after: Ruleset, since before: Ruleset?, with engine: Ruleset) {
    for table in after.tables {
      guard let own = engine[table: table.name] else { continue }
      let old = before?[table: table.name]
      for chain in table.chains {
        guard let counted = own[chain: chain.name] else { continue }
        let first = old?[chain: chain.name]
        for (index, rule) in chain.rules.enumerated() where index < counted.rules.count {
          let start = first.flatMap { index < $0.rules.count ? $0.rules[index].counters.packets : nil } ?? 0
          let kernel = rule.counters.packets &- start
          note("\(table.name.rawValue) \(chain.name) rule \(index + 1)", kernel, counted.rules[index].counters.packets)
        }
        if chain.policy != nil {
          let kernel = chain.counters.packets &- (first?.counters.packets ?? 0)
          note("\(table.name.rawValue) \(chain.name) policy", kernel, counted.counters.packets)
        }
      }
    }
  }

  private mutating func note(_ place: String, _ kernel: UInt64, _ engine: UInt64) {
    guard kernel != engine else { return }
    listed.append(Difference(text: "\(place): the kernel counted \(kernel) packets, Ferrule \(engine)"))
  }

  /// Compares connections with those of `conntrack -L`, which were read after the packets.
  public mutating func compare(connections kernel: [ConnectionSnapshot], with engine: [ConnectionSnapshot]) {
    func table(_ list: [ConnectionSnapshot]) -> [Tuple: ConnectionSnapshot] {
      Dictionary(list.map { ($0.original, $0) }, uniquingKeysWith: { first, _ in first })
    }
    let (ours, theirs) = (table(engine), table(kernel))
    for entry in kernel {
      guard let own = ours[entry.original] else {
        listed.append(Difference(text: "the kernel has the connection \(entry.original), Ferrule has not"))
        continue
      }
      if own.reply != entry.reply {
        listed.append(Difference(text: "\(entry.original): replies come as \(entry.reply) in the kernel, as \(own.reply) in Ferrule"))
      } else if own.state != entry.state {
        let (theirs, ours) = (entry.state ?? "without a state", own.state ?? "without a state")
        listed.append(Difference(text: "\(entry.original) is \(theirs) in the kernel, \(ours) in Ferrule"))
      }
    }
    for entry in engine where theirs[entry.original] == nil {
      listed.append(Difference(text: "Ferrule has the connection \(entry.original), the kernel has not"))
    }
  }

  // MARK: Results

  /// All differences, in the order in which they were found.
  public var differences: [Difference] {
    if let found { return found }
    var told: Set<Frame> = []
    let frames = order.filter { told.insert($0).inserted }.flatMap { (predicted[$0] ?? []) + (captured[$0] ?? []) }
    let rest = omitted > 0 ? [Difference(text: "\(omitted) more frames are not compared: too many have no counterpart")] : []
    return frames.map { Difference(text: $0) } + rest + listed
  }

  /// Marks the differences that another comparison of the same packets, with another phase of the kernel's ticks, does not have.
  public mutating func markTiming(notIn other: CaptureComparison) {
    let texts = Set(other.differences.map(\.text))
    found = differences.map { Difference(text: $0.text, isTiming: $0.isTiming || !texts.contains($0.text)) }
  }

  /// True if something differs that is not by timing.
  public var hasDifferences: Bool { differences.contains { !$0.isTiming } }

  /// The result as text.
  public var text: String {
    let all = differences
    let timing = all.count(where: \.isTiming)
    let real = all.count - timing
    var text = "compared: \(agreements) frame\(agreements == 1 ? "" : "s") as captured, \(real) difference\(real == 1 ? "" : "s")"
    text += timing > 0 ? ", and \(timing) by timing\n" : "\n"
    for difference in all.prefix(Limits.shownMistakes) {
      text += "  \(Escaping.line(difference.text))\(difference.isTiming ? " (by timing)" : "")\n"
    }
    if all.count > Limits.shownMistakes { text += "  … \(all.count - Limits.shownMistakes) more\n" }
    return text
  }

  /// The result as JSON.
  public var json: JSONValue {
    [
      "agreements": .integer(agreements),
      "differences": .array(differences.map { ["text": .string($0.text), "timing": .bool($0.isTiming)] }),
    ]
  }
}
