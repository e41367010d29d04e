public import Conntrack
public import Documents
public import Evaluator
import Netfilter
public import Wire
import XTables

/// The totals of a run: packets by verdict, by each rule and policy that they hit, and by connection.
public struct RunSummary: Sendable {
  private var packets = 0
  private var verdicts: [String: Int] = [:]
  private var rules: [String: Int] = [:]
  /// Packets by their tuple; packets of further flows are counted together.
  private var flows = FlowTable<Int>()
  private var otherFlows = 0
  /// The counts of carried packets by verdict, the first different ones; further ones are in ``verdicts``.
  private var carried: [(verdict: PacketVerdict, count: Int)] = []
  /// The counts of packets that have repeated ways, by the number of the way; nil where there was none.
  private var ways: [WayCount?] = []
  /// The counts of carried packets by table and entry.
  private var hits: [[EntryCount]] = []

  private struct EntryCount {
    var count = 0
    /// The number of the last packet that was counted: each is counted once.
    var packet = 0
  }

  private struct WayCount {
    let hits: HitLog
    let verdict: PacketVerdict
    var count = 0
  }

  /// How many verdicts are compared before their texts are made.
  private static let mostVerdicts = 16

  /// The limit for flows that are counted apart.
  public static let mostFlows = 100_000

  /// The number of the next packet among all packets of the run; needed only if other totals are of other packets of it.
  var position: Int {
    get { flows.position }
    set { flows.position = newValue }
  }

  /// Creates totals of nothing.
  public init() {}

  /// Adds the totals of other flows of the same run. Both must have their hits named.
  mutating func merge(_ other: RunSummary) {
    packets += other.packets
    verdicts.merge(other.verdicts, uniquingKeysWith: +)
    rules.merge(other.rules, uniquingKeysWith: +)
    otherFlows += other.otherFlows
    for flow in flows.merge(other.flows, upTo: Self.mostFlows) { otherFlows += flow.value }
  }

  /// Counts a packet.
  ///
  /// - Parameter packet: the packet as it arrived or was sent; nil for an action at a socket.
  public mutating func add(_ packet: Packet?, _ report: PathReport) {
    guard let own = report.packets.first else { return }
    packets += 1
    verdicts[Self.name(own.verdict), default: 0] += 1
    for step in Set(own.steps) { add(step, 1) }
    count(packet?.portTuple)
  }

  /// Counts a carried packet.
  public mutating func add(_ packet: borrowing CarriedPacket, _ log: borrowing HitLog) {
    packets += 1
    count(packet.carriage.verdict)
    for hit in log.hits { count(hit) }
    count(packet.tuple)
  }

  /// Counts a packet that has repeated a way.
  ///
  /// - Parameter simulator: the host through which it has just been carried.
  public mutating func add(_ packet: borrowing Packet, _ repetition: Repetition, in simulator: Simulator) {
    packets += 1
    let way = repetition.way
    if way >= ways.count || ways[way] == nil {
      while ways.count <= way { ways.append(nil) }
      ways[way] = WayCount(hits: simulator.hits(onWay: way), verdict: simulator.verdict(onWay: way))
    }
    ways[way]?.count += 1
    let isCounted = flows.update(
      repetition.connection, repetition.direction, { packet.portTuple }, upTo: Self.mostFlows, initial: 0, { $0 += 1 })
    if !isCounted { otherFlows += 1 }
  }

  private mutating func count(_ verdict: PacketVerdict) {
    if let place = carried.firstIndex(where: { $0.verdict == verdict }) {
      carried[place].count += 1
    } else if carried.count < Self.mostVerdicts {
      carried.append((verdict, 1))
    } else {
      verdicts[Self.name(verdict), default: 0] += 1
    }
  }

  private mutating func count(_ hit: HitLog.Hit) {
    let (table, entry) = (Int(hit.table), Int(hit.entry))
    while hits.count <= table { hits.append([]) }
    if hits[table].count <= entry { hits[table] += [EntryCount](repeating: EntryCount(), count: entry + 1 - hits[table].count) }
    guard hits[table][entry].packet != packets else { return }
    hits[table][entry].packet = packets
    hits[table][entry].count += 1
  }

  private mutating func count(_ tuple: Tuple?) {
    guard let tuple else { return }
    if !flows.update(tuple, upTo: Self.mostFlows, initial: 0, { $0 += 1 }) { otherFlows += 1 }
  }

