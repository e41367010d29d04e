import Capture
import Conntrack
package import Diagnostics
package import Documents
package import Scenarios
import Syntax
package import Wire
package import XTables

/// The context of tests: rules, host, clock. A test's own members replace those of the file.
struct Surroundings {
  var rulesets: [Family: ScenarioRuleset] = [:]
  var ipsets: String?
  var fingerprints: String?
  var host: HostDocument
  /// The families that are said to have no rules.
  var withoutRules: Set<Family> = []
  var mode: Scenario.Mode?
  var clock: Double?
  var seed: UInt64?
  var listing: String?
  var connections: [FileNode] = []

  init(_ registry: Registry) { host = HostDocument(registry: registry) }

  /// The host and its rules in the form of the lab's protocol.
  func scenario(named name: String) -> Scenario {
    var scenario = Scenario(name: name, rules: rulesets[.ipv4]?.text, rules6: rulesets[.ipv6]?.text)
    scenario.ipsets = ipsets
    scenario.fingerprints = fingerprints
    scenario.connectionListing = listing
    scenario.mode = mode ?? .sink
    scenario.clock = clock
    scenario.seed = seed
    host.fill(&scenario)
    return scenario
  }

  var loaded: [ScenarioRuleset] { [Family.ipv4, .ipv6].compactMap { rulesets[$0] } }
}

