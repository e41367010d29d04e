import Conntrack
import Netfilter
import Wire
import XTables

/// The rules of tables before one table that give packets another destination or mark, to find the packets as they arrive that such a rule
/// turns into a given one.
struct EarlierRewrites {
  private struct Rewrite {
    let condition: Condition
    /// The fields that it writes, among destination address and port and mark.
    let fields: Set<Field>
    /// The values that are known.
    let values: [Field: UInt128]

    /// Whether it may have made a packet what it is. A mark that it leaves at 0 shows nothing.
    func mayMake(_ draft: PacketDraft) -> Bool {
      if fields.contains(.mark), draft.mark == 0 { return false }
      let made: [(field: Field, value: UInt128)] = [
        (.destinationAddress, draft.fields.destination.bits), (.destinationPort, UInt128(draft.fields.destinationPort)),
        (.mark, UInt128(draft.mark)),
      ]
      return made.allSatisfy { values[$0.field, default: $0.value] == $0.value }
    }
  }

  private let family: Family
  private let rewrites: [Rewrite]
  /// The greatest number of rules that are looked at, and of those that are tried for one packet.
  private static let (mostRules, mostTried) = (4096, 16)

  /// Collects the rules of the first hook of packets' way, apart from those of a table that come after it there.
  init(_ rulesets: [Ruleset], before name: TableName, at hook: Hook) {
    family = rulesets[0].family
    let first: Hook = hook == .output ? .output : .prerouting
    let order = RulesetPrograms.tables(at: first)
    let earlier = first == hook ? Array(order.prefix { $0 != name }) : order
    var rewrites: [Rewrite] = []
    for table in rulesets.flatMap({ ruleset in earlier.compactMap { ruleset[table: $0] } }) {
      let reach = ChainReach(table)
      for (index, chain) in table.chains.enumerated() where reach.hooks[index].contains(HookMask(first)) {
        for rule in chain.rules where rewrites.count < Self.mostRules {
          if let rewrite = Self.rewrite(rule, EffectSite(family: table.family, hook: first)) { rewrites.append(rewrite) }
        }
      }
    }
    self.rewrites = rewrites
  }

  private static func rewrite(_ rule: Rule, _ site: EffectSite) -> Rewrite? {
    guard case .use(let use) = rule.target else { return nil }
    var fields: Set<Field> = []
    var values: [Field: UInt128] = [:]
    for case .change(let field, let change, _) in use.descriptor.effects(use.payload, site) {
      guard [.destinationAddress, .destinationPort, .mark].contains(field) else { continue }
      fields.insert(field)
      values[field] = change.constant
    }
    return fields.isEmpty ? nil : Rewrite(condition: rule.condition(site.family), fields: fields, values: values)
  }

  /// Packets as they arrive that one of the rules may turn into a packet, in the order of the rules. The caller runs each.
  func originals(of witness: Witness) -> [Witness] {
    var found: [Witness] = []
    for rewrite in rewrites where rewrite.mayMake(witness.draft) {
      guard found.count < Self.mostTried else { break }
      guard let draft = original(of: witness.draft, before: rewrite) else { continue }
      // Only the first packet of a connection is translated.
      let isTranslated = rewrite.fields.contains(.destinationAddress) || rewrite.fields.contains(.destinationPort)
      let state = isTranslated ? ConntrackState.new : witness.state
      found.append(Witness(draft: draft, hook: witness.hook, state: state))
    }
    return found
  }

  /// A packet that the rule matches, and that is otherwise what a packet was before it.
  private func original(of draft: PacketDraft, before rewrite: Rewrite) -> PacketDraft? {
    var kept: [(field: Field, value: UInt128)] = [
      (.protocolNumber, UInt128(draft.fields.proto.rawValue)), (.sourceAddress, draft.fields.source.bits),
    ]
    if let input = draft.input { kept.append((.inputInterface, InterfaceNames.key(input))) }
    if !rewrite.fields.contains(.destinationAddress) { kept.append((.destinationAddress, draft.fields.destination.bits)) }
    let hook: Hook = draft.input == nil ? .output : .prerouting
    let whole = Condition.all([rewrite.condition] + kept.map { .test($0.field, .range($0.value...$0.value)) })
    // The source may be one that the rule excludes.
    guard var before = (whole.witness(family, at: hook) ?? rewrite.condition.witness(family, at: hook))?.draft else { return nil }
    if !rewrite.fields.contains(.destinationPort), !rewrite.condition.fields.contains(.destinationPort) {
      before.fields.destinationPort = draft.fields.destinationPort
    }
    before.fields.sourcePort = draft.fields.sourcePort
    if !rewrite.fields.contains(.mark) { before.mark = draft.mark }
    before.output = draft.output
    return before
  }
}
