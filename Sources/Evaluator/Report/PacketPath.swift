import Netfilter
import XTables

/// The hooks with their operations, for `ferrule explain packet-path`.
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
        Row(name: "defrag", priority: HookPriority.defragmentation, does: "reassembles fragments, if conntrack or a rule needs it"),
        Row(name: "conntrack", priority: HookPriority.conntrack, does: "finds the packet's connection or creates one"),
      ]
    case .input, .postrouting:
      [Row(name: "confirm", priority: HookPriority.confirm, does: "runs helpers and adds a new connection to the connection table")]
    case .forward: []
    }
  }

  private static func purpose(_ table: TableName, _ hook: Hook) -> String {
    switch table {
    case .raw: "rules that run before connection tracking: CT, NOTRACK"
    case .mangle: hook == .output ? "rules that change packets; afterwards the route is looked up again" : "rules that change packets"
    case .nat:
      switch hook {
      case .prerouting, .output: "rules that choose the new destination for the first packet of a connection: DNAT, REDIRECT"
      default: "rules that choose the new source for the first packet of a connection: SNAT, MASQUERADE"
      }
    case .filter: "rules that accept or drop packets"
    case .security: "rules for mandatory access control, such as SELinux marks"
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
    The path of a packet through the hooks. Below it, the operations of each hook with their priorities, in the order in which they run.

      arrives ──▶ PREROUTING ──▶ routing ──▶ FORWARD ──▶ POSTROUTING ──▶ leaves
                                    │                         ▲
                                    ▼                         │
                                  INPUT                     OUTPUT ◀── routing
                                    │                                    ▲
                                    ▼                                    │
                                 a process of this host ─────────────────┘

    IPv4 and IPv6 have the same hooks, tables and priorities. Fragments for this host are reassembled before INPUT (IPv4) or after
    INPUT (IPv6). Replies of this host start at OUTPUT. Packets from this host to itself continue from POSTROUTING to PREROUTING.
    Connection tracking and reassembly are active only if a rule needs them; without tracking, no packet passes the nat table.

    """
}
