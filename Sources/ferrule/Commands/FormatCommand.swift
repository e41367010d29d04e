import ArgumentParser
import Diagnostics
import Kernel
import Linter
import Syntax
import SystemNames

struct FormatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fmt", abstract: "Writes rulesets in iptables-save's form.",
    discussion: """
      Chains and rules come out as iptables-save 1.8.9 would print them after a restore; comments and blank lines stay. \
      Where iptables-save prints what is not read back as the same rule, the nearest form that is comes out, and a note says so. \
      The result is read back and compared with the file before anything is written.

      EXIT STATUS
        0 done, 1 with --check a file is not in that form, 2 the file would be refused

      EXAMPLES
        ferrule fmt rules.v4
        ferrule fmt --write rules.v4 rules.v6
        ferrule fmt --check rules.v4
      """)

  @OptionGroup var families: FamilyOptions

  @Argument(help: "Files of iptables-save text; - is standard input.", completion: .file())
  var files = ["-"]

  @Flag(name: .shortAndLong, help: "Write the result back to each file.")
  var write = false

  @Flag(help: "Print nothing but the names of the files that are not in this form.")
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
      let formatter = RulesetFormatter(parser: RulesetInput.parser(path, families, for: .reading), formatter: Formatter(names: .offline))
      let formatted: [UInt8]
      do throws(RulesetFormatter.Failure) {
        let result = try formatter.format(parsed)
        Console.report(result.notes, in: parsed.file, colours.colour)
        formatted = result.bytes
      } catch {
        try ProcessStream.error.write("\(path): \(error.message); it is left as it is\n")
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
