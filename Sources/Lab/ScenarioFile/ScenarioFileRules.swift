public import Diagnostics
import Syntax
public import XTables

/// Rules of one family that a test loads, as they were written and as they were understood.
public struct ScenarioRuleset: Sendable {
  /// Where they stand. Rules inside a scenario file have the lines of that file.
  public let file: SourceFile
  public let ruleset: Ruleset
  /// Where the tables stand that were there before these rules were loaded, by name.
  private(set) var keptFiles: [String: SourceFile] = [:]
  /// iptables-save text, names of users and groups resolved where the scenario says who they are.
  public let text: String

  public var family: Family { ruleset.family }

  init(file: SourceFile, ruleset: Ruleset, text: String) {
    self.file = file
    self.ruleset = ruleset
    self.text = text
  }

  /// Where a table stands.
  public func file(of table: String) -> SourceFile { keptFiles[table] ?? file }

  /// The same rules, given to a kernel as another text.
  func with(text: String) -> ScenarioRuleset { ScenarioRuleset(file: file, ruleset: ruleset, text: text) }

  /// The rules that are there when these are loaded into a host that has others: tables that are not named stay.
  func onTop(of old: ScenarioRuleset?) -> ScenarioRuleset {
    guard let old else { return self }
    let kept = old.ruleset.tables.filter { table in !ruleset.tables.contains { $0.name == table.name } }
    var joined = ScenarioRuleset(file: file, ruleset: Ruleset(family, tables: ruleset.tables + kept), text: text)
    for table in kept { joined.keptFiles[table.name.rawValue] = old.file(of: table.name.rawValue) }
    return joined
  }
}

/// A rule, or the end of a built-in chain.
public struct RulePlace: Sendable, Hashable {
  public let family: Family
  public let table: String
  public let chain: String
  /// From 1; nil for the policy.
  public let number: Int?

  public init(family: Family, table: String, chain: String, number: Int?) {
    self.family = family
    self.table = table
    self.chain = chain
    self.number = number
  }

  public var text: String { "\(table) \(chain) " + (number.map { "\($0)" } ?? "policy") }
}

/// A step of a trace as the lab's protocol writes it: `filter:FORWARD:rule:3`.
public struct TraceLabel: Sendable, Hashable {
  public enum Kind: String, Sendable { case rule, policy, `return` }
  public let table: String
  public let chain: String
  public let kind: Kind
  public let number: Int

  /// Reads a label; nil when it is none. A chain's name may have colons.
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

  /// The rule or policy; nil for the end of a chain of the user's.
  public func place(_ family: Family) -> RulePlace? {
    kind == .return ? nil : RulePlace(family: family, table: table, chain: chain, number: kind == .rule ? number : nil)
  }
}

/// Rules that an author means, by number, comment or line.
public struct RuleReference: Sendable, Hashable {
  public let text: String
  public let range: SourceRange
  /// The rules that fit, of every family that has any.
  public let places: Set<RulePlace>
}

/// A chain that an author means; of any table where none is named.
public struct ChainReference: Sendable, Hashable {
  public let text: String
  public let range: SourceRange
  public let table: String?
  public let chain: String
}

extension ScenarioRuleset {
  /// All its rules with their places.
  var rules: [(place: RulePlace, rule: Rule)] {
    ruleset.tables.flatMap { table in
      table.chains.flatMap { chain in
        chain.rules.enumerated().map { index, rule in
          (RulePlace(family: family, table: table.name.rawValue, chain: chain.name, number: index + 1), rule)
        }
      }
    }
  }

  public func rule(at place: RulePlace) -> Rule? {
    guard place.family == family, let number = place.number, let chain = chain(place.table, place.chain), number >= 1,
      number <= chain.rules.count
    else { return nil }
    return chain.rules[number - 1]
  }

  func chain(_ table: String, _ name: String) -> Chain? {
    ruleset.tables.first { $0.name.rawValue == table }?[chain: name]
  }

  /// The line a rule stands in.
  public func line(of place: RulePlace) -> Int? {
    let source = place.number == nil ? chain(place.table, place.chain)?.source : rule(at: place)?.source
    return source.map { file(of: place.table).position(of: Int($0.lowerBound)).line }
  }

