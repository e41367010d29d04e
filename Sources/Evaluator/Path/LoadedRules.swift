import Conntrack
import Netfilter
import Wire
import XTables

/// The loaded tables and the operations at each hook. Immutable: a load creates a new object, so that a packet retains only one reference.
final class LoadedRules {
  let tables: [LoadedTable]
  /// The host's chains beside the tables.
  let others: [OtherChain]
  /// Their rules by index and family; nil where the rules are not known.
  private let otherTables: [(ipv4: LoadedTable?, ipv6: LoadedTable?)]
  /// The connection table, if a rule needs it.
  let conntrack: ConntrackTable?
  /// The number for the next table's first match or target, in the ``ExtensionMemory``. Numbers are not used again.
  let nextSlot: Int
  /// Whether IPv4 packets may take a ``KnownWay``: nothing but reassembly comes before connection tracking, and only tables and translation
  /// behind it.
  let keepsWays: Bool
  /// Whether packets of connections without answers may take one too: translation asks its rules about them.
  let keepsBeginnings: Bool
  /// The operations by family and hook, and below their actions in one array.
  private let rows: [[HookOperation]]
  private let actions: [HookOperation.Action]
  /// The index of the first action of each row, and a final entry for the end.
  private let starts: [Int]

  init(_ tables: [LoadedTable] = [], conntrack: ConntrackTable? = nil, nextSlot: Int = 0, on host: Host) {
    self.tables = tables
    let (others, missing) = (host.otherChains, host.missing)
    self.others = others
    otherTables = others.map { chain in
      func table(_ family: Family) -> LoadedTable? { chain.rules?.program(family).map { LoadedTable($0, indexing: .never) } }
      return (table(.ipv4), table(.ipv6))
    }
    self.conntrack = conntrack
    self.nextSlot = nextSlot
    rows = [.ipv4, .ipv6].flatMap {
      HookOperation.rows(
        of: tables.map(\.program), usesNfTables: host.usesNfTables, others, $0, areMissing: missing.contains(.rules($0)))
    }
    keepsWays = conntrack != nil && Self.keepsWays(rows)
    keepsBeginnings = keepsWays && !rows[..<5].joined().contains { if case .translate = $0.action { true } else { false } }
    actions = rows.joined().map(\.action)
    starts = rows.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
  }

  /// - Parameter rows: the operations of IPv4 by hook.
  private static func keepsWays(_ rows: [[HookOperation]]) -> Bool {
    let arrival = rows[Hook.prerouting.rawValue]
    guard let tracking = arrival.firstIndex(where: { if case .track = $0.action { true } else { false } }) else { return false }
    let isFirst = arrival[..<tracking].allSatisfy { if case .defragment = $0.action { true } else { false } }
    let rest = arrival[(tracking + 1)...] + rows[Hook.forward.rawValue] + rows[Hook.postrouting.rawValue]
    return isFirst
      && rest.allSatisfy {
        switch $0.action {
        case .table, .translate, .confirm: true
        case .defragment, .track, .synproxy, .rulesMissing, .mangleOutput, .other: false
        }
      }
  }

  @inline(__always)
  private func row(_ hook: Hook, _ family: Family) -> Int { (family == .ipv4 ? 0 : 5) &+ hook.rawValue }

  /// The rules of a chain beside the tables; nil if they are not known.
  func otherTable(_ number: Int, _ family: Family) -> LoadedTable? {
    family == .ipv4 ? otherTables[number].ipv4 : otherTables[number].ipv6
  }

  /// The operations at a hook, in order.
  func operations(at hook: Hook, _ family: Family) -> [HookOperation] { rows[row(hook, family)] }

  /// The action of the operation at an index of a hook; nil after the last.
  @inline(__always)
  func action(_ number: Int, at hook: Hook, _ family: Family) -> HookOperation.Action? {
    let row = row(hook, family)
    return number < starts[row &+ 1] &- starts[row] ? actions[starts[row] &+ number] : nil
  }
}
