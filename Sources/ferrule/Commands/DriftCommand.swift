import ArgumentParser
import Changes
import Diagnostics
import Glibc
import Kernel
import Linter
import Syntax
import Wire
import XTables

struct DriftCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drift", abstract: "Shows how the loaded rules differ from those of files.",
    discussion: """
      Prints the lines that were added (+), removed (-) or moved (>) since the files were loaded, and packets that are treated differently. \
      Tables that the files do not have are not compared; with --keep, neither are the chains and rules of other programs. Changes nothing. \
      With --watch one line of JSON is printed each time the loaded rules change, until SIGINT or SIGTERM. With nf_tables the kernel says when, \
      and which program changed them (`by'); with ip_tables it says neither, and the rules are read again and again. Needs root.

      EXIT STATUS
        0  the loaded rules are those of the files; with --watch, that of the last comparison
        1  they differ
        2  a file has errors
        3  the kernel's rules cannot be read

      EXAMPLES
        sudo ferrule drift rules.v4 rules.v6
        sudo ferrule drift --keep docker,fail2ban --format json rules.v4
        sudo ferrule drift --watch --metrics /var/lib/ferrule.prom rules.v4
      """)

  @Flag(help: "Compare again whenever the loaded rules change.")
  var watch = false

  @Option(help: "Seconds between two readings of the loaded rules, for --watch with ip_tables.")
  var interval = 2.0

  @Option(help: "Write the number of differing lines of each table to this file, in the text format of Prometheus.", completion: .file())
  var metrics: String?

  @Option(help: "The output format.")
  var format = OutputFormat.text

  @OptionGroup var backend: BackendOptions
  @OptionGroup var owners: OwnerOptions
  @OptionGroup var families: FamilyOptions
  @OptionGroup var colours: ColourOptions

  @Argument(help: "The rules that should be loaded, of one family or both.", completion: .file())
  var files: [String]

  func validate() throws {
    guard interval >= 0.1, interval <= 86_400 else { throw ValidationError("--interval must be from 0.1 to 86400 seconds.") }
  }

  func run() throws {
    let rules = try NewRules(
      files, families, base: { _ in nil }, kept: nil, live: { Ruleset($0) }, colours.colour
    ).rules.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)
    let kept = try owners.kept(colours.colour)
    let kernel = try backend.chosen()
    var drift = try compare(rules, kept, kernel)
    if watch {
      var watch = try RulesWatch(kernel, rules.map(\.parsed.ruleset), interval: interval)
      try Console.print(JSONText.line(drift))
      while let authors = try watch.next() {
        drift = try compare(rules, kept, try kernel.reread())
        try Console.print(JSONText.line(WatchedDrift(authors, drift)))
      }
    } else {
      switch format {
      case .json: try Console.print(JSONText.encode(drift))
      case .text: try Console.print(drift.text)
      }
    }
    if !drift.isNone { try ExitStatus.findings.leave() }
  }

  private func compare(_ rules: [ParsedRules], _ kept: ChainOwners?, _ kernel: ChosenBackend) throws -> Drift {
    var drift = Drift()
    for file in rules {
      drift.add(file.rules, try ParsedRules.live(file.parsed.ruleset.family, kernel, colours.colour).rules, ignoring: kept)
    }
    if let metrics {
      let tables = rules.flatMap { rules in rules.parsed.ruleset.tables.map { (rules.parsed.ruleset.family, $0.name) } }
      try HostFile.write(Array(drift.metrics(tables).utf8), to: metrics)
    }
    return drift
  }
}
