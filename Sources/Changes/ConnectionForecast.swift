import Conntrack
import Diagnostics
public import Evaluator
import Netfilter
import Notation
import Syntax
import SystemNames
public import Wire
public import XTables

/// What becomes of a tracked connection under other rules.
public struct ConnectionForecast: Encodable, Sendable {
  /// Whether packets of the connection pass.
  public enum Fate: String, Encodable, Sendable {
    case survives, cut, undecided
  }
  /// The connection: `tcp 10.0.0.9:40000 > 10.0.0.1:22`.
  public let connection: String
  /// Whether the packets of both directions pass.
  public let fate: Fate
  /// The rule that decides, such as `filter INPUT rule 3: -A INPUT …`; nil if no rule does.
  public let decider: String?
  /// Whether a new connection of the same kind would pass.
  public let reopening: Fate
  /// The command that ends a connection which lives on although it could not be opened again; nil for others.
  public let remedy: String?
  /// True for the connection of the user's own session.
  public let isSession: Bool
}

/// The two ends of the connection by which the user is logged in.
public struct SessionEnds: Sendable, Equatable {
  /// The address and port of the user's machine.
  public let client: (address: IPAddress, port: UInt16)
  /// The address and port of this machine.
  public let server: (address: IPAddress, port: UInt16)

  /// Reads `SSH_CONNECTION`: the client's address and port, then the server's. Nil for other text.
  public init?(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count == 4, let client = IPAddress(String(words[0])), let port = UInt16(words[1]), let server = IPAddress(String(words[2])),
      let own = UInt16(words[3]), client.family == server.family
    else { return nil }
    (self.client, self.server) = ((client, port), (server, own))
  }

  /// Whether both ends are the same.
  public static func == (one: SessionEnds, other: SessionEnds) -> Bool { one.client == other.client && one.server == other.server }

  fileprivate var tuple: Tuple? {
    Tuple(proto: .tcp, source: client.address, sourceID: client.port, destination: server.address, destinationID: server.port)
  }
}

/// Predicts what becomes of connections: their packets are run through the new rules, on this host, with the connections that it tracks.
public struct ConnectionForecaster {
  private let tracking: Simulator
  private let fresh: Simulator
  private let rulesets: [Family: Ruleset]

  /// - Parameters:
  ///   - tracking: the host with the new rules, and the connections that are tracked now.
  ///   - fresh: the same host without connections.
  ///   - rulesets: the new rules.
  public init(tracking: Simulator, fresh: Simulator, rulesets: [Ruleset]) {
    (self.tracking, self.fresh) = (tracking, fresh)
    self.rulesets = Dictionary(rulesets.map { ($0.family, $0) }) { $1 }
  }

  /// The forecasts of the live TCP and UDP connections, and of the session, also if it is not tracked. A session that does not end at this host
  /// is ignored.
  public func forecasts(of session: SessionEnds?) -> [ConnectionForecast] {
    // A process in another network namespace than the one of the session inherits the name of the session too.
    let own = session.flatMap { tracking.host.addressType($0.server.address, on: nil) == .local ? $0.tuple : nil }
    var found: [ConnectionForecast] = []
    for connection in tracking.connections() where Self.isLive(connection) {
      found.append(forecast(connection.original, connection.reply, isTracked: true, isSession: connection.original == own))
    }
    if let own, !found.contains(where: \.isSession), let reply = own.inverted() {
      found.append(forecast(own, reply, isTracked: false, isSession: true))
    }
    return found
  }

  private static func isLive(_ connection: ConnectionSnapshot) -> Bool {
    switch connection.original.proto {
    case .tcp: ["ESTABLISHED", "SYN_SENT", "SYN_RECV", "CLOSE_WAIT", "FIN_WAIT"].contains(connection.state ?? "")
    case .udp: true
    default: false
    }
  }

  private func forecast(_ original: Tuple, _ reply: Tuple, isTracked: Bool, isSession: Bool) -> ConnectionForecast {
    let there = play(original, flags: "A", in: tracking)
    let back = play(reply, flags: "A", in: tracking)
    let begin = play(original, flags: "S", in: fresh)
    let fate: ConnectionForecast.Fate =
      there.fate == .cut || back.fate == .cut ? .cut : there.fate == .survives && back.fate == .survives ? .survives : .undecided
    let decider = (there.fate != .survives ? there : back.fate != .survives ? back : there).decider
    let remedy = fate == .survives && begin.fate == .cut && isTracked ? Self.deletion(original) : nil
    return ConnectionForecast(
      connection: Self.text(original), fate: fate, decider: decider, reopening: begin.fate, remedy: remedy, isSession: isSession)
  }

  /// `conntrack -D` with the original tuple.
  private static func deletion(_ tuple: Tuple) -> String {
    let family = tuple.family == .ipv6 ? " -f ipv6" : ""
    return
      "conntrack -D\(family) -p \(tuple.proto) -s \(tuple.source) -d \(tuple.destination) --sport \(tuple.sourceID) --dport \(tuple.destinationID)"
  }

  private static func end(_ address: IPAddress, _ port: UInt16) -> String {
    address.family == .ipv6 ? "[\(address)]:\(port)" : "\(address):\(port)"
  }

  private static func text(_ tuple: Tuple) -> String {
    "\(tuple.proto) \(end(tuple.source, tuple.sourceID)) > \(end(tuple.destination, tuple.destinationID))"
  }

  /// Runs one packet of a direction. It comes from this host if the source is an address of it, else by the interface to the source.
  private func play(_ tuple: Tuple, flags: String, in simulator: Simulator) -> (fate: ConnectionForecast.Fate, decider: String?) {
    let place: String
    if simulator.host.addressType(tuple.source, on: nil) == .local {
      place = "local"
    } else if let output = simulator.host.outputRoute(Flow(to: tuple.source))?.output {
      place = output.name
    } else {
      return (.undecided, nil)
    }
    let text = "\(place) \(Self.text(tuple))\(tuple.proto == .tcp ? " \(flags)" : "")"
    guard let line = PacketNotation.read(SourceFile(name: "connection", bytes: Array(text.utf8))).lines.first else {
      return (.undecided, nil)
    }
    var runner = PacketRunner(simulator, assumesDefaults: false)
    guard let report = try? runner.play(line.step) else { return (.undecided, nil) }
    return (Self.fate(report.verdict), decider(of: report, tuple.family))
  }

  private static func fate(_ verdict: PacketVerdict) -> ConnectionForecast.Fate {
    switch verdict {
    case .sent, .delivered: .survives
    case .dropped: .cut
    case .lost, .queued, .absorbed, .refused, .unknown: .undecided
    }
  }

  /// The last rule or policy that the packet met.
  private func decider(of report: PathReport, _ family: Family) -> String? {
    guard let step = report.packets.first?.steps.last(where: { $0.kind != .return }) else { return nil }
    let place = "\(step.tableTitle) \(step.chain)"
    if step.owner != nil { return step.kind == .rule ? "\(place) rule \(step.number): \(step.action)" : "\(place) policy" }
    guard step.kind == .rule, let ruleset = rulesets[family], let rules = ruleset[table: step.table]?[chain: step.chain]?.rules,
      rules.indices.contains(step.number - 1)
    else { return "\(place) policy" }
    let line = RulePrinter(family: family, names: .offline).line(rules[step.number - 1], chain: step.chain)
    return "\(place) rule \(step.number): \(String(decoding: line, as: UTF8.self))"
  }
}
