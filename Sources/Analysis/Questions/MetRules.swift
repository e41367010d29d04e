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
    table = search.table(of: whole)
    writes = search.writes
  }
}

/// One search for the rules, which assumes the same of the packets at every rule.
private struct Search {
  /// How many of the packets a rule may match.
  private enum Share {
    case none, some, all
  }

  private let packets: PossibleValues
  private let site: EffectSite
  /// By chain that packets enter: the rules that they may match.
  private var met: [Int: [Rule]] = [:]
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
      var rules: [Rule] = []
      for rule in table.chains[chain].rules {
        let share = share(of: rule, resolve)
        if share == .none { continue }
        rules.append(rule)
        note(rule)
        if let callee = rule.target.chain.flatMap({ table.index(of: $0) }) { open.append(callee) }
        if share == .all, rule.target.ending == .always { break }
      }
      met[chain] = rules
    }
  }

  /// The table with only the rules found.
  func table(of whole: Table) -> Table {
    var table = Table(whole.name, whole.family)
    for (index, rules) in met.sorted(by: { $0.key < $1.key }) {
      let chain = whole.chains[index]
      if chain.hook == nil { _ = table.addChain(chain.name) }
      guard let place = table.index(of: chain.name) else { continue }
      table.update(at: place) { ($0.policy, $0.rules) = (chain.policy, rules) }
    }
    return table
  }

  /// How many of the packets a rule may match, or change or drop in a match. The tests are asked in the order of the kernel: a packet that
  /// fails one is not asked another.
  private func share(of rule: Rule, _ resolve: (Condition) -> Condition?) -> Share {
    var (share, packets) = (Share.all, packets)
    var acts = false
    func ask(_ condition: Condition) -> Bool {
      let decision = condition.decide(&packets)
      if decision.malformed || decision.doomed { acts = true }
      if decision.fails || decision.absent || decision.undecided { share = .some }
      return decision.holds || decision.undecided
    }
    for part in rule.header.parts(site.family) where !ask(part.condition) { return acts ? .some : .none }
    for match in rule.matches {
      // What a match writes, it writes to packets that fail a later one.
      if !match.descriptor.effects(match.payload, site).isEmpty { acts = true }
      let condition = match.condition(site.family)
      if !ask(resolve(condition) ?? condition) { return acts ? .some : .none }
    }
    return share
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
