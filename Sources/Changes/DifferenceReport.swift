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

/// What two rulesets do differently, as `ferrule diff` prints it: `{"result": …, "regions": […]}`.
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
    let witness: String
    let family: String
    let before: Side
    let after: Side
    /// The rules that acted on the packet, on both sides.
    let rules: [Rule]
  }

  /// A raw value of `RulesetComparison.Result`: the worst of the families.
  public private(set) var result = RulesetComparison.Result.equal.rawValue
  private(set) var regions: [Region] = []
  private var isQuiet = false

  /// Creates a report without differences.
  public init() {}

  private enum CodingKeys: String, CodingKey { case result, regions }

  /// Adds the comparison of one family.
  ///
  /// - Parameters:
  ///   - names: how the sides are called.
  ///   - isQuiet: true if only the answer is printed.
  public mutating func add(
    _ comparison: RulesetComparison, _ before: ComparedRules, _ after: ComparedRules, names: (before: String, after: String), isQuiet: Bool
  ) {
    self.isQuiet = isQuiet
    let family = before.ruleset.family == .ipv4 ? "ipv4" : "ipv6"
    for region in comparison.regions {
      guard let line = region.witness.line else { continue }
      let rules = Self.rules(region.before, before, names.before) + Self.rules(region.after, after, names.after)
      regions.append(
        Region(
          witness: line, family: family, before: Self.side(region.before, before), after: Self.side(region.after, after), rules: rules))
    }
    let order = ["equal", "undecided", "different"]
    result = order[max(order.firstIndex(of: result) ?? 0, order.firstIndex(of: comparison.result.rawValue) ?? 0)]
  }

  private static func side(_ walk: RulesetWalk, _ side: ComparedRules) -> Side {
    let rule = walk.table.flatMap { table in walk.place.flatMap { place in side.ruleset[table: table].map { $0[place] } } }
    let line = rule?.source.map { side.file.position(of: $0.range.lowerBound).line }
    return Side(
      verdict: walk.verdict.rawValue, table: walk.table?.rawValue, line: line,
      rule: line.map { text($0, side) } ?? walk.table.map { _ in "-P" })
  }

  private static func rules(_ walk: RulesetWalk, _ side: ComparedRules, _ name: String) -> [Rule] {
    walk.rules.compactMap { entry in
      guard let rule = side.ruleset[table: entry.table].map({ $0[entry.place] }) else { return nil }
      let line = rule.source.map { side.file.position(of: $0.range.lowerBound).line }
      return Rule(file: name, line: line, table: entry.table.rawValue, text: line.map { text($0, side) } ?? "")
    }
  }

  private static func text(_ line: Int, _ side: ComparedRules) -> String { String(decoding: side.file.line(line), as: UTF8.self) }

  /// The answer as text: a line for the result, then each region.
  public var text: TerminalText {
    var lines: [TerminalText] = ["\(result)"]
    for region in isQuiet ? [] : regions {
      lines.append("")
      lines.append("\(region.witness)")
      for (name, side) in [("before", region.before), ("after", region.after)] {
        let place: TerminalText = side.line.map { "line \($0): \(side.rule ?? "")" } ?? (side.table == nil ? "no rule" : "the policy")
        lines.append("  \(name): \(side.verdict)\(side.table.map { " in table \($0)" } ?? ""), \(place)")
      }
    }
    return lines.reduce("") { "\($0)\($1)\n" }
  }
}
