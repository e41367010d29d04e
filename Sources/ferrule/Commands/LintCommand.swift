public import ArgumentParser
import Diagnostics
import Extensions
import Kernel
public import Linter
import Syntax
import XTables

struct LintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint", abstract: "Finds mistakes in rulesets.",
    discussion: """
      Reports errors for which iptables-restore or the kernel would refuse the file, and warnings about rules that are accepted but \
      probably wrong. The comment line `# ferrule:ignore FE002' suppresses FE002 for the next line that is not a comment, \
      `# ferrule:ignore-file FE002' for the whole file. Errors cannot be suppressed.

      EXIT STATUS
        0  no findings, or only notes
        1  warnings, but no errors
        2  errors: iptables-restore or the kernel would refuse the file

      EXAMPLES
        ferrule lint /etc/iptables/rules.v4
        iptables-save | ferrule lint -
        ferrule lint --fix rules.v4
        ferrule lint --format sarif *.rules > findings.sarif
        ferrule explain
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions

  @Argument(help: "Rulesets in the format of iptables-save; - means standard input.", completion: .file())
  var files = ["-"]

  @Flag(help: "Apply all fixes that do not change the meaning of the ruleset. Replaces the file; for - writes to standard output.")
  var fix = false

  @Option(help: "The output format.")
  var format = ReportFormat.text

  @OptionGroup var colours: ColourOptions

  func run() throws {
    var results: [FileDiagnostics] = []
    var fixCount = 0
    for path in files {
      let parser = RulesetInput.parser(path, families, for: .reading, keepsExisting: base.keepsExisting)
      let linter = Linter(registry: .installed)
      let existing = try base.ruleset(families, beside: path, colours.colour)
      let source = try RulesetInput.source(path)
      let parsed = parser.parse(source, existing: existing)
      if parsed.ruleset.tables.isEmpty, parsed.diagnostics.isEmpty { throw RulesetInput.empty(source.name) }
      guard fix else {
        results.append(FileDiagnostics(source, linter.diagnostics(for: parsed)))
        continue
      }
      let result = RulesetFixer(parser: parser, linter: linter, existing: existing).fix(source)
      fixCount += result.fixCount
      if result.isCutShort { try ProcessStream.error.write("\(path): some fixes were not applied: the file would not load with them\n") }
      results.append(FileDiagnostics(result.file, result.diagnostics))
      if path == "-" {
        try Console.printData(result.file.bytes)
      } else if result.fixCount > 0 {
        try HostFile.replace(path, with: result.file.bytes)
      }
    }
    try report(results, fixCount)
  }

  private func report(_ results: [FileDiagnostics], _ fixCount: Int) throws {
    // With `--fix -` the fixed text goes to standard output and the findings go to standard error.
    let stream: ProcessStream = fix && files.contains("-") ? .error : .output
    try stream.write(format.render(results, coloured: colours.colour.isOn(for: stream)))
    if format == .text { try stream.write(ReportSummary.line(results, fixCount: fixCount)) }
    try ReportSummary.status(results).leave()
  }
}

extension ReportFormat: ExpressibleByArgument {}

/// The last line of a report.
enum ReportSummary {
  static func line(_ results: [FileDiagnostics], fixCount: Int) -> String {
    var parts: [String] = []
    for (severity, word) in [(Severity.error, "error"), (.warning, "warning"), (.note, "note")] {
      let count = results.reduce(0) { $0 + $1.count(severity) }
      if count > 0 { parts.append("\(count) \(word)\(count == 1 ? "" : "s")") }
    }
    let found = parts.isEmpty ? "no findings" : parts.joined(separator: ", ")
    let files = results.count == 1 ? "" : " in \(results.count) files"
    return found + files + (fixCount > 0 ? ", \(fixCount) fixed" : "") + "\n"
  }

  static func status(_ results: [FileDiagnostics]) -> ExitStatus {
    if results.contains(where: { $0.count(.error) > 0 }) { return .badInput }
    return results.contains { $0.count(.warning) > 0 } ? .findings : .fine
  }
}
