import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds services that strangers reach by a rule.
public enum OpenServiceCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE071"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "open-service"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule lets everyone reach a service that is not meant for everyone"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Databases, the APIs of Docker and Kubernetes, file sharing and remote desktops are attacked within hours if every address of the \
    internet reaches them; most have no password, or a known one. Accept them from certain networks only (-s), or on an inner interface \
    (-i).
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n↓-A INPUT -p tcp -m tcp --dport 2375 -j ACCEPT\n↓-A INPUT -p tcp -m multiport --dports 3306,6379 -j ACCEPT\nCOMMIT\n",
      says: ["every address reaches the Docker API (tcp 2375)", "every address reaches MySQL (tcp 3306) and Redis (tcp 6379)"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 3306 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Runs packets of three strangers to the port of each service. A rule that accepts any port is left to `accept-all`.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, probes.declared(.input) != nil else { return [] }
    var services: [SourceRange: (names: [String], opening: HostProbes.Opening)] = [:]
    var order: [SourceRange] = []
    let any = Set([IPProtocol.tcp, .udp].compactMap { probes.opening($0, GuardedService.unusedPort)?.rule(in: probes.ruleset)?.source })
    let addresses = probes.budget < GuardedService.all.count * 8 ? Array(probes.own.prefix(1)) : probes.own
    for service in GuardedService.all {
      guard let opening = probes.opening(service.proto, service.port, addresses: addresses), let rule = opening.rule(in: probes.ruleset),
        let source = rule.source, !any.contains(source)
      else { continue }
      if services[source] == nil { order.append(source) }
      services[source, default: ([], opening)].names.append(service.words)
    }
    return order.compactMap { source in
      services[source].map { found in
        proved("every address reaches \(Self.list(found.names))", at: source, by: found.opening.witness)
      }
    }
  }

  private static func list(_ names: [String]) -> String {
    guard names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " and " + names[names.count - 1]
  }
}
