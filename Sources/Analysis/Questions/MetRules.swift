import Netfilter
import Wire
import XTables

/// The rules of a table that some packets may meet from one of its hooks, as a table that does the same with these packets.
///
/// Rules that none of the packets can match are left out, and so are chains that none enters: what a question costs depends on the rules
/// that it is about, not on those that the ruleset has.
struct MetRules {
  /// The table with only these rules.
  let table: Table
  /// The fields that the rules may write.
  let writes: FieldWrites
  /// What is known of the packets at each of the rules.
  let packets: PossibleValues
  /// By chain and rule of the table: its condition, without the tests that all of the packets pass.
  let conditions: [[Condition]]

  /// - Parameters:
  ///   - hook: where the packets enter the table.
  ///   - packets: what is known of the packets there.
  ///   - resolve: what is known of a condition besides the rule, as on a host; nil if nothing is.
  init(_ whole: Table, at hook: Hook, _ packets: PossibleValues, resolve: (Condition) -> Condition?) {
    var packets = packets
    var search = Search(whole, hook, packets, resolve)
    // What a rule writes, others may test. Each time less is known.
    while packets.isChanged(by: search.writesBefore) {
      packets = packets.after(search.writesBefore)
      search = Search(whole, hook, packets, resolve)
    }
    self.packets = packets
    (table, conditions) = search.table(of: whole)
    writes = search.writes
  }
}

/// One search for the rules, which assumes the same of the packets at every rule.
private struct Search {
  private let packets: PossibleValues
  private let site: EffectSite
  /// By chain that packets enter: the rules that they may match.
  private var met: [Int: [(rule: Rule, condition: Condition)]] = [:]
  /// What the rules write.
  private(set) var writes = FieldWrites()
  /// What they write to packets that proceed to other rules of the table.
  private(set) var writesBefore = FieldWrites()

  init(_ table: Table, _ hook: Hook, _ packets: PossibleValues, _ resolve: (Condition) -> Condition?) {
    self.packets = packets
    site = EffectSite(family: table.family, hook: hook)
    var open = table.chains.indices.filter { table.chains[$0].hook == hook }
    while let chain = open.popLast() {
      guard met[chain] == nil else { continue }
      var rules: [(rule: Rule, condition: Condition)] = []
      for rule in table.chains[chain].rules {
        guard let condition = condition(of: rule, resolve) else { continue }
        rules.append((rule, condition))
        note(rule)
        if let callee = rule.target.chain.flatMap({ table.index(of: $0) }) { open.append(callee) }
        if case .always = condition, rule.target.ending == .always { break }
      }
      met[chain] = rules
    }
  }

  /// The table with only the rules found, and their conditions.
  func table(of whole: Table) -> (table: Table, conditions: [[Condition]]) {
    var table = Table(whole.name, whole.family)
    var conditions = [[Condition]](repeating: [], count: table.chains.count)
    for (index, rules) in met.sorted(by: { $0.key < $1.key }) {
      let chain = whole.chains[index]
      if chain.hook == nil { _ = table.addChain(chain.name) }
      guard let place = table.index(of: chain.name) else { continue }
      table.update(at: place) { ($0.policy, $0.rules) = (chain.policy, rules.map(\.rule)) }
      while conditions.count < table.chains.count { conditions.append([]) }
      conditions[place] = rules.map(\.condition)
    }
    return (table, conditions)
  }

  /// The condition of a rule for the packets. Nil if it can match none of them, nor change or drop one in a match.
  private func condition(of rule: Rule, _ resolve: (Condition) -> Condition?) -> Condition? {
    var kept: [Condition] = []
    var acts = false
    /// Whether the packets that pass the test before may pass this one.
    func add(_ condition: Condition) -> Bool {
      let condition = packets.settling(condition)
      if case .always = condition { return true }
      kept.append(condition)
      if case .never = condition { return false }
      return true
    }
    for part in rule.header.parts(site.family) where !add(part.condition) { return nil }
    for match in rule.matches {
      // What a match writes, it writes to packets that fail a later one.
      if !match.descriptor.effects(match.payload, site).isEmpty { acts = true }
      let condition = match.condition(site.family)
      if add(resolve(condition) ?? condition) { continue }
      if acts || !kept.allSatisfy({ packets.isRead($0) }) { break }
      return nil
    }
    return kept.isEmpty ? .always : kept.count == 1 ? kept[0] : .all(kept)
  }

  private mutating func note(_ rule: Rule) {
    let byMatches = FieldWrites(rule.matches.flatMap { $0.effects(site.family) })
    let byTarget = FieldWrites(rule.target.effects(site.family))
    writes.formUnion(byMatches)
    writes.formUnion(byTarget)
    writesBefore.formUnion(byMatches)
    if rule.target.ending != .always { writesBefore.formUnion(byTarget) }
  }
}