  /// The rule as iptables-save prints it.
  public func print(_ place: RulePlace) -> String {
    if place.number == nil { return ":\(place.chain) \(chain(place.table, place.chain)?.policy?.rawValue ?? "-")" }
    guard let rule = rule(at: place) else { return place.text }
    return String(decoding: RulePrinter(family: family, names: .builtin).line(rule, chain: place.chain), as: UTF8.self)
  }
}

extension Rule {
  /// The remark of `-m comment`, if there is one.
  var comment: String? {
    guard let use = matches.first(where: { $0.descriptor.name == "comment" }) else { return nil }
    // The structure is the text with a NUL behind it.
    return String(decoding: use.payload.prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// Finds the rules and chains that expectations name, among those that are loaded at a step.
struct RuleFinder {
  let rulesets: [ScenarioRuleset]

  private static let form = "`filter INPUT 3', `INPUT 3', `INPUT policy', `comment TEXT', or `line N'"

  func rule(_ node: FileNode) throws(ScenarioFileError) -> RuleReference {
    let text = try node.text()
    let words = text.split(whereSeparator: { $0 == " " || $0 == ":" || $0 == "\t" }).map(String.init)
    guard words.count >= 2 else { throw node.error("`\(text)' names no rule", hint: RuleFinder.form) }
    let places: Set<RulePlace>
    if words[0] == "comment" {
      let wanted = text.dropFirst("comment".count).drop { $0 == " " || $0 == ":" }
      places = Set(all.filter { $0.rule.comment == String(wanted) }.map(\.place))
      guard !places.isEmpty else { throw node.error("no rule has the comment `\(wanted)'", hint: nearComment(String(wanted))) }
    } else if words[0] == "line" {
      guard let line = Int(words[1]), words.count == 2 else { throw node.error("`\(words[1])' is no line") }
      places = Set(rulesets.flatMap { set in set.rules.filter { set.line(of: $0.place) == line }.map(\.place) })
      guard !places.isEmpty else { throw node.error("no rule stands in line \(line)") }
    } else {
      places = try numbered(words, text, node)
    }
    return RuleReference(text: text, range: node.range, places: places)
  }

  private var all: [(place: RulePlace, rule: Rule)] { rulesets.flatMap(\.rules) }

  private func nearComment(_ text: String) -> String? {
    Spelling.nearest(to: text, in: all.compactMap(\.rule.comment)).map { "did you mean \($0)?" }
  }

  /// `[TABLE] CHAIN NUMBER|policy`.
  private func numbered(_ words: [String], _ text: String, _ node: FileNode) throws(ScenarioFileError) -> Set<RulePlace> {
    guard words.count <= 3, let last = words.last else { throw node.error("`\(text)' names no rule", hint: RuleFinder.form) }
    let table = words.count == 3 ? words[0] : "filter"
    let name = words[words.count - 2]
    let number = Int(last)
    guard last == "policy" || number != nil else { throw node.error("`\(last)' is no number of a rule", hint: RuleFinder.form) }
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
    guard isKnown else { throw node.error("there is no chain \(name) in the table \(table)", hint: nearChain(name)) }
    guard !places.isEmpty else {
      throw node.error(
        number == nil ? "\(name) has no policy: it is no built-in chain" : "\(table) \(name) has no rule \(last), it has \(longest)")
    }
    return places
  }

  private func nearChain(_ name: String) -> String? {
    let known = rulesets.flatMap { set in set.ruleset.tables.flatMap { table in table.chains.map { (table.name.rawValue, $0.name) } } }
    if let other = known.first(where: { $0.1 == name }) { return "there is one in the table \(other.0): `\(other.0) \(name) …'" }
    return Spelling.nearest(to: name, in: known.map(\.1)).map { "did you mean \($0)?" }
  }

  func chain(_ node: FileNode) throws(ScenarioFileError) -> ChainReference {
    let text = try node.text()
    let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    guard let name = words.last, words.count <= 2 else { throw node.error("`\(text)' names no chain", hint: "`nat DOCKER', or `DOCKER'") }
    let table = words.count == 2 ? words[0] : nil
    let isKnown = rulesets.contains { set in
      set.ruleset.tables.contains { (table == nil || $0.name.rawValue == table) && $0[chain: name] != nil }
    }
    guard isKnown else {
      throw node.error("there is no chain \(name)" + (table.map { " in the table \($0)" } ?? ""), hint: nearChain(name))
    }
    return ChainReference(text: text, range: node.range, table: table, chain: name)
  }
}
