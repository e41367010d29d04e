import ArgumentParser
import Diagnostics
import Documents
import Extensions
import Kernel
import Linter
import Policies
import Syntax
import Wire
import XTables

struct LintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint", abstract: "Finds mistakes in rulesets.",
    discussion: """
      Reports errors for which iptables-restore or the kernel would refuse the file, and warnings about rules that are accepted but \
      probably wrong. The comment line `# ferrule:ignore FE002,FE003 reason' suppresses findings of the next line that is not a comment, \
      `# ferrule:ignore-file FE002' those of the whole file, and a rule's remark (-m comment --comment "ferrule:ignore FE071 reason") those of the \
      rule. Errors cannot be suppressed.

      A folder stands for all rulesets in it and below: files named *.rules, *.v4, *.v6, *iptables-save or iptables, also compressed with gzip. \
      If the files of both families of a host are given (rules.v4 and rules.v6), they are compared.

      Rules in chains that Docker, firewalld, ufw or Kubernetes write are reported as notes where they have no effect.

      POLICY
        select: [all]                      # codes, beginnings of codes, ids, groups
        ignore: [FE070, cost]
        severity: {FE071: error, FE077: off}
        per-file: {"lab/*.rules": [safety]}
        management: [192.0.2.0/24]         # networks that must reach port 22
        interfaces: {eth0: external, eth1: internal}
        base: base.rules                   # the rules under --noflush files
        baseline: ferrule-baseline.json
        target: debian13                   # or tool: 1.8.11 and kernel: 6.12
        fail-on: warning

      EXIT STATUS
        0  no findings, or only notes (see --fail-on)
        1  warnings, but no errors
        2  errors: iptables-restore or the kernel would refuse a file, or a file cannot be read

      EXAMPLES
        ferrule lint /etc/iptables/rules.v4 /etc/iptables/rules.v6
        iptables-save | ferrule lint -
        ferrule lint --fix rules.v4
        ferrule lint --write-baseline known.json rulesets/
        ferrule lint --baseline known.json --fail-on note rulesets/
        find /srv/hosts -name 'rules.v?' | \\
          ferrule lint --format jsonl --files-from -
        ferrule lint --ignore FE050,cost --format sarif *.rules > findings.sarif
        ferrule explain
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions

  @Argument(help: "Rulesets in the format of iptables-save, folders, or patterns; - means standard input.", completion: .file())
  var files: [String] = []

  @OptionGroup var fleet: FleetOptions

  @Flag(
    help:
      "Apply all fixes that are proved not to change what the ruleset does. Replaces the file; for - writes to standard output.")
  var fix = false

  @Flag(help: "Apply also fixes that are not proved.")
  var unsafeFixes = false

  @OptionGroup var policies: PolicyOptions

  @Option(help: "Write the findings to this file, which --baseline reads, and exit with status 0.", completion: .file())
  var writeBaseline: String?

  @Option(help: "The output format. jsonl: one JSON object per file and line, as each file is read (Grammar/results.schema.json).")
  var format = LintFormat.text

  @OptionGroup var colours: ColourOptions

  /// The arguments; standard input if nothing names a file.
  private var named: [String] { files.isEmpty && fleet.filesFrom == nil ? ["-"] : files }

  func run() throws {
    let inputs = LintInputs(named)
    var run = LintRun(command: self, search: try policies.search(colours.colour), paths: inputs.paths)
    for path in inputs.empty { try run.fail(path, "\(path): there is no ruleset in it") }
    for (index, path) in inputs.paths.enumerated() {
      if inputs.paths.count > 20 { Console.progress("\(index + 1) of \(inputs.paths.count): \(path)") }
      try run.lint(path)
    }
    if inputs.paths.count > 20 { Console.progress("") }
    try fleet.each { names in
      for path in names { try run.lint(path) }
    }
    if let writeBaseline {
      var baseline = Baseline()
      for result in run.results { baseline.add(result) }
      try HostFile.write(Array(baseline.text.utf8), to: writeBaseline)
      if run.isFailed { throw ExitStatus.badInput.code }
      return
    }
    try report(run)
  }

  private func report(_ run: LintRun) throws {
    guard let format = format.report else { return try run.worst.leave() }
    // With `--fix -` the fixed text goes to standard output and the findings go to standard error.
    let stream: ProcessStream = fix && named.contains("-") ? .error : .output
    let text = format.render(run.results, coloured: colours.colour.isOn(for: stream), version: Ferrule.configuration.version)
    try stream.write(text)
    if format == .text { try stream.write(ReportSummary.line(run.results, fixCount: run.fixCount)) }
    if run.isFailed { throw ExitStatus.badInput.code }
    try ReportSummary.status(run.results, failing: run.failing).leave()
  }
}

/// The files of one `ferrule lint`, and what is found in them.
struct LintRun {
  let command: LintCommand
  var search: PolicySearch
  let paths: [String]
  private let waiting = WaitingLine()
  private(set) var results: [FileDiagnostics] = []
  private(set) var fixCount = 0
  /// Whether a file could not be read.
  private(set) var isFailed = false
  /// Whether a finding is as severe as its policy's `fail-on`.
  private(set) var failing = false
  /// The worst exit status of a file, for `--format jsonl`, which keeps no results.
  private(set) var worst = ExitStatus.fine

  init(command: LintCommand, search: PolicySearch, paths: [String]) {
    self.command = command
    self.search = search
    self.paths = paths
  }

  mutating func fail(_ path: String, _ message: TerminalText) throws {
    Console.complain(message)
    isFailed = true
    guard command.format == .jsonl else { return }
    try tell(ResultLine(command: "lint", files: [path], exit: ExitStatus.badInput.rawValue, error: message.string), .badInput)
  }

  private mutating func tell(_ line: ResultLine, _ status: ExitStatus) throws {
    try Console.print(line.text)
    if status.rawValue > worst.rawValue { worst = status }
  }

  /// Lints a file. One that cannot be read is reported, and the others are still linted.
  mutating func lint(_ path: String) throws {
    do {
      try read(path)
    } catch let failure as CommandFailure {
      try fail(path, failure.message)
    } catch let error as KernelError {
      guard error.exitStatus == .badInput else { throw error }
      try fail(path, "\(error)")
    }
  }

  private mutating func read(_ path: String) throws {
    let source = try RulesetInput.source(path)
    let family = command.families.family(of: path, text: source.bytes)
    let found = try search.policy(for: path, family)
    let keepsExisting = command.base.keepsExisting || found.base != nil
    let parser = RulesetInput.parser(path, command.families, for: .reading, keepsExisting: keepsExisting, text: source.bytes)
    let existing = try command.base.ruleset(command.families, beside: path, command.colours.colour) ?? found.base
    let settings = command.policies.settings(over: found.policy)
    let linter = Linter(registry: .installed, settings: settings, baseline: found.baseline, counterpart: counterpart(of: path, family))
    let parsed = parser.parse(source, existing: existing)
    if parsed.ruleset.tables.isEmpty, parsed.diagnostics.isEmpty { throw RulesetInput.empty(source.name) }
    guard command.fix || command.unsafeFixes else {
      let outcome = waiting.during("linting \(path)") { linter.outcome(for: parsed) }
      return try add(FileDiagnostics(source, outcome.diagnostics, suppressed: outcome.suppressed), settings)
    }
    guard !path.hasSuffix(".gz") else { throw CommandFailure("\(path): a compressed file cannot be fixed") }
    let fixer = RulesetFixer(parser: parser, linter: linter, existing: existing, appliesUnsafe: command.unsafeFixes)
    let result = waiting.during("fixing \(path)") { fixer.fix(source) }
    fixCount += result.fixCount
    if result.isCutShort { try ProcessStream.error.write("\(path): some fixes were not applied: the file would not load with them\n") }
    if result.unprovedCount > 0 {
      try ProcessStream.error.write(
        "\(path): \(result.unprovedCount) fixes were not applied: it is not proved that they change nothing; --unsafe-fixes applies them\n")
    }
    try add(FileDiagnostics(result.file, result.diagnostics), settings)
    if path == "-" {
      try Console.printData(result.file.bytes)
    } else if result.fixCount > 0 {
      try HostFile.replace(path, with: result.file.bytes)
    }
  }

  private mutating func add(_ result: FileDiagnostics, _ settings: LintSettings) throws {
    var isFailing = false
    if let least = settings.failOn {
      let order = Severity.allCases
      let bound = order.firstIndex(of: least) ?? 0
      isFailing = result.diagnostics.contains { (order.firstIndex(of: $0.severity) ?? 0) <= bound }
    }
    failing = failing || isFailing
    guard command.format == .jsonl, command.writeBaseline == nil else { return results.append(result) }
    let status = ReportSummary.status([result], failing: isFailing)
    let value = JSONValue(encoding: ReportFormat.document([result]))
    try tell(ResultLine(command: "lint", files: [result.file.name], exit: status.rawValue, result: value), status)
  }

  /// The IPv4 ruleset of the same host, if it is among the files.
  private func counterpart(of path: String, _ family: Family) -> Ruleset? {
    guard family == .ipv6, !command.families.isIPv6, let other = Self.counterpart(of: path), paths.contains(other),
      let source = try? RulesetInput.source(other)
    else { return nil }
    let parsed = RulesetInput.parser(other, command.families, for: .reading).parse(source)
    return parsed.hasErrors ? nil : parsed.ruleset
  }

  /// The name of the IPv4 file beside an IPv6 file; nil if the name does not tell.
  static func counterpart(of path: String) -> String? {
    let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    var name = String(path[slash...])
    for (six, four) in [("ip6tables", "iptables"), ("_v6", "_v4"), (".v6", ".v4"), ("-v6", "-v4"), ("rules6", "rules4")] {
      name = name.replacing(six, with: four)
    }
    let other = path[..<slash] + name
    return other == path ? nil : String(other)
  }
}

/// The output formats of `lint`.
enum LintFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, jsonl, github, sarif, junit

  /// The format of a report on all files; nil for one result per file.
  var report: ReportFormat? { ReportFormat(rawValue: rawValue) }
}

/// The last line of a report.
enum ReportSummary {
  static func line(_ results: [FileDiagnostics], fixCount: Int) -> String {
    var parts: [String] = []
    for (severity, word) in [(Severity.error, "error"), (.warning, "warning"), (.note, "note")] {
      let count = results.reduce(0) { $0 + $1.count(severity) }
      if count > 0 { parts.append("\(count) \(word)\(count == 1 ? "" : "s")") }
    }
    let suppressed = results.reduce(0) { $0 + $1.suppressed.count { $0.kind == .external } }
    let found = parts.isEmpty ? "no findings" : parts.joined(separator: ", ")
    let files = results.count == 1 ? "" : " in \(results.count) files"
    let known = suppressed > 0 ? ", \(suppressed) known from the baseline" : ""
    return found + files + known + (fixCount > 0 ? ", \(fixCount) fixed" : "") + "\n"
  }

  static func status(_ results: [FileDiagnostics], failing: Bool) -> ExitStatus {
    if results.contains(where: { $0.count(.error) > 0 }) { return .badInput }
    return failing ? .findings : .fine
  }
}
