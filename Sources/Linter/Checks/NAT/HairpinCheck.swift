import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds translations that clients beside the server cannot use.
public enum HairpinCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE066"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "hairpin"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "clients beside a server cannot use its public address"
  /// The group under which it is listed.
  public static let group = CheckGroup.nat
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The rule translates the public address also for clients in the server's own network. The server sees their addresses and answers \
    directly, so that the answers come from another address than the clients asked, and are dropped. Translate the source of such \
    connections: -A POSTROUTING -s NETWORK -d SERVER -j MASQUERADE.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n↓-A PREROUTING -d 203.0.113.5/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.0.0.5\n-A POSTROUTING -o wan0 -j MASQUERADE\nCOMMIT\n",
      says: ["clients in the network of 10.0.0.5 get answers from another address than they asked: nothing translates their source"]),
    .good(
      "*nat\n-A PREROUTING -d 203.0.113.5/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.0.0.5\n-A POSTROUTING -o wan0 -j MASQUERADE\n-A POSTROUTING -s 10.0.0.0/24 -d 10.0.0.5/32 -p tcp -m tcp --dport 443 -j MASQUERADE\nCOMMIT\n"
    ),
    .good(
      "*nat\n-A PREROUTING -d 203.0.113.5/32 -i wan0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.0.0.5\n-A POSTROUTING -o wan0 -j MASQUERADE\nCOMMIT\n"
    ),
  ]

  /// Runs a packet from a neighbour of the server, with the new destination, through POSTROUTING.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let nat = probes.ruleset[table: .nat],
      let probe = PacketProbe(Ruleset(nat.family, tables: [nat]))
    else { return [] }
    let outputs = Interfaces.names(in: probes.ruleset).filter { !probes.external.contains($0) && $0 != "lo" }.prefix(12) + ["eth8"]
    return Translations(nat, at: .prerouting).all.prefix(context.mostTried).compactMap { translation in
      guard let address = translation.address, !translation.isLocal, translation.rule.header.input.matchesAll,
        translation.rule.header.destination.mask != 0, translation.rule.header.source.mask == 0
      else { return nil }
      var draft = translation.translated(translation.witness.draft)
      draft.fields.source = IPAddress(family: nat.family, bits: address.bits ^ 3)
      var first: Witness?
      for output in outputs {
        (draft.input, draft.output) = (output, output)
        let witness = Witness(draft: draft, hook: .postrouting, state: nil)
        guard let walk = probe.decidedWalk(witness) else { return nil }
        if walk.rules.contains(where: { nat[$0.place].translatesSource(nat.family) }) { return nil }
        first = first ?? witness
      }
      return first.map {
        proved(
          "clients in the network of \(address) get answers from another address than they asked: nothing translates their source",
          at: translation.rule.source, by: $0)
      }
    }
  }
}
