import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds translations whose packets are dropped afterwards.
public enum DroppedDNATCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE063"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "dropped-dnat"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "packets with a translated destination are dropped behind the translation"
  /// The group under which it is listed.
  public static let group = CheckGroup.nat
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A rule in nat PREROUTING sends packets to another host, and the filter table drops them in FORWARD. The rule of FORWARD must accept \
    the new destination and the new port, or all translated packets with -m conntrack --ctstate DNAT.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n↓-A PREROUTING -i eth0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.0.0.5\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 10.0.0.6/32 -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n",
      says: ["the policy of FORWARD drops the packets that this rule sends to 10.0.0.5 port 443"]),
    .good(
      "*nat\n-A PREROUTING -i eth0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.0.0.5\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 10.0.0.5/32 -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Runs a packet of each rule, with its new destination, through FORWARD and, because the destination may be this host's, through INPUT.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let nat = probes.ruleset[table: .nat], probes.declared(.forward) != nil else { return [] }
    var left = probes.budget
    let probe = probes.filterProbe
    let outputs = Interfaces.names(in: probes.ruleset).prefix(12) + ["eth1", "eth0"]
    return Translations(nat, at: .prerouting).all.prefix(context.mostTried).compactMap { translation in
      guard let address = translation.address, !translation.isLocal, left > 0, translation.rule.condition(nat.family).isDecidable else {
        return nil
      }
      var draft = translation.translated(translation.witness.draft)
      let input = Witness(draft: draft, hook: .input, state: nil)
      left -= 1
      if probes.declared(.input) != nil, probe.decidedWalk(input)?.verdict == .accept, translation.isOwn(probes) { return nil }
      var first: (Witness, RulesetWalk)?
      for output in outputs where output != draft.input {
        draft.output = output
        left -= 1
        for state in [ConntrackState.new | ConntrackState.destinationNAT, nil] {
          let witness = Witness(draft: draft, hook: .forward, state: state == nil ? nil : ConntrackState.new)
          guard let walk = probe.decidedWalk(witness), walk.verdict == .drop else { return nil }
          first = first ?? (witness, walk)
        }
      }
      guard let (witness, walk) = first, !probes.ruleset.asksForTranslation else { return nil }
      let decider = walk.decidingRule(in: probes.ruleset)
      let subject =
        decider.flatMap { rule in context.lineNumber(rule.source).map { "line \($0) (\(rule.target.word))" } } ?? "the policy of FORWARD"
      let port = draft.fields.proto.hasPorts ? " port \(draft.fields.destinationPort)" : ""
      var arriving = translation.witness.draft
      arriving.output = witness.draft.output
      return proved(
        "\(subject) drops the packets that this rule sends to \(address)\(port)", at: translation.rule.source,
        by: probes.translated(arriving, by: translation, to: .drop), deciding: decider?.source)
    }
  }
}
