public import Diagnostics
import Documents
import Syntax
public import Wire
public import XTables

/// Rules of one family that a test loads, as text and parsed.
public struct ScenarioRuleset: Sendable {
  /// The file with the rules. Rules inside a scenario file keep its line numbers.
  public let file: SourceFile
  /// The parsed rules.
  public let ruleset: Ruleset
  /// The files of tables that remained from earlier rules, by table.
  private(set) var keptFiles: [String: SourceFile] = [:]
  /// iptables-save text; names of users and groups that the scenario defines are resolved.
  public let text: String

  /// The names that the rules use, such as those of sets.
  package let names: NameDatabase

  /// The family of the rules.
  public var family: Family { ruleset.family }

  package init(file: SourceFile, ruleset: Ruleset, text: String, names: NameDatabase) {
    self.names = names
    self.file = file
    self.ruleset = ruleset
    self.text = text
  }

  /// The file that contains a table.
  public func file(of table: String) -> SourceFile { keptFiles[table] ?? file }

  /// The same rules with another text for the kernel.
  func with(text: String) -> ScenarioRuleset { ScenarioRuleset(file: file, ruleset: ruleset, text: text, names: names) }

  /// The rules in effect after loading these over others: tables that these do not contain remain.
  func onTop(of old: ScenarioRuleset?) -> ScenarioRuleset {
    guard let old else { return self }
    let kept = old.ruleset.tables.filter { table in !ruleset.tables.contains { $0.name == table.name } }
    var joined = ScenarioRuleset(file: file, ruleset: Ruleset(family, tables: ruleset.tables + kept), text: text, names: names)
    for table in kept { joined.keptFiles[table.name.rawValue] = old.file(of: table.name.rawValue) }
    return joined
  }
}

/// A rule, or the policy of a built-in chain.
public struct RulePlace: Sendable, Hashable {
  /// The family of the table.
  public let family: Family
  /// The table.
  public let table: String
  /// The chain.
  public let chain: String
  /// The rule's number, from 1; nil for the policy.
  public let number: Int?

  /// Creates a place.
  public init(family: Family, table: String, chain: String, number: Int?) {
    self.family = family
    self.table = table
    self.chain = chain
    self.number = number
  }

  /// `filter INPUT 3`, or `filter INPUT policy`.
  public var text: String { "\(table) \(chain) " + (number.map { "\($0)" } ?? "policy") }
}

/// A step of a trace in the lab's protocol: `filter:FORWARD:rule:3`.
public struct TraceLabel: Sendable, Hashable {
  /// What the packet hit.
  public enum Kind: String, Sendable { case rule, policy, `return` }
  /// The table.
  public let table: String
  /// The chain.
  public let chain: String
  /// What the packet hit.
  public let kind: Kind
  /// The rule's number, from 1; the number of rules plus 1 for a policy or return.
  public let number: Int

  /// Parses a label; nil if the text is not one. A chain's name may contain colons.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 4, let kind = Kind(rawValue: String(parts[parts.count - 2])), let number = Int(parts[parts.count - 1]) else {
      return nil
    }
    table = String(parts[0])
    chain = parts[1..<(parts.count - 2)].joined(separator: ":")
    self.kind = kind
    self.number = number
  }

  /// The rule or policy; nil for the end of a user-defined chain.
  public func place(_ family: Family) -> RulePlace? {
    kind == .return ? nil : RulePlace(family: family, table: table, chain: chain, number: kind == .rule ? number : nil)
  }
}

/// Selects rules by number, comment or line.
public struct RuleSelector: Sendable, Hashable {
  /// The selector as written.
  public let text: String
  /// The place of the selector.
  public let range: SourceRange
  /// The selected rules, in all families.
  public let places: Set<RulePlace>
}

/// Selects a chain, in any table if none is named.
public struct ChainSelector: Sendable, Hashable {
  /// The selector as written.
  public let text: String
  /// The place of the selector.
  public let range: SourceRange
  /// The table; nil for any.
  public let table: String?
  /// The chain's name.
  public let chain: String
}

extension ScenarioRuleset {
  /// All rules with their places.
  var rules: [(place: RulePlace, rule: Rule)] {
    ruleset.tables.flatMap { table in
      table.chains.flatMap { chain in
        chain.rules.enumerated().map { index, rule in
          (RulePlace(family: family, table: table.name.rawValue, chain: chain.name, number: index + 1), rule)
        }
      }
    }
  }

  /// The rule at a place; nil for a policy or a place that does not exist.
  public func rule(at place: RulePlace) -> Rule? {
    guard place.family == family, let number = place.number, let chain = chain(place.table, place.chain), number >= 1,
      number <= chain.rules.count
    else { return nil }
    return chain.rules[number - 1]
  }

  func chain(_ table: String, _ name: String) -> Chain? {
    ruleset.tables.first { $0.name.rawValue == table }?[chain: name]
  }

  /// The line of a rule or of a chain's declaration, from 1; nil if unknown.
  public func line(of place: RulePlace) -> Int? {
    let source = place.number == nil ? chain(place.table, place.chain)?.source : rule(at: place)?.source
    return source.map { file(of: place.table).position(of: Int($0.lowerBound)).line }
  }

  /// The names that print the same everywhere, and those of sets.
  private var printedNames: NameDatabase {
    NameDatabase.builtin.with(addressSet: names.addressSet, addressSetName: names.addressSetName)
  }

