import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds SSH servers that are open to everyone.
public enum OpenSSHCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE072"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "open-ssh"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "everyone reaches the SSH server without a limit"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Port 22 is scanned all the time. If the server takes keys only, that is noise; otherwise passwords are guessed. Accept SSH from the \
    networks of the administrators (-s), or limit new connections with -m hashlimit, or -m recent.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n↓-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
      says: ["every address reaches SSH (tcp 22), as often as it likes"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    ),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -m hashlimit --hashlimit-upto 4/min --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name ssh -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Runs packets of three strangers to port 22, through chains without state or chance.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, probes.declared(.input) != nil, let opening = probes.opening(.tcp, 22),
      let rule = opening.rule(in: probes.ruleset), rule.condition(probes.ruleset.family).isDecidable
    else { return [] }
    // A rule that accepts any port is left to another check, and so is one that limits the connections beforehand.
    if probes.opening(.tcp, GuardedService.unusedPort)?.rule(in: probes.ruleset)?.source == rule.source { return [] }
    guard let filter = probes.ruleset[table: .filter], !filter.limits(port: 22, before: rule) else { return [] }
    return [proved("every address reaches SSH (tcp 22), as often as it likes", at: rule.source, by: opening.witness)]
  }
}
