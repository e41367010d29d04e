import Diagnostics
import Netfilter
public import Syntax
import Wire
public import XTables

/// What a change does to one line of a ruleset's text.
public struct TextChange: Encodable, Sendable, Equatable {
  /// The kind of change.
  public enum Kind: String, Encodable, Sendable {
    case added, removed
    /// The rule stays in its chain, at another place.
    case moved
    /// A built-in chain gets another policy.
    case policy
    case chainAdded = "chain-added"
    case chainRemoved = "chain-removed"
  }
  /// `ipv4` or `ipv6`.
  public let family: String
  /// The table's name.
  public let table: String
  /// The chain's name.
  public let chain: String
  /// The kind of change.
  public let kind: Kind
  /// The rule as iptables-save prints it; for a policy the new `-P` line, for a chain its name.
  public let text: String
  /// Packets that the line had counted. They are lost with a removed line, and kept otherwise.
  public let packets: UInt64
}

/// The changes of a ruleset's text, chain by chain.
public enum TextChanges {
  /// Compares two rulesets. A table that `after` does not have stays as it is.
  public static func between(_ before: Ruleset, _ after: Ruleset, _ printer: RulePrinter) -> [TextChange] {
    after.tables.flatMap { table in between(before[table: table.name] ?? Table(table.name, table.family), table, printer) }
  }

  private static func between(_ before: Table, _ after: Table, _ printer: RulePrinter) -> [TextChange] {
    let names = before.chainsInSaveOrder.map(\.name) + after.chainsInSaveOrder.map(\.name).filter { before[chain: $0] == nil }
    return names.flatMap { name in
      var found: [TextChange] = []
      func add(_ kind: TextChange.Kind, _ text: String, _ packets: UInt64 = 0) {
        let family = after.family == .ipv4 ? "ipv4" : "ipv6"
        found.append(TextChange(family: family, table: after.name.rawValue, chain: name, kind: kind, text: text, packets: packets))
      }
      let (old, new) = (before[chain: name], after[chain: name])
      if old == nil { add(.chainAdded, name) }
      if let policy = new?.policy, let was = old?.policy, policy != was {
        add(.policy, "-P \(name) \(policy.rawValue)", old?.counters.packets ?? 0)
      }
      func lines(_ chain: Chain?) -> [String] {
        chain?.rules.map { String(decoding: printer.line($0, chain: name), as: UTF8.self) } ?? []
      }
      for change in changes(lines(old), lines(new)) {
        let packets = change.old.flatMap { old?.rules[$0].counters.packets } ?? 0
        add(change.old == nil ? .added : change.new == nil ? .removed : .moved, change.text, packets)
      }
      if new == nil { add(.chainRemoved, name) }
      return found
    }
  }

  /// Changes as text, below a line for each chain.
  static func text(_ changes: [TextChange]) -> TerminalText {
    var lines: [TerminalText] = []
    var place = ""
    for change in changes {
      let here = "\(change.family) \(change.table) \(change.chain)"
      if here != place { lines.append("\(here)") }
      place = here
      let mark =
        switch change.kind {
        case .added, .chainAdded: "+"
        case .removed, .chainRemoved: "-"
        case .moved: ">"
        case .policy: "~"
        }
      let isLost = change.kind == .removed && change.packets > 0
      lines.append("  \(mark) \(change.text)\(isLost ? "  (\(change.packets) packets counted)" : "")")
    }
    return lines.reduce(into: "") { $0 += "\($1)\n" }
  }

  private struct LineChange {
    let text: String
    /// The place in the old lines; nil if the line is new.
    let old: Int?
    /// The place in the new lines; nil if the line is gone.
    let new: Int?
  }

  /// The most lines of one chain between the first and the last difference that are paired as a longest common sequence.
  private static let limit = 20_000

  private static func changes(_ old: [String], _ new: [String]) -> [LineChange] {
    var start = 0
    while start < min(old.count, new.count), old[start] == new[start] { start += 1 }
    var end = 0
    while end < min(old.count, new.count) - start, old[old.count - 1 - end] == new[new.count - 1 - end] { end += 1 }
    let (left, right) = (Array(old[start..<old.count - end]), Array(new[start..<new.count - end]))
    // Lines that the other side does not have at all need no search.
    let common = Set(left).intersection(right)
    var found: [LineChange] = []
    for (place, text) in left.enumerated() where !common.contains(text) {
      found.append(LineChange(text: text, old: start + place, new: nil))
    }
    for (place, text) in right.enumerated() where !common.contains(text) {
      found.append(LineChange(text: text, old: nil, new: start + place))
    }
    let (from, to) = (left.indices.filter { common.contains(left[$0]) }, right.indices.filter { common.contains(right[$0]) })
    guard from.count + to.count <= limit else {
      return found + from.map { LineChange(text: left[$0], old: start + $0, new: start + $0) }
    }
    for change in to.map({ right[$0] }).difference(from: from.map { left[$0] }).inferringMoves() {
      switch change {
      case .remove(let place, let text, nil): found.append(LineChange(text: text, old: start + from[place], new: nil))
      case .insert(let place, let text, let origin):
        found.append(LineChange(text: text, old: origin.map { start + from[$0] }, new: start + to[place]))
      case .remove: continue
      }
    }
    return found.sorted { ($0.new ?? $0.old ?? 0, $0.new == nil ? 0 : 1) < ($1.new ?? $1.old ?? 0, $1.new == nil ? 0 : 1) }
  }
}
