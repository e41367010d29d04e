import Analysis
import ArgumentParser
import Diagnostics
import Documents
import Kernel
import Linter
import Snapshots
import Suites
import Syntax
import SystemNames
import Wire
import XTables

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Finds packets that two rulesets treat differently.",
    discussion: """
      A and B are files of iptables-save text, snapshots of `ferrule snapshot', or `live' for the rules of the kernel (needs root). A snapshot \
      and `live' have both families.

      The tables are compared as functions: `equal' is proved for every packet and every state of its connection. Each difference is shown by a \
      packet that was run through the tables of both rulesets. A limit, a list or an unknown match is assumed to decide the same on both sides only for \
      equal rules. If neither equality nor a difference is proved, the answer is `undecided'.

      EXIT STATUS
        0 equal, 1 different or undecided, 2 bad input, 3 the kernel refused

      EXAMPLES
        ferrule diff old.v4 new.v4
        sudo ferrule diff live rules.v4
        ferrule diff --equivalent rules.v4 tidied.v4
        ferrule diff --format json old.v4 new.v4
      """)

  @OptionGroup var families: FamilyOptions

  @Argument(help: "The first ruleset: a file, a snapshot, or live.", completion: .file())
  var before: String

  @Argument(help: "The second ruleset.", completion: .file())
  var after: String

  @Flag(help: "Print only the answer: equal, different or undecided.")
  var equivalent = false

  @Option(help: "The output format.")
  var format = OutputFormat.text

  @OptionGroup var access: AccessOptions
  @OptionGroup var backend: BackendOptions
  @OptionGroup var colours: ColourOptions

  func run() throws {
    let (one, other) = (try side(before), try side(after))
    let common = [Family.ipv4, .ipv6].filter { one[$0] != nil && other[$0] != nil }
    guard !common.isEmpty else {
      throw CommandFailure("\(before) and \(after) are of different families: say which with -4 or -6.")
    }
    var report = DiffReport()
    for family in common {
      guard let left = one[family], let right = other[family] else { continue }
      report.add(RulesetComparison(left.ruleset, right.ruleset), left, right, names: (before, after), isQuiet: equivalent)
    }
    switch format {
    case .json: try Console.print(JSONText.encode(report))
    case .text: try Console.print(report.text)
    }
    if report.result != RulesetComparison.Result.equal.rawValue { throw ExitStatus.findings.code }
  }

  /// The rulesets of one side, by family.
  private func side(_ path: String) throws -> [Family: DiffSide] {
    if path == "live" {
      var sides: [Family: DiffSide] = [:]
      let inventory = RuleInventory.ofThisNamespace
      let backend = try backend.choose(inventory)
      for family in [Family.ipv4, .ipv6] where !(families.isIPv4 && family == .ipv6) && !(families.isIPv6 && family == .ipv4) {
        let text = try KernelRules(family, backend, inventory).text(counters: true)
        let source = SourceFile(name: family == .ipv4 ? "live IPv4 rules" : "live IPv6 rules", bytes: text)
        let parsed = RulesetParser(registry: .installed, names: .offline, family: family).parse(source)
        sides[family] = DiffSide(ruleset: try RulesetInput.sound(parsed, colours.colour).ruleset, file: source)
      }
      return sides
    }
    let source = try RulesetInput.source(path)
    if SnapshotFile.isOne(source) {
      let snapshot: SnapshotFile
      do throws(ScenarioFileError) {
        snapshot = try SnapshotFile(source, registry: .installed, names: .system, loader: access.loader(besides: path))
      } catch {
        Console.report([error.diagnostic], in: error.shown(source), colours.colour)
        throw ExitStatus.badInput.code
      }
      return Dictionary(uniqueKeysWithValues: snapshot.rulesets.map { ($0.family, DiffSide(ruleset: $0.ruleset, file: $0.file)) })
    }
    let parsed = RulesetInput.parser(path, families, for: .reading).parse(source)
    return [parsed.ruleset.family: DiffSide(ruleset: try RulesetInput.sound(parsed, colours.colour).ruleset, file: source)]
  }
}

/// A ruleset with the text that it was read from.
struct DiffSide {
  let ruleset: Ruleset
  let file: SourceFile
}

/// The answer of `ferrule diff`: `{"result": …, "regions": […]}`.
struct DiffReport: Encodable {
  struct Rule: Encodable {
    let file: String
    let line: Int?
    let table: String
    let text: String
  }

  struct Side: Encodable {
    let verdict: String
    let table: String?
    let line: Int?
    /// The rule that decided; `-P` for a policy.
    let rule: String?
  }

  struct Region: Encodable {
    let witness: String
    let family: String
    let before: Side
    let after: Side
    /// The rules that acted on the packet, on both sides.
    let rules: [Rule]
  }

  private(set) var result = RulesetComparison.Result.equal.rawValue
  private(set) var regions: [Region] = []
  private var isQuiet = false

  private enum CodingKeys: String, CodingKey { case result, regions }

  mutating func add(
    _ comparison: RulesetComparison, _ before: DiffSide, _ after: DiffSide, names: (before: String, after: String), isQuiet: Bool
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

  private static func side(_ walk: RulesetWalk, _ side: DiffSide) -> Side {
    let rule = walk.table.flatMap { table in walk.place.flatMap { place in side.ruleset[table: table].map { $0[place] } } }
    let line = rule?.source.map { side.file.position(of: $0.range.lowerBound).line }
    return Side(
      verdict: walk.verdict.rawValue, table: walk.table?.rawValue, line: line,
      rule: line.map { text($0, side) } ?? walk.table.map { _ in "-P" })
  }

  private static func rules(_ walk: RulesetWalk, _ side: DiffSide, _ name: String) -> [Rule] {
    walk.rules.compactMap { entry in
      guard let rule = side.ruleset[table: entry.table].map({ $0[entry.place] }) else { return nil }
      let line = rule.source.map { side.file.position(of: $0.range.lowerBound).line }
      return Rule(file: name, line: line, table: entry.table.rawValue, text: line.map { text($0, side) } ?? "")
    }
  }

  private static func text(_ line: Int, _ side: DiffSide) -> String { String(decoding: side.file.line(line), as: UTF8.self) }

  /// The answer as text: a line for the result, then each region.
  var text: TerminalText {
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
