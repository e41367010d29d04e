public import Analysis
public import Diagnostics
import Netfilter
import Wire
public import XTables

/// A ruleset with the text that it was read from.
public struct ComparedRules: Sendable {
  /// The rules, with their places in the text.
  public let ruleset: Ruleset
  /// The text.
  public let file: SourceFile

  /// Creates a side of a comparison.
  public init(_ ruleset: Ruleset, _ file: SourceFile) {
    self.ruleset = ruleset
    self.file = file
  }
}

/// What two rulesets do differently, as `ferrule diff` prints it: `{"result": …, "regions": […], "changes": […]}`.
public struct DifferenceReport: Encodable, Sendable {
  struct Rule: Encodable, Sendable {
    let file: String
    let line: Int?
    let table: String
    let text: String
  }

  struct Side: Encodable, Sendable {
    let verdict: String
    let table: String?
    let line: Int?
    /// The rule that decided; `-P` for a policy.
    let rule: String?
  }

  struct Region: Encodable, Sendable {
    /// The packets in the words of a question; empty for all of them.
    let packets: String
    /// Whether the words name no other packets.
    let isExact: Bool
    let witness: String
    /// Whether the witness is a packet as it arrives, which earlier tables turn into one of these packets.
    let isRewritten: Bool
    let family: String
    let before: Side
    let after: Side
    /// The rules that acted on the packet, on both sides.
    let rules: [Rule]
  }

  /// A rule in which the files differ.
  struct Change: Encodable, Sendable {
    /// added, removed, moved, counted (other counters), or policy.
    let kind: String
    let family: String
    let table: String
    let chain: String
    let before: Place?
    let after: Place?
  }

  struct Place: Encodable, Sendable {
    let line: Int?
    let text: String
    let packets: UInt64
    let bytes: UInt64
  }

  /// A raw value of `RulesetComparison.Result`: the worst of the families.
  public private(set) var result = RulesetComparison.Result.equal.rawValue
  private(set) var regions: [Region] = []
  private(set) var changes: [Change] = []
  private var isQuiet = false
  private var showsCounters = false

  /// Creates a report without differences.
  public init() {}

  private enum CodingKeys: String, CodingKey { case result, regions, changes }

  /// Adds the comparison of one family.
  ///
  /// - Parameters:
  ///   - names: how the sides are called.
  ///   - isQuiet: true if only the answer is printed.
  ///   - listsChanges: false if the caller lists the changed rules itself.
  ///   - showsCounters: true if rules that differ only in their counters are printed too.
  public mutating func add(
    _ comparison: RulesetComparison, _ before: ComparedRules, _ after: ComparedRules, names: (before: String, after: String), isQuiet: Bool,
    showsCounters: Bool = false, listsChanges: Bool = true
  ) {
    self.isQuiet = isQuiet
    self.showsCounters = showsCounters
    let family = before.ruleset.family == .ipv4 ? "ipv4" : "ipv6"
    for region in comparison.regions {
      guard let line = region.witness.line else { continue }
      // Where both sides give the same verdict, the rules that act on the packet are the difference.
      let acting = region.before.verdict == region.after.verdict ? Self.differing(region, before, after) : nil
      let rules = Self.rules(region.before, before, names.before) + Self.rules(region.after, after, names.after)
      regions.append(
        Region(
          packets: region.packets.text, isExact: region.packets.isExact, witness: line, isRewritten: region.isRewritten, family: family,
          before: Self.side(region.before, before, acting.map { (region.table, $0.before) }),
          after: Self.side(region.after, after, acting.map { (region.table, $0.after) }), rules: rules))
    }
    changes += (listsChanges ? comparison.changes : []).map { change in
      Change(
        kind: change.kind.rawValue, family: family, table: change.table.rawValue, chain: change.chain,
        before: change.before.flatMap { Self.place(change.table, $0, before) },
        after: change.after.flatMap { Self.place(change.table, $0, after) })
    }
    let order = ["equal", "undecided", "different"]
    result = order[max(order.firstIndex(of: result) ?? 0, order.firstIndex(of: comparison.result.rawValue) ?? 0)]
  }

