import Analysis
import ArgumentParser
import Changes
import Diagnostics
import Documents
import Evaluator
import Explorer
import Kernel
import Linter
import Suites
import Syntax
import SystemNames
import XTables

/// The rulesets and the host of `explore` and `serve`.
struct ExplorerOptions: ParsableArguments, WorldArguments {
  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions
  @OptionGroup var hosts: HostOptions
  @OptionGroup var world: WorldOptions

  @Argument(
    help:
      "Rulesets in the format of iptables-save, at most one of each family; - means standard input. If --host is a snapshot with rules, none is needed.",
    completion: .file())
  var files: [String] = []

  @Option(
    help: "The rules before a change: the page shows which packets they treat otherwise. The option can be repeated, once for each family.",
    completion: .file())
  var before: [String] = []

  @Option(name: .customLong("packets"), help: "A file of packets, one per line; - means standard input.", completion: .file())
  var packetFiles: [String] = []

  @Option(help: "A packet, as for `ferrule run'; the option can be repeated.")
  var packet: [String] = []

  @Option(
    help:
      "The connections that exist before the first packet: a file with the output of `conntrack -L' or a copy of /proc/net/nf_conntrack.",
    completion: .file())
  var conntrackFrom: String?

  @Flag(help: "Deliver packets for this host to its sockets and simulate its replies. By default the host does not reply.")
  var stack = false

  @OptionGroup var policies: PolicyOptions
  @OptionGroup var output: ColourOptions

  var arguments: [String] { Array(files.prefix(1)) }
  var also: [String] { Array(files.dropFirst()) }
}

/// The content of the page, and what runs its packets.
struct ExplorerWorld {
  let subjects: [ExplorerSubject]
  let traces: ExplorerTraces
  /// What strangers reach, and what differs from the rules before.
  let reports: ExplorerPage.Reports
  /// The packets of the command line.
  let packets: [UInt8]

  init(_ options: ExplorerOptions) throws {
    let cache = InputCache()
    guard try !options.files.isEmpty || options.hosts.isSnapshot(cache) else {
      throw CommandFailure("Give a ruleset file, or a snapshot with rules by --host.")
    }
    let world = try RunWorld(options, hasFile: !options.files.isEmpty, arrivals: [], cache)
    guard world.rulesets.count >= options.files.count else {
      throw CommandFailure("two rulesets are of the same family; give one of each, and the family of a file by its name or header")
    }
    var search = try options.policies.search(options.output.colour)
    var exposures: [Exposure] = []
    subjects = try world.rulesets.map { loaded in
      let policy = try search.policy(for: loaded.file.name, loaded.family)
      let linter = Linter(registry: .installed, settings: options.policies.settings(over: policy.policy), baseline: policy.baseline)
      let parser = RulesetParser(registry: .installed, names: loaded.names, family: loaded.family, isForReading: true)
      // The rules of a snapshot are a text within it.
      let isFile = !options.files.isEmpty
      let file = isFile ? loaded.file : SourceFile(name: loaded.file.name, bytes: Array(loaded.text.utf8))
      let parsed = parser.parse(file)
      let ruleset = isFile ? loaded.ruleset : parsed.ruleset
      exposures.append(Exposure(ruleset, in: file, settings: options.policies.settings(over: policy.policy)))
      return ExplorerSubject(ruleset, in: file, findings: linter.diagnostics(for: parsed), names: loaded.names)
    }
    reports = .init(
      exposure: JSONValue(encoding: Exposure(joining: exposures)),
      changes: try Self.changes(options, subjects).map { JSONValue(encoding: $0) })
    let isFirst = FirstTime()
    traces = ExplorerTraces(of: subjects) { arrivals in
      var arriving = world
      arriving.arrivals = arrivals
      return try arriving.simulator(isFirst: isFirst.take())
    }
    var packets = options.packet.map { Array($0.utf8) }
    for path in options.packetFiles { packets.append(try RulesetInput.source(path, upTo: Limits.documentBytes).bytes) }
    self.packets = Array(packets.joined(separator: [0x0a]))
  }

  /// What differs from the rules of --before; nil without any.
  private static func changes(_ options: ExplorerOptions, _ subjects: [ExplorerSubject]) throws -> DifferenceReport? {
    guard !options.before.isEmpty else { return nil }
    var report = DifferenceReport()
    for path in options.before {
      let parsed = try RulesetInput.sound(try RulesetInput.parse(path, options.families, for: .reading), options.output.colour)
      guard let subject = subjects.first(where: { $0.ruleset.family == parsed.ruleset.family }) else {
        throw CommandFailure("--before \(path): there are no rules of its family to compare it with")
      }
      report.add(
        RulesetComparison(parsed.ruleset, subject.ruleset), ComparedRules(parsed.ruleset, parsed.file),
        ComparedRules(subject.ruleset, subject.file), names: (path, subject.file.name), isQuiet: false)
    }
    return report
  }

  /// The ways of the packets of the command line; without any, those of the packets that show findings.
  func given() throws -> JSONValue {
    let shown = subjects.flatMap { $0.findings.compactMap { $0.evidence?.witness } }
    var known: Set<String> = []
    let text = packets.isEmpty ? Array(shown.filter { known.insert($0).inserted }.prefix(20).joined(separator: "\n").utf8) : packets
    return try text.isEmpty ? ["traces": [], "problems": []] : traces.run(text)
  }
}

/// True once: doubtful inputs are reported for the first simulator only.
private final class FirstTime {
  private var isOver = false

  func take() -> Bool {
    defer { isOver = true }
    return !isOver
  }
}
