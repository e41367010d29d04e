public import ArgumentParser
import Diagnostics
import Extensions
import Kernel
public import Linter
import Syntax

struct LintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint", abstract: "Finds mistakes in rulesets.",
    discussion: """
      Reports what iptables-restore would refuse, what the kernel would refuse, and what both take but is probably wrong. \
      A comment line `# ferrule:ignore FE002' silences a warning for the line below it, `# ferrule:ignore-file FE002' for the file.

      EXIT STATUS
        0 no findings, or notes only, 1 warnings only, 2 errors: the file would be refused

      EXAMPLES
        ferrule lint /etc/iptables/rules.v4
        iptables-save | ferrule lint -
        ferrule lint --fix rules.v4
        ferrule lint --format sarif *.rules > findings.sarif
        ferrule explain
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions

  @Argument(help: "Files of iptables-save text; - is standard input.", completion: .file())
  var files = ["-"]

  @Flag(help: "Apply the fixes that change no meaning, keeping every other byte. With - the result goes to standard output.")
  var fix = false

  @Option(help: "How to print the findings.")
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
      guard fix else {
        results.append(FileDiagnostics(source, linter.diagnostics(for: parser.parse(source, existing: existing))))
        continue
      }
      let result = RulesetFixer(parser: parser, linter: linter, existing: existing).fix(source)
      fixCount += result.fixCount
      if result.isCutShort { try ProcessStream.error.write("\(path): a fix was left out, because the file would not load with it\n") }
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