  /// The first rules of the region's table that act on the packet and are not the same on both sides; nil if all are.
  private static func differing(
    _ region: RulesetComparison.Region, _ before: ComparedRules, _ after: ComparedRules
  ) -> (before: RulePosition?, after: RulePosition?)? {
    func places(_ walk: RulesetWalk) -> [RulePosition] { walk.rules.filter { $0.table == region.table }.map(\.place) }
    func rule(_ place: RulePosition, _ side: ComparedRules) -> XTables.Rule? { side.ruleset[table: region.table].map { $0[place] } }
    let (one, other) = (places(region.before), places(region.after))
    for index in 0..<max(one.count, other.count) {
      let (left, right) = (index < one.count ? one[index] : nil, index < other.count ? other[index] : nil)
      if let left = left.flatMap({ rule($0, before) }), let right = right.flatMap({ rule($0, after) }), left.isSame(as: right) { continue }
      return (left, right)
    }
    return nil
  }

  /// What a side does.
  ///
  /// - Parameter acting: the rule that is named, or the policy of its table; nil for the one that decides.
  private static func side(_ walk: RulesetWalk, _ side: ComparedRules, _ acting: (table: TableName, place: RulePosition?)?) -> Side {
    let name = acting?.table ?? walk.table
    let place = acting == nil ? walk.place : acting?.place
    let rule = name.flatMap { table in place.flatMap { place in side.ruleset[table: table].map { $0[place] } } }
    let line = rule?.source.map { side.file.position(of: $0.range.lowerBound).line }
    return Side(
      verdict: walk.verdict.rawValue, table: name?.rawValue, line: line, rule: line.map { text($0, side) } ?? name.map { _ in "-P" })
  }

  private static func rules(_ walk: RulesetWalk, _ side: ComparedRules, _ name: String) -> [Rule] {
    walk.rules.compactMap { entry in
      guard let rule = side.ruleset[table: entry.table].map({ $0[entry.place] }) else { return nil }
      let line = rule.source.map { side.file.position(of: $0.range.lowerBound).line }
      return Rule(file: name, line: line, table: entry.table.rawValue, text: line.map { text($0, side) } ?? "")
    }
  }

  private static func place(_ table: TableName, _ place: RulePosition, _ side: ComparedRules) -> Place? {
    guard let rule = side.ruleset[table: table].map({ $0[place] }) else { return nil }
    let line = rule.source.map { side.file.position(of: $0.range.lowerBound).line }
    return Place(line: line, text: line.map { text($0, side) } ?? "", packets: rule.counters.packets, bytes: rule.counters.bytes)
  }

  private static func text(_ line: Int, _ side: ComparedRules) -> String { String(decoding: side.file.line(line), as: UTF8.self) }

  /// The answer as text: a line for the result, then each region.
  public var text: TerminalText {
    var lines: [TerminalText] = ["\(result)"]
    for region in isQuiet ? [] : regions {
      lines.append("")
      lines.append(
        "\(region.before.verdict) -> \(region.after.verdict) \(region.isExact ? "=" : "~") \(region.packets.isEmpty ? "any packet" : region.packets)"
      )
      lines.append("  \(region.witness)\(region.isRewritten ? " (as it arrives: earlier tables change it)" : "")")
      for (name, side) in [("before", region.before), ("after", region.after)] {
        let place: TerminalText = side.line.map { "line \($0): \(side.rule ?? "")" } ?? (side.table == nil ? "no rule" : "the policy")
        lines.append("  \(name): \(side.verdict)\(side.table.map { " in table \($0)" } ?? ""), \(place)")
      }
    }
    let shown = isQuiet ? [] : changes.filter { showsCounters || $0.kind != RuleChange.Kind.counted.rawValue }
    if !shown.isEmpty { lines.append("") }
    lines += shown.map(Self.line)
    return lines.reduce(into: "") { $0 += "\($1)\n" }
  }

  /// A change as a line: a sign, the table, the lines in both files, and the rule.
  private static func line(_ change: Change) -> TerminalText {
    let lines = [change.before?.line, change.after?.line].compactMap { $0.map { "\($0)" } }.joined(separator: " to ")
    let text = change.before?.text ?? change.after?.text ?? ""
    switch RuleChange.Kind(rawValue: change.kind) {
    case .added: return "+ \(change.table) line \(lines): \(text)"
    case .removed: return "- \(change.table) line \(lines): \(text)"
    case .moved: return "> \(change.table) line \(lines): \(text)"
    case .policy: return "! \(change.table) \(change.chain): another policy"
    case .counted, nil:
      let counts = [change.before, change.after].compactMap { $0 }.map { "\($0.packets):\($0.bytes)" }.joined(separator: " to ")
      return "# \(change.table) line \(lines), \(counts): \(text)"
    }
  }
}
