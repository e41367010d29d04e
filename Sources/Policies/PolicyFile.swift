public import Diagnostics
import Documents
public import Linter

/// The contents of a `.ferrule.yml`: what `ferrule lint` reports in the folder of the file and below, and what is known of the network.
public struct PolicyFile: Sendable {
  /// The name under which the file is searched, from the folder of a ruleset upwards.
  public static let name = ".ferrule.yml"

  /// The settings.
  public private(set) var settings = LintSettings()
  /// The ruleset that is loaded already under files for `iptables-restore --noflush`, relative to the file's folder; nil if there is none.
  public private(set) var base: String?
  /// The baseline, relative to the file's folder; nil if there is none.
  public private(set) var baseline: String?

  /// Creates a policy under which everything is reported.
  public init() {}

  /// Reads a policy.
  ///
  /// - Throws: a diagnostic at the first mistake.
  public init(_ file: SourceFile) throws(PolicyError) {
    do throws(ScenarioFileError) {
      try read(FileObject(FileDocument(file).root(of: .policy), .policy))
    } catch {
      throw PolicyError(error, in: file)
    }
  }

  private mutating func read(_ object: FileObject) throws(ScenarioFileError) {
    settings.select = try object["select"].map { (node) throws(ScenarioFileError) in try Self.selectors(node) }
    if let node = object["ignore"] { settings.ignore = try Self.selectors(node) }
    if let node = object["severity"] {
      for member in try node.members() {
        try Self.check(member.name, at: member.key)
        settings.severities.append((member.name, try Self.severity(member.value, offMeans: "off")))
      }
    }
    if let node = object["per-file"] {
      for member in try node.members() { settings.perFile.append((GlobPattern(member.name), try Self.selectors(member.value))) }
    }
    if let node = object["management"] {
      for element in try node.oneOrMore() {
        guard let network = LintSettings.Network(try element.text()) else {
          throw element.error("expected a network, found \(element.kind)", hint: "write an address and a length, such as 192.0.2.0/24")
        }
        settings.management.append(network)
      }
    }
    if let node = object["interfaces"] {
      for member in try node.members() {
        guard let role = LintSettings.Role(rawValue: try member.value.text()) else {
          throw member.value.error("expected the role of an interface, found \(member.value.kind)", hint: "the roles are " + Self.roles)
        }
        settings.roles.append((member.name, role))
      }
    }
    if let node = object["target"] {
      let name = try node.text()
      guard let target = LintTarget(named: name) else {
        throw node.error("the target `\(name)' is not known", hint: "the targets are " + LintTarget.names.joined(separator: ", "))
      }
      settings.target = target
    }
    if let node = object["tool"] { settings.target.tool = try Self.version(node) }
    if let node = object["kernel"] { settings.target.kernel = try Self.version(node) }
    if let node = object["fail-on"] { settings.failOn = try Self.severity(node, offMeans: "never") }
    base = try object["base"].map { (node) throws(ScenarioFileError) in try node.text() }
    baseline = try object["baseline"].map { (node) throws(ScenarioFileError) in try node.text() }
  }

  fileprivate static let roles = LintSettings.Role.allCases.map(\.rawValue).joined(separator: ", ")

  private static func selectors(_ node: FileNode) throws(ScenarioFileError) -> [String] {
    var names: [String] = []
    for element in try node.oneOrMore() {
      let name = try element.text()
      try check(name, at: element)
      names.append(name)
    }
    return names
  }

  private static func check(_ name: String, at node: FileNode) throws(ScenarioFileError) {
    guard !LintSettings.isSelector(name) else { return }
    throw node.error(
      "there is no check `\(name)'", hint: "write a code, the beginning of one, an id, or a group; `ferrule explain' lists them")
  }

  private static func severity(_ node: FileNode, offMeans off: String) throws(ScenarioFileError) -> Severity? {
    let text = try node.text()
    if text == off { return nil }
    guard let severity = Severity(rawValue: text) else {
      throw node.error("expected a severity, found \(node.kind)", hint: "the severities are error, warning, note and \(off)")
    }
    return severity
  }

  private static func version(_ node: FileNode) throws(ScenarioFileError) -> ProgramVersion {
    guard let version = ProgramVersion(try node.text()) else {
      throw node.error("expected a version, found \(node.kind)", hint: "write numbers and dots, such as 1.8.11")
    }
    return version
  }

  /// The JSON Schema of such files, generated from the reader's shape; stored in `Grammar/policy.schema.json`.
  public static var schema: String { ShapeSchema.text("Ferrule policy file", root: FileShape.policy.name, [.policy]) }
}

/// A mistake in a policy, a baseline or an audit profile.
public struct PolicyError: Error, Sendable {
  /// The mistake with its place.
  public let diagnostic: Diagnostic
  /// The file, without text if it is of another kind.
  public let file: SourceFile

  init(_ error: ScenarioFileError, in file: SourceFile) {
    diagnostic = Diagnostic(
      "bad-policy-file", .error, error.message, at: error.range, notes: error.hint.map { [Diagnostic.Note($0)] } ?? [])
    self.file = error.shown(file)
  }
}

extension FileShape {
  static let policy: FileShape = {
    let selectors = Kind.oneOrMore(.text)
    let severities = Severity.allCases.map(\.rawValue)
    return FileShape(
      name: "policy", title: "a policy of ferrule lint",
      members: [
        Member("select", selectors, "report only findings of these checks: codes, beginnings of codes, ids or groups"),
        Member("ignore", selectors, "do not report findings of these checks"),
        Member("severity", .map(.choice(severities + ["off"])), "the severity of a check's findings; off turns the check off"),
        Member("per-file", .map(selectors), "checks that are not reported for files that match a pattern"),
        Member("management", .oneOrMore(.text), "networks from which the host is administered"),
        Member("interfaces", .map(.choice(LintSettings.Role.allCases.map(\.rawValue))), "the roles of interfaces; a name may end in +"),
        Member("base", .text, "the ruleset that is loaded already, for files of iptables-restore --noflush"),
        Member("baseline", .text, "a file of known findings, which lint --write-baseline writes"),
        Member("target", .choice(LintTarget.names), "the distribution for which the rulesets are meant"),
        Member("tool", .either([.text, .integer(0...99)]), "the version of iptables for which the rulesets are meant"),
        Member("kernel", .either([.text, .seconds]), "the version of Linux for which the rulesets are meant"),
        Member("fail-on", .choice(severities + ["never"]), "the least severity with which lint exits with status 1"),
      ])
  }()
}
