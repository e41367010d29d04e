import Analysis
import ArgumentParser
import Changes
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
      equal rules. Regions come worst first: what only B accepts, what only A accepts, other differences. The words after the verdicts \
      name the packets of the region as the table sees them (= exactly these; ~ these are all among them); the packet below is as it arrives. \
      Then follow the rules that were removed (-), added (+) and moved (>), and with --counters those whose counters differ (#). If neither equality nor a difference is proved, the answer is `undecided'.

      EXIT STATUS
        0 equal, 1 different or undecided, 2 bad input, 3 the kernel refused

      EXAMPLES
        ferrule diff old.v4 new.v4
        sudo ferrule diff live rules.v4
        ferrule diff --equivalent rules.v4 tidied.v4
        ferrule diff --format json old.v4 new.v4
        ferrule diff --format jsonl a/old.v4 a/new.v4 b/old.v4 b/new.v4
      """)

  @OptionGroup var families: FamilyOptions

  @Argument(help: "The first ruleset: a file, a snapshot, or live.", completion: .file())
  var before: String

  @Argument(help: "The second ruleset.", completion: .file())
  var after: String

  @Argument(help: "Further pairs of rulesets, with --format jsonl.", completion: .file())
  var more: [String] = []

  @Flag(help: "Print only the answer: equal, different or undecided.")
  var equivalent = false

  @Flag(help: "Print also the rules whose counters differ.")
  var counters = false

  @Option(help: "The output format. jsonl: one JSON object per pair and line (Grammar/results.schema.json).")
  var format = DifferenceFormat.text

  @OptionGroup var access: AccessOptions
  @OptionGroup var backend: BackendOptions
  @OptionGroup var colours: ColourOptions

  func validate() throws {
    if !more.isEmpty, format != .jsonl { throw ValidationError("More than one pair of rulesets needs --format jsonl.") }
    if !more.count.isMultiple(of: 2) { throw ValidationError("\(more[more.count - 1]) has no ruleset to compare it with.") }
  }

  func run() throws {
    guard format == .jsonl else {
      let report = try report(before, after)
      if format == .json { try Console.print(JSONText.encode(report)) } else { try Console.print(report.text) }
      return try Self.status(report).leave()
    }
    let names = [before, after] + more
    var worst = ExitStatus.fine
    for index in stride(from: 0, to: names.count, by: 2) {
      try FleetOptions.answer("diff", [names[index], names[index + 1]], &worst) {
        let report = try report(names[index], names[index + 1])
        return (JSONValue(encoding: report), Self.status(report))
      }
    }
    try worst.leave()
  }

  private static func status(_ report: DifferenceReport) -> ExitStatus {
    report.result == RulesetComparison.Result.equal.rawValue ? .fine : .findings
  }

  private func report(_ before: String, _ after: String) throws -> DifferenceReport {
    let (one, other) = (try side(before), try side(after))
    let common = [Family.ipv4, .ipv6].filter { one[$0] != nil && other[$0] != nil }
    guard !common.isEmpty else {
      throw CommandFailure("\(before) and \(after) are of different families: say which with -4 or -6.")
    }
    var report = DifferenceReport()
    let waiting = WaitingLine()
    for family in common {
      guard let left = one[family], let right = other[family] else { continue }
      let comparison = waiting.during("comparing \(before) with \(after)") { RulesetComparison(left.ruleset, right.ruleset) }
      report.add(comparison, left, right, names: (before, after), isQuiet: equivalent, showsCounters: counters)
    }
    return report
  }

  /// The rulesets of one side, by family.
  private func side(_ path: String) throws -> [Family: ComparedRules] {
    if path == "live" {
      var sides: [Family: ComparedRules] = [:]
      let kernel = try backend.chosen()
      for family in [Family.ipv4, .ipv6] where !(families.isIPv4 && family == .ipv6) && !(families.isIPv6 && family == .ipv4) {
        let text = try KernelRules(family, kernel).text(counters: true)
        let source = SourceFile(name: family == .ipv4 ? "live IPv4 rules" : "live IPv6 rules", bytes: text)
        let parsed = RulesetParser(registry: .installed, names: .offline, family: family).parse(source)
        sides[family] = ComparedRules(try RulesetInput.sound(parsed, colours.colour).ruleset, source)
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
      return Dictionary(uniqueKeysWithValues: snapshot.rulesets.map { ($0.family, ComparedRules($0.ruleset, $0.file)) })
    }
    let parsed = RulesetInput.parser(path, families, for: .reading).parse(source)
    return [parsed.ruleset.family: ComparedRules(try RulesetInput.sound(parsed, colours.colour).ruleset, source)]
  }
}

/// The output formats of `diff`.
enum DifferenceFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, jsonl
}
