import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rules that open ranges of ports.
public enum WideRangeCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE083"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "wide-port-range"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule lets everyone reach thousands of ports"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The rule accepts a wide range of ports from any address. Whatever listens there now, or is installed later, is open: databases, APIs \
    and debuggers use such ports too. Name the ports that are needed.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n↓-A INPUT -p tcp -m tcp --dport 1025:65535 -j ACCEPT\nCOMMIT\n",
      says: ["every address reaches the ports 1025 to 65535"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 1025:65535 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// The least number of ports that is remarked.
  static let leastPorts = 1000

  /// Runs packets of three strangers to a port that no rule names.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, probes.declared(.input) != nil else { return [] }
    var seen: Set<SourceRange> = []
    return [IPProtocol.tcp, .udp].compactMap { proto in
      guard let opening = probes.opening(proto, GuardedService.unusedPort), let rule = opening.rule(in: probes.ruleset),
        let ports = rule.onlyPorts(probes.ruleset.family) ?? (rule.header.protocolNumber == 0 ? nil : 0...65535), ports.count >= leastPorts,
        let source = rule.source, seen.insert(source).inserted
      else { return nil }
      return proved("every address reaches the ports \(ports.lowerBound) to \(ports.upperBound)", at: source, by: opening.witness)
    }
  }
}
