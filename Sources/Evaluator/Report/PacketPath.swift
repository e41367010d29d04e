import Netfilter
import XTables

/// The hooks with their operations, for `ferrule path`.
public struct PacketPath: Encodable, Sendable {
  /// An operation at a hook.
  public struct Row: Encodable, Sendable {
    /// The operation's name, such as `filter` or `conntrack`.
    public let name: String
    /// The operation's priority; operations run in ascending order.
    public let priority: Int32
    let does: String
  }

  /// A hook with its operations.
  public struct Stage: Encodable, Sendable {
    /// The hook's name, such as `PREROUTING`.
    public let hook: String
    /// The operations in the order in which they run.
    public let operations: [Row]
  }

  /// The hooks from PREROUTING to POSTROUTING.
  public let stages: [Stage]

  /// Creates the description for a host with all tables and connection tracking in use.
  public init() {
    stages = Hook.allCases.map { hook in
      let tables = TableName.allCases.filter { $0.hooks.contains(hook) }.map { table in
        Row(name: table.rawValue, priority: HookPriority.of(table, at: hook), does: Self.purpose(table, hook))
      }
      return Stage(hook: hook.name, operations: (tables + Self.services(hook)).sorted { $0.priority < $1.priority })
    }
  }

  private static func services(_ hook: Hook) -> [Row] {
    switch hook {
    case .prerouting, .output:
      [
        Row(name: "defrag", priority: HookPriority.defragmentation, does: "puts fragments together, where conntrack or a rule needs it"),
        Row(name: "conntrack", priority: HookPriority.conntrack, does: "finds the packet's connection, or begins one"),
      ]
    case .input, .postrouting:
      [Row(name: "confirm", priority: HookPriority.confirm, does: "lets helpers read, and enters a new connection into the table")]
    case .forward: []
    }
  }

  private static func purpose(_ table: TableName, _ hook: Hook) -> String {
    switch table {
    case .raw: "rules before tracking: CT, NOTRACK"
    case .mangle: hook == .output ? "rules that change packets; the route is looked up anew" : "rules that change packets"
    case .nat:
      switch hook {
      case .prerouting, .output: "the destination, for the first packet of a connection: DNAT, REDIRECT"
      default: "the source, for the first packet of a connection: SNAT, MASQUERADE"
      }
    case .filter: "rules that let packets pass or not"
    case .security: "rules of mandatory access control"
    }
  }

  /// A drawing of the hooks, then a listing of each hook's operations.
  public var text: String {
    let width = stages.flatMap(\.operations).map(\.name.count).max() ?? 0
    let listings = stages.map { stage in
      stage.operations.map { row in
        let priority = row.priority == .max ? "last" : String(row.priority)
        return "  " + String(repeating: " ", count: 4 - min(4, priority.count)) + priority + "  " + row.name
          + String(repeating: " ", count: width - row.name.count) + "  " + row.does
      }.reduce(stage.hook) { $0 + "\n" + $1 } + "\n"
    }
    return Self.drawing + "\n" + listings.joined(separator: "\n")
  }

  private static let drawing = """
    The way of a packet, and at each hook what looks at it, in the order of priority.

      arrives ──▶ PREROUTING ──▶ routing ──▶ FORWARD ──▶ POSTROUTING ──▶ leaves
                                    │                         ▲
                                    ▼                         │
                                  INPUT                     OUTPUT ◀── routing
                                    │                                    ▲
                                    ▼                                    │
                                 a process of this host ─────────────────┘

    IPv4 and IPv6 have the same hooks, tables and priorities. A fragment of IPv4 for this host is put together before INPUT, one of IPv6
    behind it; packets that the host answers with begin at OUTPUT, and those to itself come back from POSTROUTING to PREROUTING.
    Tracking and reassembly are there only when some rule needs them; without them a nat table sees no packet.

    """
}
