import ArgumentParser
import Diagnostics
import Documents
import Kernel
import Linter
import Policies
import Syntax
import Wire
import XTables

struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Decides the controls of a standard for rulesets, by packets that are run through them.",
    discussion: """
      A control passes if every packet that it names gets the verdict that it must get; it fails with the first packet that does not, and with the rule \
      that decided. What packets cannot decide is `manual', with what a person must look at; a control for a family without a ruleset is `undecided'. \
      The profiles are data: --show-profile prints a built-in one as a file to start from, and --profile FILE reads one.

      EXIT STATUS
        0  no control fails
        1  a control fails
        2  bad input

      EXAMPLES
        ferrule audit --profile cis rules.v4 rules.v6
        ss -tuln > listening.txt
        ferrule audit --profile cis --listening listening.txt rules.v4 rules.v6
        ferrule audit --profile pci --format html rules.v4 > pci.html
        ferrule audit --format jsonl hosts/*/rules.v4 hosts/*/rules.v6
        ferrule audit --show-profile cis > my-profile.yaml
        ferrule audit --profile my-profile.yaml rules.v4
      """)

  @OptionGroup var families: FamilyOptions

  @Argument(
    help:
      "The rulesets of one host: at most one of each family; - means standard input. With --format jsonl of many hosts, also folders and patterns: rules.v6 belongs to the rules.v4 beside it.",
    completion: .file())
  var files: [String] = []

  @OptionGroup var fleet: FleetOptions

  @Option(
    help: "The controls: \(AuditProfileFile.names.joined(separator: ", ")), or a file.", completion: .file(extensions: ["yaml", "yml"]))
  var profile = "cis"

  @Option(help: "Print this built-in profile and exit.")
  var showProfile: String?

  @Option(help: "The listening sockets: what `ss -tuln' printed.", completion: .file())
  var listening: String?

  @Option(help: "The host: a YAML file with its interfaces and sockets.", completion: .file(extensions: ["yaml", "yml"]))
  var host: String?

  @Option(help: "The policy, for the roles of interfaces; by default the nearest .ferrule.yml.", completion: .file())
  var config: String?

  @Option(help: "The output format.")
  var format = AuditFormat.text

  @OptionGroup var colours: ColourOptions

  func run() throws {
    if let showProfile {
      guard let text = AuditProfileFile.text(named: showProfile) else {
        throw CommandFailure("there is no profile `\(showProfile)'; the profiles are \(AuditProfileFile.names.joined(separator: ", "))")
      }
      return try Console.printData(Array(text.utf8))
    }
    let profile = try readProfile()
    let (_, listeners) = try ListeningInput.read(host: host, listening: listening, colours.colour)
    var search = try PolicySearch(config: config, colours.colour)
    if format == .jsonl { return try answer(profile, listeners, &search) }
    var files = files
    try fleet.each { files += $0 }
    if files.isEmpty { files = ["-"] }
    let subjects = try subjects(files, &search)
    let audit = Audit(profile, of: subjects, listeners: listeners)
    switch format {
    case .text: try Console.print(audit.text)
    case .json, .jsonl: try Console.print(audit.json)
    case .sarif: try Console.print(audit.sarif(subjects.map(\.file), version: Ferrule.configuration.version))
    case .html: try Console.print(audit.page(of: files.joined(separator: ", ")))
    }
    if audit.count(.fail) > 0 { throw ExitStatus.findings.code }
  }

  /// A line for each host, as it is read.
  private func answer(_ profile: AuditProfile, _ listeners: [Exposure.Listener]?, _ search: inout PolicySearch) throws {
    var worst = ExitStatus.fine
    func audit(_ host: [String], _ search: inout PolicySearch) throws {
      try FleetOptions.answer("audit", host, &worst) {
        let audit = Audit(profile, of: try subjects(host, &search), listeners: listeners)
        return (JSONValue(encoding: audit.document), audit.count(.fail) > 0 ? .findings : .fine)
      }
    }
    let inputs = LintInputs(files.isEmpty && fleet.filesFrom == nil ? ["-"] : files)
    for path in inputs.empty { throw CommandFailure("\(path): there is no ruleset in it") }
    let named = inputs.paths
    let later = Set(named)
    let partners = Dictionary(
      named.compactMap { path in LintRun.counterpart(of: path).flatMap { later.contains($0) ? ($0, path) : nil } }
    ) { first, _ in first }
    let partnered = Set(partners.values)
    for (index, path) in named.enumerated() where !partnered.contains(path) {
      if named.count > 20 { Console.progress("\(index + 1) of \(named.count): \(path)") }
      try audit([path] + [partners[path]].compactMap { $0 }, &search)
    }
    if named.count > 20 { Console.progress("") }
    try fleet.each { try audit($0, &search) }
    try worst.leave()
  }

  private func subjects(_ files: [String], _ search: inout PolicySearch) throws -> [Audit.Subject] {
    var subjects: [Audit.Subject] = []
    for path in files {
      let parsed = try RulesetInput.sound(try RulesetInput.parse(path, families, for: .reading), colours.colour)
      guard !subjects.contains(where: { $0.ruleset.family == parsed.ruleset.family }) else {
        throw CommandFailure(
          "\(path): there is another \(parsed.ruleset.family == .ipv4 ? "IPv4" : "IPv6") ruleset; give one of each family")
      }
      let settings = try search.policy(for: path, parsed.ruleset.family).policy.settings
      subjects.append(Audit.Subject(parsed.ruleset, in: parsed.file, settings: settings))
    }
    return subjects
  }

  private func readProfile() throws -> AuditProfile {
    let source =
      try AuditProfileFile.text(named: profile).map { SourceFile(name: "profile \(profile)", bytes: Array($0.utf8)) }
      ?? RulesetInput.source(profile, upTo: Limits.documentBytes)
    do throws(PolicyError) {
      return try AuditProfileFile.read(source)
    } catch {
      Console.report([error.diagnostic], in: error.file, colours.colour)
      throw ExitStatus.badInput.code
    }
  }
}

/// The formats of an audit's report.
enum AuditFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, jsonl, sarif, html
}