  /// Names the rules that carried packets have hit. To be called after the last packet, before the totals are read.
  ///
  /// - Parameter simulator: the host through which the packets were carried.
  public mutating func name(hitsIn simulator: Simulator) {
    for (table, counts) in hits.enumerated() {
      for (entry, counted) in counts.enumerated() where counted.count > 0 {
        add(simulator.step(of: HitLog.Hit(table: Int32(table), entry: Int32(entry))), counted.count)
      }
    }
    for way in ways {
      guard let way else { continue }
      for hit in Set(way.hits.hits) { add(simulator.step(of: hit), way.count) }
      verdicts[Self.name(way.verdict), default: 0] += way.count
    }
    for (verdict, count) in carried { verdicts[Self.name(verdict), default: 0] += count }
    (hits, carried, ways) = ([], [], [])
  }

  private mutating func add(_ step: RuleStep, _ count: Int) {
    guard step.kind != .return else { return }
    rules["\(step.tableTitle) \(step.chain) " + (step.kind == .rule ? "rule \(step.number)" : "policy"), default: 0] += count
  }

  /// The verdict without the rule that gave it.
  private static func name(_ verdict: PacketVerdict) -> String {
    switch verdict {
    case .dropped(let hook, _, _): "dropped at \(hook.name)"
    default: verdict.text
    }
  }

  /// Rows in descending order of their counts.
  private static func rows(_ counts: [String: Int]) -> [(name: String, count: Int)] {
    counts.map { (name: $0.key, count: $0.value) }.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
  }

  /// The packets of each connection, in both directions, by its line without counters.
  private func connections(_ snapshots: [ConnectionSnapshot]) -> [String: Int] {
    var counts: [String: Int] = [:]
    var left = Dictionary(flows.flows.map { ($0.tuple, $0.value) }, uniquingKeysWith: +)
    // Only in different zones do connections have the same tuple: the lowest zone then has all packets, in whatever order they are listed.
    for snapshot in snapshots.contains(where: { $0.zone.id != 0 }) ? snapshots.sorted(by: { $0.zone.id < $1.zone.id }) : snapshots {
      let count = (left.removeValue(forKey: snapshot.original) ?? 0) + (left.removeValue(forKey: snapshot.reply) ?? 0)
      let tuple = snapshot.original
      let state = snapshot.state.map { " \($0)" } ?? ""
      if count > 0 { counts["\(tuple)\(state)", default: 0] += count }
    }
    let rest = left.values.reduce(otherFlows, +)
    if rest > 0 { counts["no connection at the end"] = rest }
    return counts
  }

  private func sections(_ snapshots: [ConnectionSnapshot]) -> [(title: String, rows: [(name: String, count: Int)])] {
    [
      ("verdicts", Self.rows(verdicts)), ("rules", Self.rows(rules)), ("connections", Self.rows(connections(snapshots))),
    ]
  }

  /// The totals as text.
  ///
  /// - Parameter connections: those of the host at the end.
  public func text(_ connections: [ConnectionSnapshot]) -> String {
    var text = "\(packets) packet\(packets == 1 ? "" : "s")\n"
    for section in sections(connections) where !section.rows.isEmpty {
      text += "\(section.title)\n"
      for row in section.rows {
        let count = "\(row.count)"
        text += String(repeating: " ", count: max(8 - count.utf8.count, 1)) + "\(count)  \(row.name)\n"
      }
    }
    return text
  }

  /// The totals as JSON.
  public func json(_ connections: [ConnectionSnapshot]) -> JSONValue {
    var members: JSONObject = ["packets": .integer(packets)]
    for section in sections(connections) {
      members[section.title] = .array(section.rows.map { ["name": .string($0.name), "packets": .integer($0.count)] })
    }
    return .object(members)
  }
}

extension Packet {
  /// The addresses and ports; nil without ports, for a later fragment or a truncated packet.
  public var portTuple: Tuple? {
    guard let source, let destination, let at = transport, at.proto.hasPorts, at.fragmentOffset == 0,
      let from = bytes.uint16(at: at.offset), let to = bytes.uint16(at: at.offset &+ 2)
    else { return nil }
    return Tuple(proto: at.proto, source: source, sourceID: from, destination: destination, destinationID: to)
  }
}
