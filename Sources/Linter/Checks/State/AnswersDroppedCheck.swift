import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds hosts that hear no answers.
public enum AnswersDroppedCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE054"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "answers-dropped"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "answers to the connections of this host are dropped"
  /// The group under which it is listed.
  public static let group = CheckGroup.state
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The policy of INPUT is DROP, and no rule accepts packets of established connections: this host can connect to nothing, because the \
    answers do not arrive. Add -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT at the beginning.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
      says: ["INPUT drops the answers to connections that this host begins"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Runs answers from ports of web and name servers to all addresses that rules name, on all interfaces.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let chain = probes.declared(.input), chain.policy == .drop, probes.servesOthers else { return [] }
    guard let server = HostProbes.strangers(probes.ruleset.family).first else { return [] }
    var first: Witness?
    for input in probes.external + Interfaces.names(in: probes.ruleset).filter({ $0 != "lo" }).prefix(8) {
      for address in probes.own {
        for (proto, port) in [(IPProtocol.udp, UInt16(53)), (.tcp, 443), (.tcp, 80)] {
          var witness = probes.arriving(proto, 41_234, from: server, to: address, on: input, state: ConntrackState.established)
          witness.draft.fields.sourcePort = port
          guard let walk = probes.walk(witness), walk.verdict == .drop else { return [] }
          first = first ?? witness
        }
      }
    }
    // Servers that are named one by one may be the only ones that the host asks.
    guard let filter = probes.ruleset[table: .filter], !filter.acceptsSomeAnswers else { return [] }
    return first.map { [proved("INPUT drops the answers to connections that this host begins", at: chain.source, by: $0)] } ?? []
  }
}
