import Analysis
import Diagnostics
import Netfilter
import Wire
import XTables

extension Check {
  /// A finding that a packet proves.
  static func proved(
    _ message: String, at range: SourceRange?, by witness: Witness?, deciding: SourceRange? = nil, _ notes: [Diagnostic.Note] = []
  ) -> Diagnostic {
    var notes = notes
    if let line = witness?.line { notes.append(Diagnostic.Note("such a packet: \(line)")) }
    var diagnostic = finding(message, at: range, notes)
    diagnostic.evidence = Diagnostic.Evidence(witness: witness?.line, blockers: deciding.map { [$0] } ?? [])
    return diagnostic
  }
}

extension LintContext {
  /// The greatest number of rules of one kind for which a check runs packets.
  var mostTried: Int { 64 }
}

extension Table {
  /// The rules after which packets are not tracked, in chains that a hook leads to.
  func untrackingRules(at hook: Hook) -> [Rule] {
    let reach = ChainReach(self)
    return chains.indices.filter { reach.hooks[$0].contains(HookMask(hook)) }.flatMap { chains[$0].rules.filter(\.leavesUntracked) }
  }
}

extension Table {
  /// Whether a rule that INPUT reaches accepts packets of established connections.
  var acceptsSomeAnswers: Bool {
    let reach = ChainReach(self)
    return chains.indices.contains { index in
      reach.hooks[index].contains(.input)
        && chains[index].rules.contains { rule in
          guard rule.target == .verdict(.accept), let state = rule.condition(family).fields.first(where: { $0.name == "ct.state" }) else {
            return false
          }
          return Condition.all([rule.condition(family), .equals(state, ConntrackState.established)]).witness(family, at: .input) != nil
        }
    }
  }
}

extension Rule {
  /// Whether the target takes packets from connection tracking.
  var leavesUntracked: Bool {
    guard case .use(let use) = target else { return false }
    return use.descriptor.effects(use.payload, EffectSite(family: .ipv4, hook: .prerouting)).contains { effect in
      guard case .change(let field, .masked(let keep, let flip), _) = effect, field.name == "ct.state" else { return false }
      return keep == 0 && flip == UInt128(ConntrackState.untracked)
    }
  }

  /// Whether the rule is for packets in the state INVALID, whatever else they are.
  func asksOnlyInvalid(_ family: Family) -> Bool {
    let condition = condition(family)
    let fields = condition.fields
    guard let state = fields.first(where: { $0.name == "ct.state" }), fields.allSatisfy({ $0 == state || $0.name == "ct.exists" }),
      condition.isDecidable
    else { return false }
    let isInvalid = Condition.equals(state, ConntrackState.invalid)
    return Condition.all([condition, .not(isInvalid)]).witness(family, at: .input) == nil
      && Condition.all([condition, isInvalid]).witness(family, at: .input) != nil
  }
}
