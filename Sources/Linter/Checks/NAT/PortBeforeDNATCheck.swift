import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rules behind a translation that ask for what was before.
public enum PortBeforeDNATCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE060"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "port-before-dnat"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule asks for the port that packets had before their destination was translated"
  /// The group under which it is listed.
  public static let group = CheckGroup.nat
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The tables of FORWARD and INPUT see packets after nat PREROUTING: destination address and port are the new ones. A rule for the \
    published port does not match the translated packets. Ask for the new port, or for the old one with -m conntrack --ctorigdstport.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n↓-A FORWARD -i eth0 -p tcp -m tcp --dport 8080 -j DROP\nCOMMIT\n",
      says: ["packets that line 2 (DNAT) redirects from port 8080 have the port 80 here: the rule does not match them"]),
    .bad(
      "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n↓-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n",
      says: ["packets that line 2 (REDIRECT) redirects from port 80 have the port 8080 here: the rule does not match them"]),
    .good(
      "*nat\n-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -i eth0 -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n"
    ),
    .good(
      "*nat\n-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -d 172.17.0.3/32 -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Looks for rules that match a packet of a translating rule before the translation, and not behind it.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let nat = probes.ruleset[table: .nat], let filter = probes.ruleset[table: .filter] else { return [] }
    let translations = Translations(nat, at: .prerouting).all.filter {
      $0.port != nil && $0.port != $0.witness.draft.fields.destinationPort
    }
    guard !translations.isEmpty else { return [] }
    let reach = ChainReach(filter)
    var found: [Diagnostic] = []
    var seen: Set<SourceRange> = []
    for (index, chain) in filter.chains.enumerated() where !reach.hooks[index].intersection([.input, .forward]).isEmpty {
      for rule in chain.rules {
        guard let ports = rule.onlyPorts(filter.family), let source = rule.source else { continue }
        for translation in translations.prefix(context.mostTried) where ports.contains(translation.witness.draft.fields.destinationPort) {
          guard let port = translation.port, !ports.contains(port), rule.isFor(translation, reach.hooks[index]),
            seen.insert(source).inserted,
            let line = context.lineNumber(translation.rule.source)
          else { continue }
          let old = translation.witness.draft.fields.destinationPort
          found.append(
            proved(
              "packets that line \(line) (\(translation.rule.target.word)) redirects from port \(old) have the port \(port) here: the rule does not match them",
              at: source, by: translation.witness, deciding: translation.rule.source))
        }
      }
    }
    return found
  }
}
