import ArgumentParser
import Diagnostics
import Kernel
import Linter
import Syntax
import SystemNames
import XTables

struct FormatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fmt", abstract: "Formats rulesets in the form of iptables-save.",
    discussion: """
      Writes chains and rules as iptables-save 1.8.9 prints them after a restore. Keeps comments and blank lines. Some rules cannot \
      be restored from what iptables-save prints for them; these are written in the closest form that can, and a note reports it. \
      Before anything is written, the result is parsed again and must be the same ruleset as the file.

      EXIT STATUS
        0  success
        1  with --check: a file is not formatted
        2  a file has errors; it was not formatted

      EXAMPLES
        ferrule fmt rules.v4
        ferrule fmt --write rules.v4 rules.v6
        ferrule fmt --check rules.v4
      """)

  @OptionGroup var families: FamilyOptions

  @Argument(help: "Rulesets in the format of iptables-save; - means standard input.", completion: .file())
  var files = ["-"]

  @Flag(name: .shortAndLong, help: "Replace each file by its formatted form. By default the result goes to standard output.")
  var write = false

  @Flag(help: "Change nothing; print only the names of the files that are not formatted.")
  var check = false

  @OptionGroup var colours: ColourOptions

  func run() throws {
    var status = ExitStatus.fine
    for path in files {
      let parsed = try RulesetInput.parse(path, families, for: .reading)
      Console.report(parsed.diagnostics, in: parsed.file, colours.colour)
      guard !parsed.hasErrors else {
        status = .badInput
        continue
      }
      if parsed.ruleset.tables.isEmpty { throw RulesetInput.empty(parsed.file.name) }
      let formatter = RulesetFormatter(parser: RulesetInput.parser(path, families, for: .reading), formatter: Formatter(names: .offline))
      let formatted: [UInt8]
      do throws(RulesetFormatter.Failure) {
        let result = try formatter.format(parsed)
        Console.report(result.notes, in: parsed.file, colours.colour)
        formatted = result.bytes
      } catch {
        try ProcessStream.error.write("\(path): \(error.message); the file is unchanged\n")
        status = .badInput
        continue
      }
      let isChanged = formatted != parsed.file.bytes
      if check {
        guard isChanged else { continue }
        try Console.print("\(parsed.file.name)\n")
        if status == .fine { status = .findings }
      } else if write, path != "-" {
        if isChanged { try HostFile.replace(path, with: formatted) }
      } else {
        try Console.printData(formatted)
      }
    }
    try status.leave()
  }
}