/// Reads one scenario file.
package final class ScenarioFileReader {
  let file: SourceFile
  private let registry: Registry
  private let names: NameDatabase
  let loader: ScenarioFileLoader
  /// Parsed rules, by path and names, shared between tests.
  private var known: [String: ScenarioRuleset] = [:]
  /// The chain of files that referred to this one by `snapshot`, starting with the file on the command line.
  private let namedBy: [String]

  package init(_ file: SourceFile, registry: Registry, names: NameDatabase, loader: ScenarioFileLoader, namedBy: [String] = []) {
    self.file = file
    self.registry = registry
    self.names = names
    self.loader = loader
    self.namedBy = namedBy
  }

  func read(_ problems: inout [ScenarioFileError]) -> ScenarioFile? {
    do throws(ScenarioFileError) {
      let object = try FileObject(try FileDocument(file).root(of: .file), .file)
      var surroundings = Surroundings(registry)
      try read(object, into: &surroundings)
      guard let tests = object["tests"] else { throw object.node.error("the file has no `tests'") }
      var read: [ScenarioTest] = []
      for node in try tests.list() {
        do throws(ScenarioFileError) {
          read.append(try test(node, surroundings, number: read.count + 1))
        } catch {
          problems.append(error)
        }
      }
      return ScenarioFile(file: file, name: try object["name"]?.text() ?? file.name, tests: read)
    } catch {
      problems.append(error)
      return nil
    }
  }

  /// A machine: a test without steps, and what only a machine has.
  package struct Machine {
    package var test: ScenarioTest
    /// The families that are said to have no rules.
    package let withoutRules: Set<Family>
    /// The description of its host.
    package let host: HostDocument
  }

  /// Reads the file as a snapshot, or as the description of a host alone.
  package func machine(isSnapshot: Bool) throws(ScenarioFileError) -> Machine {
    var surroundings = Surroundings(registry)
    if isSnapshot {
      try read(try FileObject(try FileDocument(file).root(of: .snapshot), .snapshot), into: &surroundings)
    } else {
      surroundings.host = try HostDocument(file, registry: registry)
    }
    var base = surroundings.scenario(named: file.name)
    surroundings.host.fill(alone: &base)
    let test = ScenarioTest(
      name: file.name, range: SourceRange(0..<0), skipReason: nil, base: base, rulesets: surroundings.loaded,
      prelude: try PreludeReader(surroundings: surroundings, base: base, reader: self).steps(), steps: [], expectation: nil)
    return Machine(test: test, withoutRules: surroundings.withoutRules, host: surroundings.host)
  }

  private func test(_ node: FileNode, _ outer: Surroundings, number: Int) throws(ScenarioFileError) -> ScenarioTest {
    let object = try FileObject(node, .test)
    let name = try object["name"]?.text() ?? "test \(number)"
    var surroundings = outer
    try read(object, into: &surroundings)
    guard let list = object["steps"] else { throw node.error("the test `\(name)' has no steps") }
    var script = ScriptReader(reader: self, surroundings: surroundings)
    var steps: [TestStep] = []
    for step in try list.list() { steps.append(try script.step(step)) }
    let expectation = try object["expect"].map { node throws(ScenarioFileError) in try script.expectations.read(node) }
    if let item = expectation?.items.first(where: { !$0.claim.isOfWholeTest }) {
      throw ScenarioFileError("`\(item.text)' can be expected only in a step", at: item.range)
    }
    var base = surroundings.scenario(named: name)
    let all = steps.compactMap(\.expectation) + (expectation.map { [$0] } ?? [])
    base.listsConntrackEachStep = all.contains(where: \.needsConnections)
    base.recordsHits = all.contains(where: \.needsCounters)
    let prelude = try PreludeReader(surroundings: surroundings, base: base, reader: self).steps()
    return ScenarioTest(
      name: name, range: node.range, skipReason: try object["skip"]?.text(), base: base, rulesets: surroundings.loaded,
      prelude: prelude, steps: steps, expectation: expectation)
  }

  // MARK: Surroundings

  func read(_ object: FileObject, into surroundings: inout Surroundings) throws(ScenarioFileError) {
    if let node = object["snapshot"] { try read(snapshot: node, into: &surroundings) }
    if let node = object["host"] { try surroundings.host.read(node) }
    // Rules may refer to the host's sets and users.
    if let node = object["ipsets"] { surroundings.ipsets = try ipsets(node) }
    if let node = object["fingerprints"] { surroundings.fingerprints = try fingerprints(node) }
    for (name, family) in [("rules", Family.ipv4), ("rules6", .ipv6)] {
      guard let node = object[name] else { continue }
      if node.isText, try node.text() == "none" {
        surroundings.rulesets[family] = nil
        surroundings.withoutRules.insert(family)
      } else {
        surroundings.rulesets[family] = try ruleset(node, family, surroundings)
        surroundings.withoutRules.remove(family)
      }
    }
    if let node = object["mode"] {
      guard let mode = Scenario.Mode(rawValue: try node.text()) else { throw node.error("expected sink or stack, found \(node.kind)") }
      surroundings.mode = mode
    }
    if let node = object["clock"] { surroundings.clock = try node.clock() }
    if let node = object["seed"] { surroundings.seed = try node.integer() }
    if let node = object["conntrack"] { surroundings.listing = try listing(node) }
    if let node = object["connections"] { surroundings.connections = try node.list() }
  }

  /// A snapshot contains only the members of a test's context.
  private func read(snapshot node: FileNode, into surroundings: inout Surroundings) throws(ScenarioFileError) {
    let snapshot = try content(node, .snapshot)
    let chain = namedBy + [file.name]
    // Inline text has the name of the surrounding file, and cannot cause a cycle.
    if !node.isInlineText, let start = chain.firstIndex(of: snapshot.name) {
      throw node.error("the snapshot names itself: " + (chain[start...] + [snapshot.name]).joined(separator: " names "))
    }
    do throws(NestingError) {
      try NestingLimit.snapshots.check(chain.count)
    } catch {
      throw node.error("\(error)")
    }
    let reader = ScenarioFileReader(snapshot, registry: registry, names: names, loader: loader, namedBy: chain)
    do throws(ScenarioFileError) {
      try reader.read(try FileObject(try FileDocument(snapshot).root(of: .snapshot), .snapshot), into: &surroundings)
    } catch {
      throw within(snapshot, error.range, error.message, node)
    }
  }

  /// An error in another file, reported at the place that refers to the file.
  private func within(_ other: SourceFile, _ range: SourceRange, _ message: String, _ node: FileNode) -> ScenarioFileError {
    let position = other.position(of: Int(range.lowerBound))
    return node.error("\(other.name):\(position.line):\(position.column): \(message)")
  }

  // MARK: Other files

  /// The path of a file named in the scenario file.
  func path(_ name: String) -> String {
    guard !name.hasPrefix("/"), let slash = file.name.lastIndex(of: "/") else { return name }
    return file.name[...slash] + name
  }

  /// The inline text of a member, or the file that it names: text of one line is a name. Inline text keeps the line numbers of the file.
  ///
  /// - Parameter kind: the expected kind; errors about a file of another kind do not quote it.
  func content(_ node: FileNode, _ kind: NamedFileKind) throws(ScenarioFileError) -> SourceFile {
    let text = try node.text()
    guard !node.isInlineText else {
      let before = [UInt8](repeating: UInt8(ascii: "\n"), count: node.isBlock ? node.line : 0)
      return SourceFile(name: file.name, bytes: before + Array(text.utf8))
    }
    let source: SourceFile
    do throws(ScenarioFileLoader.Failure) {
      source = SourceFile(name: path(text), bytes: try loader.bytes(path(text)))
    } catch {
      throw node.error(error.reason)
    }
    guard kind.fits(source.bytes) else { throw node.error("\(source.name) is not \(kind.title)") }
    return source
  }

  func capture(_ node: FileNode) throws(ScenarioFileError) -> [CapturedFrame] {
    let name = path(try node.text())
    do throws(ScenarioFileLoader.Failure) {
      return try loader.capture(name)
    } catch {
      throw node.error(error.reason)
    }
  }

  private func ipsets(_ node: FileNode) throws(ScenarioFileError) -> String {
    let text = String(decoding: try content(node, .sets).bytes, as: UTF8.self)
    do throws(AddressSetError) {
      _ = try AddressSets(saved: text, names: names)
    } catch {
      throw node.error("the IP sets are invalid: \(error.description)")
    }
    return text
  }

  private func fingerprints(_ node: FileNode) throws(ScenarioFileError) -> String {
    let text = String(decoding: try content(node, .fingerprints).bytes, as: UTF8.self)
    do throws(OSFingerprintError) {
      _ = try OSFingerprints(text: text)
    } catch {
      throw node.error("the fingerprints cannot be read: \(error.description)")
    }
    return text
  }

  private func listing(_ node: FileNode) throws(ScenarioFileError) -> String {
    let source = try content(node, .connections)
    if let error = ConnectionListing(source.bytes, label: names.connectionLabel).errors.first {
      throw within(source, SourceRange(error.range), error.message, node)
    }
    return String(decoding: source.bytes, as: UTF8.self)
  }

  /// The names that rules may use.
  private func names(_ surroundings: Surroundings) -> NameDatabase {
    let sets = surroundings.ipsets.flatMap { try? AddressSets(saved: $0, names: names) }
    return surroundings.host.names(sets?.names(over: names) ?? names)
  }

  func ruleset(_ node: FileNode, _ family: Family, _ surroundings: Surroundings) throws(ScenarioFileError) -> ScenarioRuleset {
    if try node.text().isEmpty {
      throw node.error("the name of the ruleset file is empty", hint: "write a file name, or the rules themselves behind `rules: |'")
    }
    let source = try content(node, .rules)
    let host = surroundings.host
    let key = "\(family) \(node.isBlock ? "\(node.line)" : source.name) \(host.users) \(host.groups) \(surroundings.ipsets ?? "")"
    if let ruleset = known[key] { return ruleset }
    let names = names(surroundings)
    let parsed = try parse(source, family, names, node)
    let start = node.isBlock ? min(node.line, source.bytes.count) : 0
    var text = String(decoding: source.bytes[start...], as: UTF8.self)
    if !host.users.isEmpty || !host.groups.isEmpty {
      // The kernel's tools would resolve the names on the machine they run on.
      let printer = RulePrinter(family: family, names: names)
      text = String(decoding: parsed.ruleset.tables.flatMap { printer.table($0, counters: false) }, as: UTF8.self)
    }
    let ruleset = ScenarioRuleset(file: source, ruleset: parsed.ruleset, text: text, names: names)
    known[key] = ruleset
    return ruleset
  }
}

extension ScenarioFileReader {
  /// Creates rules that are not in any file.
  func ruleset(text: String, _ family: Family, named name: String, _ node: FileNode) throws(ScenarioFileError) -> ScenarioRuleset {
    let source = SourceFile(name: name, bytes: Array(text.utf8))
    return ScenarioRuleset(file: source, ruleset: try parse(source, family, names, node).ruleset, text: text, names: names)
  }

  private func parse(_ source: SourceFile, _ family: Family, _ names: NameDatabase, _ node: FileNode) throws(ScenarioFileError)
    -> ParsedRuleset
  {
    let parsed = RulesetParser(registry: registry, names: names, family: family, isForReading: true).parse(source)
    // In rules that are written for a test, a jump to nowhere is a mistake.
    if let error = parsed.diagnostics.first(where: { $0.severity == .error || $0.id == "unknown-target" }) {
      throw within(source, error.range, error.message, node)
    }
    return parsed
  }
}

extension TestExpectation.Claim {
  /// True if the claim can be checked for all packets of a test together.
  var isOfWholeTest: Bool {
    switch self {
    case .matches, .misses, .reaches, .never, .counter, .log: true
    default: false
    }
  }
}
