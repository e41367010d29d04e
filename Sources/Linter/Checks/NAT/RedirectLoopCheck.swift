import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds proxies that serve themselves.
public enum RedirectLoopCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE062"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "redirect-loop"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the connections of a local proxy are redirected to the proxy"
  /// The group under which it is listed.
  public static let group = CheckGroup.nat
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A rule in nat OUTPUT sees the connections of every local program, also those of the proxy to which it redirects. The proxy then \
    connects to itself without end. Except the proxy's own connections: by its user (-m owner ! --uid-owner proxy), a mark, or a control \
    group.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n↓-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128\nCOMMIT\n",
      says: ["connections of the program at port 3128 are redirected to itself: except its user or mark"]),
    .good("*nat\n-A OUTPUT -p tcp -m tcp --dport 80 -m owner ! --uid-owner 13 -j REDIRECT --to-ports 3128\nCOMMIT\n"),
    .good("*nat\n-A OUTPUT -m owner --uid-owner 13 -j RETURN\n-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128\nCOMMIT\n"),
    .good("*nat\n-A OUTPUT -d 203.0.113.5/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n"),
  ]

  /// Looks for redirections of this host's packets to itself in tables whose rules do not ask who sent a packet.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let nat = probes.ruleset[table: .nat] else { return [] }
    let reach = ChainReach(nat)
    let reached = nat.chains.indices.filter { reach.hooks[$0].contains(.output) }
    let asksSender = reached.contains {
      nat.chains[$0].rules.contains { rule in rule.matches.contains { Self.asksSender($0, nat.family) } }
    }
    guard !asksSender else { return [] }
    return Translations(nat, at: .output).all.prefix(context.mostTried).filter { translation in
      guard let port = translation.port, translation.isLocal else { return false }
      let header = translation.rule.header
      // For certain destinations, or those of this host, the proxy is not on the way to others.
      return header.destination.mask == 0 && translation.rule.matches.allSatisfy { !$0.descriptor.needs.contains(.addresses) }
        && port != 53 && translation.witness.draft.fields.destinationPort != 53
        && !translation.rule.condition(nat.family).fields.contains { $0.name.hasPrefix("fib") || $0.name.hasPrefix("addrtype") }
    }.map { translation in
      proved(
        "connections of the program at port \(translation.port ?? 0) are redirected to itself: except its user or mark",
        at: translation.rule.source,
        by: translation.witness)
    }
  }

  private static func asksSender(_ use: ExtensionUse, _ family: Family) -> Bool {
    ["owner", "mark", "connmark", "cgroup", "socket"].contains(use.descriptor.name)
  }
}
