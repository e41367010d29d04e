import Conntrack
public import Diagnostics
public import Documents
public import Evaluator
import Netfilter
public import Notation
public import Wire
import XTables

/// The result of `ferrule run` for one packet. Packets, frames, connections and expectations have the shape of the lab's protocol; `path` adds the
/// rules with their places.
public struct RunReport: Sendable {
  private var members: JSONObject

  /// Creates the result.
  ///
  /// - Parameters:
  ///   - packet: the packet as the user wrote it.
  ///   - expected: the expected verdict, if there is one.
  ///   - unasked: returns the tables that a packet did not pass.
  ///   - file: returns the file with the rules of a family, for line numbers.
  public init(
    _ packet: String, _ report: PathReport, expected: VerdictPattern?, unasked: (PacketReport) -> [UnaskedTable] = { _ in [] },
    file: (Family) -> SourceFile?
  ) {
    members = ["packet": .string(packet)]
    members.members += LabVerdict(report.verdict).members.members
    members["because"] = .string(report.verdict.text)
    if let expected {
      members["expected"] = .string(expected.description)
      members["isExpected"] = .bool(expected.holds(for: report))
    }
    members["packets"] = .array(report.packets.map { Self.packet($0, unasked($0), file($0.family)) })
    members["egress"] = .array(
      report.departures.map {
        LabEgress(interface: $0.interface, destination: $0.destination.octets, packet: $0.packet.bytes).json
      })
    if let error = report.error { members["errno"] = .string(error.rawValue) }
  }

  /// Adds a member.
  public mutating func add(_ name: String, _ value: JSONValue) { members[name] = value }

  /// Adds the host's connections and expectations after the packet.
  public mutating func add(connectionsOf simulator: Simulator) {
    members["connections"] = Self.connections(of: simulator)
    members["expectations"] = Self.expectations(of: simulator)
  }

  /// The host's connections in the shape of the lab's protocol.
  public static func connections(of simulator: Simulator) -> JSONValue { .array(simulator.connections().map { LabConnection($0).json }) }

  /// The host's expectations in the shape of the lab's protocol.
  public static func expectations(of simulator: Simulator) -> JSONValue { .array(simulator.expectations().map { LabExpectation($0).json }) }

  /// The result as JSON.
  public var json: JSONValue { .object(members) }

  private static func packet(_ report: PacketReport, _ unasked: [UnaskedTable], _ source: SourceFile?) -> JSONValue {
    guard case .object(var packet) = LabPacket(report, tracing: true).json else { return .null }
    packet["because"] = .string(report.verdict.text)
    if let tracking = report.tracking {
      packet["ctstate"] = .string(tracking.state)
      if let reason = tracking.invalidity { packet["invalid"] = .string(reason) }
    }
    packet["path"] = .array(report.passages.map { hop($0, source) })
    packet["log"] = .array(report.logs.map { .string($0.description) })
    packet["notes"] = .array(report.notes.map { .string($0) })
    packet["unasked"] = .array(unasked.map { ["table": .string($0.table.rawValue), "reason": .string($0.reason)] })
    return .object(packet)
  }

  private static func hop(_ passage: HookPassage, _ source: SourceFile?) -> JSONValue {
    [
      "hook": .string(passage.hook.name), "in": JSONValue(passage.input), "out": JSONValue(passage.output),
      "operations": .array(
        passage.operations.map { operation in
          [
            "name": .string(operation.name), "outcome": .string(operation.outcome),
            "steps": .array(operation.steps.map { step($0, source) }),
          ]
        }),
    ]
  }

  private static func step(_ step: RuleStep, _ source: SourceFile?) -> JSONValue {
    var members: JSONObject = [
      "table": .string(step.tableTitle), "chain": .string(step.chain), "kind": .string(step.kind.rawValue),
      "number": .integer(step.number), "action": .string(step.action),
    ]
    if let place = step.source, let source {
      members["file"] = .string(source.name)
      members["line"] = .integer(source.position(of: Int(place.lowerBound)).line)
    }
    return .object(members)
  }
}