  /// The rule as iptables-save prints it.
  public func print(_ place: RulePlace) -> String {
    if place.number == nil { return ":\(place.chain) \(chain(place.table, place.chain)?.policy?.rawValue ?? "-")" }
    guard let rule = rule(at: place) else { return place.text }
    return String(decoding: RulePrinter(family: family, names: printedNames).line(rule, chain: place.chain), as: UTF8.self)
  }
}

extension Rule {
  /// The text of the remark; nil if the rule has none.
  var comment: String? {
    guard let use = matches.first(where: { $0.descriptor.traits.contains(.remark) }) else { return nil }
    // The structure contains the text, terminated by NUL.
    return String(decoding: use.payload.prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// Resolves references to rules and chains among those loaded at a step.
struct RuleFinder {
  let rulesets: [ScenarioRuleset]

  private static let form = "write `filter INPUT 3', `INPUT 3', `INPUT policy', `comment TEXT', or `line N'"

  /// Why a text selects no rule.
  struct Failure: Error {
    let message: String
    let hint: String?

    init(_ message: String, hint: String? = nil) {
      self.message = message
      self.hint = hint
    }
  }

  func rule(_ node: FileNode) throws(ScenarioFileError) -> RuleSelector {
    let text = try node.text()
    do throws(Failure) {
      return RuleSelector(text: text, range: node.range, places: try places(text))
    } catch {
      throw node.error(error.message, hint: error.hint)
    }
  }

  /// The rules that a text selects.
  func places(_ text: String) throws(Failure) -> Set<RulePlace> {
    let words = text.split(whereSeparator: { $0 == " " || $0 == ":" || $0 == "\t" }).map(String.init)
    guard words.count >= 2 else { throw Failure("`\(text)' is not the name of a rule", hint: RuleFinder.form) }
    let places: Set<RulePlace>
    if words[0] == "comment" {
      let wanted = text.dropFirst("comment".count).drop { $0 == " " || $0 == ":" }
      places = Set(all.filter { $0.rule.comment == String(wanted) }.map(\.place))
      guard !places.isEmpty else { throw Failure("no rule has the comment `\(wanted)'", hint: nearComment(String(wanted))) }
    } else if words[0] == "line" {
      guard let line = Int(words[1]), words.count == 2 else { throw Failure("`\(words[1])' is not a line number") }
      places = Set(rulesets.flatMap { set in set.rules.filter { set.line(of: $0.place) == line }.map(\.place) })
      guard !places.isEmpty else { throw Failure("there is no rule in line \(line)") }
    } else {
      places = try numbered(words, text)
    }
    return places
  }

  private var all: [(place: RulePlace, rule: Rule)] { rulesets.flatMap(\.rules) }

  private func nearComment(_ text: String) -> String? {
    Spelling.nearest(to: text, in: all.compactMap(\.rule.comment)).map { "did you mean \($0)?" }
  }

  /// Parses `[TABLE] CHAIN NUMBER|policy`.
  private func numbered(_ words: [String], _ text: String) throws(Failure) -> Set<RulePlace> {
    guard words.count <= 3, let last = words.last else { throw Failure("`\(text)' is not the name of a rule", hint: RuleFinder.form) }
    let table = words.count == 3 ? words[0] : "filter"
    let name = words[words.count - 2]
    let number = Int(last)
    guard last == "policy" || number != nil else { throw Failure("`\(last)' is not a rule number", hint: RuleFinder.form) }
    var places: Set<RulePlace> = []
    var longest = 0
    var isKnown = false
    for set in rulesets {
      guard let chain = set.chain(table, name) else { continue }
      isKnown = true
      longest = max(longest, chain.rules.count)
      if let number, (1...max(chain.rules.count, 1)).contains(number), !chain.rules.isEmpty {
        places.insert(RulePlace(family: set.family, table: table, chain: name, number: number))
      } else if number == nil, chain.isBuiltin {
        places.insert(RulePlace(family: set.family, table: table, chain: name, number: nil))
      }
    }
    guard isKnown else { throw Failure("there is no chain \(name) in the table \(table)", hint: nearChain(name)) }
    guard !places.isEmpty else {
      throw Failure(
        number == nil
          ? "\(name) has no policy: it is not a built-in chain"
          : "\(table) \(name) has no rule \(last): the chain has \(longest) rule\(longest == 1 ? "" : "s")")
    }
    return places
  }

  private func nearChain(_ name: String) -> String? {
    let known = rulesets.flatMap { set in set.ruleset.tables.flatMap { table in table.chains.map { (table.name.rawValue, $0.name) } } }
    if let other = known.first(where: { $0.1 == name }) { return "the table \(other.0) has such a chain: `\(other.0) \(name) …'" }
    return Spelling.nearest(to: name, in: known.map(\.1)).map { "did you mean \($0)?" }
  }

  func chain(_ node: FileNode) throws(ScenarioFileError) -> ChainSelector {
    let text = try node.text()
    let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    guard let name = words.last, words.count <= 2 else {
      throw node.error("`\(text)' is not the name of a chain", hint: "write `nat DOCKER' or `DOCKER'")
    }
    let table = words.count == 2 ? words[0] : nil
    let isKnown = rulesets.contains { set in
      set.ruleset.tables.contains { (table == nil || $0.name.rawValue == table) && $0[chain: name] != nil }
    }
    guard isKnown else {
      throw node.error("there is no chain \(name)" + (table.map { " in the table \($0)" } ?? ""), hint: nearChain(name))
    }
    return ChainSelector(text: text, range: node.range, table: table, chain: name)
  }
}
