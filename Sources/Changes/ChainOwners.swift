public import Diagnostics
public import Documents
import Syntax
import SystemNames
import Wire
public import XTables

/// A user chain that belongs to another program.
public struct ForeignChain: Encodable, Sendable, Equatable {
  /// `ipv4` or `ipv6`.
  public let family: String
  /// The table's name.
  public let table: String
  /// The chain's name.
  public let chain: String
  /// The name of the program; `unknown` if no owner is known.
  public let owner: String
}

/// Which chains and rules other programs load. A rule in another chain belongs to a program too if it leads to one of its chains.
public struct ChainOwners: Sendable {
  /// What belongs to one program.
  private struct Owner: Sendable {
    let name: String
    /// Patterns of the names of chains; `*` stands for any text, `?` for one byte.
    let chains: [String]
    /// Patterns of rules as iptables-save prints them.
    let rules: [String]
  }

  private let owners: [Owner]

  /// The names of the owners, in order.
  public var names: [String] { owners.map(\.name) }

  /// Reads owners from a file.
  ///
  /// - Throws: `ScenarioFileError` with the place of an error.
  public init(_ file: SourceFile) throws(ScenarioFileError) {
    var owners: [Owner] = []
    for (name, _, node) in try FileDocument(file).root().members() {
      var (chains, rules): ([String], [String]) = ([], [])
      for (key, place, value) in try node.members() {
        switch key {
        case "chains": chains = try value.texts()
        case "rules": rules = try value.texts()
        default: throw place.error("there is no key `\(key)' here", hint: "the keys are chains and rules")
        }
      }
      owners.append(Owner(name: name, chains: chains, rules: rules))
    }
    self.owners = owners
  }

  private init(_ owners: [Owner]) { self.owners = owners }

  /// The programs that Ferrule knows.
  public static let known: ChainOwners = {
    do throws(ScenarioFileError) {
      return try ChainOwners(SourceFile(name: "owners", bytes: Array(knownOwners.utf8)))
    } catch {
      preconditionFailure("the built-in list of owners is wrong: \(error.message)")
    }
  }()

  /// These owners and others. One of the same name takes the place of the one here.
  public func adding(_ others: ChainOwners) -> ChainOwners {
    ChainOwners(owners.filter { owner in !others.owners.contains { $0.name == owner.name } } + others.owners)
  }

  /// The owners of a list such as `docker,fail2ban,my-*`: names of owners, or patterns of chains.
  public func selecting(_ list: String) -> ChainOwners {
    ChainOwners(
      list.split(separator: ",").map { word in
        owners.first { $0.name == word } ?? Owner(name: String(word), chains: [String(word)], rules: [])
      })
  }

  /// The owner of a chain; nil if none is known.
  public func owner(ofChain name: String) -> String? {
    owners.first { $0.chains.contains { Self.matches(name.utf8, $0.utf8) } }?.name
  }

  /// The owner of a rule in a chain.
  func owner(of rule: Rule, in chain: String, _ family: Family) -> String? {
    if let owner = owner(ofChain: chain) { return owner }
    if let target = rule.target.chain, let owner = owner(ofChain: target) { return owner }
    guard owners.contains(where: { !$0.rules.isEmpty }) else { return nil }
    let line = RulePrinter(family: family, names: .offline).line(rule, chain: chain)
    return owners.first { $0.rules.contains { Self.matches(line, $0.utf8) } }?.name
  }

  /// Whether a text matches a pattern, in which `*` stands for any text and `?` for one byte. Takes time proportional to both lengths multiplied, at most.
  private static func matches(_ text: some Collection<UInt8>, _ pattern: some Collection<UInt8>) -> Bool {
    let (text, pattern) = (Array(text), Array(pattern))
    var (place, at) = (0, 0)
    var star: (pattern: Int, text: Int)?
    while place < text.count {
      if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
        star = (at, place)
        at += 1
      } else if at < pattern.count, pattern[at] == text[place] || pattern[at] == UInt8(ascii: "?") {
        (place, at) = (place + 1, at + 1)
      } else if let last = star {
        (at, place) = (last.pattern + 1, last.text + 1)
        star = (last.pattern, last.text + 1)
      } else {
        return false
      }
    }
    return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
  }

  // MARK: Rulesets

  /// A ruleset without the chains and rules of the owners.
  public func removed(from ruleset: Ruleset) -> Ruleset {
    Ruleset(
      ruleset.family,
      tables: ruleset.tables.map { table in
        var own = Table(table.name, table.family)
        for chain in table.chains where owner(ofChain: chain.name) == nil {
          if !chain.isBuiltin { _ = own.addChain(chain.name, source: chain.source) }
          guard let index = own.index(of: chain.name) else { continue }
          own.update(at: index) { copy in
            copy.policy = chain.policy
            copy.counters = chain.counters
            copy.source = chain.source
            copy.rules = chain.rules.filter { owner(of: $0, in: chain.name, table.family) == nil }
          }
        }
        own.source = table.source
        return own
      })
  }

  /// A new ruleset with the chains and rules of the owners as they are loaded. Each such rule stays behind the rule that precedes it now, if
  /// that stays too, and else at the start of its chain. What the new ruleset has of them besides stays.
  ///
  /// - Parameter live: the loaded rules.
  public func keeping(in new: Ruleset, from live: Ruleset) -> Ruleset {
    Ruleset(
      new.family,
      tables: new.tables.map { table in
        guard let loaded = live[table: table.name] else { return table }
        var merged = table
        for chain in loaded.chains {
          let isOwned = owner(ofChain: chain.name) != nil
          let owned = chain.rules.map { owner(of: $0, in: chain.name, table.family) != nil }
          guard isOwned || owned.contains(true) else { continue }
          if isOwned { _ = merged.addChain(chain.name) }
          guard let index = merged.index(of: chain.name) else { continue }
          merged.update(at: index) { copy in copy.rules = isOwned ? chain.rules : Self.merged(chain.rules, owned, into: copy.rules) }
        }
        return merged
      })
  }

  private static func merged(_ live: [Rule], _ owned: [Bool], into new: [Rule]) -> [Rule] {
    // A new rule that is one of the owners' is not loaded twice.
    var waiting = zip(live, owned).filter(\.1).map(\.0)
    let new = new.filter { rule in
      guard let place = waiting.firstIndex(where: { $0.isSame(as: rule) }) else { return true }
      waiting.remove(at: place)
      return false
    }
    // The kept rules by the place in `new` behind which they stand; -1 for the start of the chain.
    var kept: [Int: [Rule]] = [:]
    var anchor = -1
    for (rule, isOwned) in zip(live, owned) {
      if isOwned {
        kept[anchor, default: []].append(rule)
      } else if let place = new[(anchor + 1)...].firstIndex(where: { $0.isSame(as: rule) }) {
        anchor = place
      }
    }
    return (kept[-1] ?? []) + new.enumerated().flatMap { [$0.element] + (kept[$0.offset] ?? []) }
  }

  /// The user chains that a change removes, with their owners.
  public func removedChains(_ before: Ruleset, _ after: Ruleset) -> [ForeignChain] {
    after.tables.flatMap { table in
      (before[table: table.name]?.chainsInSaveOrder ?? []).filter { !$0.isBuiltin && table[chain: $0.name] == nil }.map { chain in
        ForeignChain(
          family: after.family == .ipv4 ? "ipv4" : "ipv6", table: table.name.rawValue, chain: chain.name,
          owner: owner(ofChain: chain.name) ?? "unknown")
      }
    }
  }
}
