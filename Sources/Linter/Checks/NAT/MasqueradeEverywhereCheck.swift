import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds translation of sources without a test of the outgoing interface.
public enum MasqueradeEverywhereCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE061"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "masquerade-everywhere"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "sources are translated whatever interface packets leave by"
  /// The group under which it is listed.
  public static let group = CheckGroup.nat
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Without -o, or another test, a rule translates the source of every connection: also of connections to this host over lo and of \
    connections from outside to inside, whose servers then see this host as their client. Name the interface of the uplink: -o eth0.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n↓-A POSTROUTING -j MASQUERADE\nCOMMIT\n",
      says: ["the source of every connection is translated, also over lo: name the uplink with -o"]),
    .good("*nat\n-A POSTROUTING -o lo -j MASQUERADE\nCOMMIT\n"),
    .good("*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n"),
    .good("*nat\n-A POSTROUTING -s 10.0.0.0/24 ! -d 10.0.0.0/24 -j MASQUERADE\nCOMMIT\n"),
  ]

  /// An interface that no rule names.
  private static let unnamed = "zz9"

  /// Runs a packet of this host to itself over lo, and by an interface that no rule names.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let nat = probes.ruleset[table: .nat],
      let local = IPAddress(nat.family == .ipv4 ? "127.0.0.1" : "::1")
    else { return [] }
    var draft = PacketDraft(PacketFields(local, local, proto: .tcp))
    draft.fields.destinationPort = GuardedService.unusedPort
    draft.fields.sourcePort = 40_000
    draft.output = "lo"
    func translation(_ witness: Witness) -> RulePosition? {
      probes.walk(witness)?.rules.last { $0.table == .nat && nat[$0.place].translatesSource(nat.family) }?.place
    }
    let witness = Witness(draft: draft, hook: .postrouting, state: nil)
    draft.output = unnamed
    guard let place = translation(witness), translation(Witness(draft: draft, hook: .postrouting, state: nil)) == place else { return [] }
    return [
      proved("the source of every connection is translated, also over lo: name the uplink with -o", at: nat[place].source, by: witness)
    ]
  }
}
