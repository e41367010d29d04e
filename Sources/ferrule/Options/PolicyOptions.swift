import ArgumentParser
import Diagnostics
import Kernel
import Linter
import Policies
import Syntax
import SystemNames
import Wire
import XTables

/// What to report, and what is known of the network: `.ferrule.yml` and the options that go before it.
struct PolicyOptions: ParsableArguments {
  @Option(
    help:
      "Report only findings of these checks: codes, beginnings of codes such as FE07, ids, or groups such as safety, separated by commas.")
  var select: [String] = []

  @Option(help: "Do not report findings of these checks.")
  var ignore: [String] = []

  @Option(help: "The least severity with which the exit status is 1: error, warning, note or never.")
  var failOn: String?

  @Option(
    help:
      "The policy; by default the file .ferrule.yml in the folder of each ruleset or the nearest one above it that has it.",
    completion: .file())
  var config: String?

  @Flag(help: "Read no .ferrule.yml.")
  var noConfig = false

  @Option(help: "Do not report the findings in this file, which --write-baseline has written.", completion: .file())
  var baseline: String?

  @Option(
    help: ArgumentHelp(
      "The distribution for which the rulesets are meant: \(LintTarget.names.joined(separator: ", ")).",
      valueName: "name"))
  var target: String?

  @Option(help: "The version of iptables for which the rulesets are meant, such as 1.8.11.")
  var tool: String?

  func validate() throws {
    if config != nil, noConfig { throw ValidationError("--config and --no-config exclude each other.") }
    for name in (select + ignore).flatMap(Self.names) where !LintSettings.isSelector(name) {
      throw ValidationError("There is no check `\(name)'; `ferrule explain' lists codes, ids and groups.")
    }
    if let failOn, failOn != "never", Severity(rawValue: failOn) == nil {
      throw ValidationError("--fail-on \(failOn): the severities are error, warning, note and never.")
    }
    if let target, LintTarget(named: target) == nil {
      throw ValidationError("--target \(target): the targets are \(LintTarget.names.joined(separator: ", ")).")
    }
    if let tool, ProgramVersion(tool) == nil { throw ValidationError("--tool \(tool): expected a version such as 1.8.11.") }
  }

  private static func names(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }

  /// The search for policies with these options.
  func search(_ colour: ColourChoice) throws -> PolicySearch {
    try PolicySearch(config: config, isOff: noConfig, baseline: baseline, colour)
  }

  /// The settings of a policy with these options.
  func settings(over policy: PolicyFile) -> LintSettings {
    var settings = policy.settings
    if !select.isEmpty { settings.select = select.flatMap(Self.names) }
    settings.ignore += ignore.flatMap(Self.names)
    if let failOn { settings.failOn = Severity(rawValue: failOn) }
    if let named = target.flatMap({ LintTarget(named: $0) }) { settings.target = named }
    if let version = tool.flatMap({ ProgramVersion($0) }) { settings.target.tool = version }
    return settings
  }
}

/// The policies of the rulesets of one command, each read once.
struct PolicySearch {
  /// A policy with what its file names.
  struct Found {
    let policy: PolicyFile
    let base: Ruleset?
    let baseline: Baseline
  }

  private let config: String?
  private let isOff: Bool
  private let colour: ColourChoice
  private let given: Baseline?
  private var byFolder: [String: Found] = [:]
  /// The greatest number of folders above that of a ruleset that are searched.
  private static let highest = 64

  /// - Parameters:
  ///   - config: the policy of all rulesets; nil to search for it.
  ///   - isOff: whether no policy is read.
  ///   - baseline: the baseline of all rulesets; nil for those that policies name.
  init(config: String?, isOff: Bool = false, baseline: String? = nil, _ colour: ColourChoice) throws {
    (self.config, self.isOff, self.colour) = (config, isOff, colour)
    given = try baseline.map { path in
      try Self.understanding(try RulesetInput.source(path, upTo: Limits.documentBytes), colour) { (file) throws(PolicyError) in
        try BaselineFile.read(file)
      }
    }
  }

  /// The policy for a ruleset.
  ///
  /// - Parameter family: the family of the ruleset, for the rules under it.
  mutating func policy(for path: String, _ family: Family) throws -> Found {
    let folder = Self.folder(of: path)
    let key = "\(folder)\0\(family == .ipv6)"
    if let known = byFolder[key] { return known }
    let found = try read(folder, family)
    byFolder[key] = found
    return found
  }

  private func read(_ folder: String, _ family: Family) throws -> Found {
    guard !isOff, let path = config ?? Self.search(from: folder) else {
      return Found(policy: PolicyFile(), base: nil, baseline: given ?? Baseline())
    }
    let source = try RulesetInput.source(path, upTo: Limits.documentBytes)
    let policy = try Self.understanding(source, colour) { (file) throws(PolicyError) in try PolicyFile(file) }
    let home = Self.folder(of: path)
    let access = FolderAccess(besides: path)
    func named(_ name: String) throws -> SourceFile {
      let place = name.hasPrefix("/") ? name : home + "/" + name
      return SourceFile(name: place, bytes: try access.bytes(place))
    }
    let base = try policy.base.map { name in
      let parser = RulesetParser(registry: .installed, names: .offline, family: family, isForReading: true)
      return try RulesetInput.sound(parser.parse(try named(name)), colour).ruleset.withoutSources
    }
    var baseline = given ?? Baseline()
    if given == nil, let name = policy.baseline {
      baseline = try Self.understanding(try named(name), colour) { (file) throws(PolicyError) in try BaselineFile.read(file) }
    }
    return Found(policy: policy, base: base, baseline: baseline)
  }

  private static func folder(of path: String) -> String {
    guard path != "-", let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The nearest policy, from a folder upwards.
  private static func search(from folder: String) -> String? {
    var place = folder
    for _ in 0..<highest {
      let candidate = place + "/" + PolicyFile.name
      if HostFile.exists(candidate) { return candidate }
      let above = place + "/.."
      // The root is its own parent.
      guard let here = HostFile.state(of: place), let next = HostFile.state(of: above), here != next else { return nil }
      place = above
    }
    return nil
  }

  /// Reads a file, or reports the mistake in it and ends the command.
  private static func understanding<Value>(
    _ source: SourceFile, _ colour: ColourChoice, _ read: (SourceFile) throws(PolicyError) -> Value
  ) throws -> Value {
    do throws(PolicyError) {
      return try read(source)
    } catch {
      Console.report([error.diagnostic], in: error.file, colour)
      throw ExitStatus.badInput.code
    }
  }
}
