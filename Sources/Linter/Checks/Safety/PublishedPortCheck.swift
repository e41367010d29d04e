import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds ports of containers that everyone reaches.
public enum PublishedPortCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE082"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "published-port"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a published port of a container does not pass INPUT"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Docker translates the destination in nat PREROUTING, so that packets to a published port are forwarded: rules in INPUT do not see \
    them, and ufw does not block them. Publish the port on one address (-p 127.0.0.1:8080:80), or put rules into DOCKER-USER.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n↓-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:DOCKER - [0:0]\n-A FORWARD -o docker0 -j DOCKER\n-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n",
      says: ["every address reaches 172.17.0.2 port 80 by port 8080 of this host; INPUT does not see these packets"]),
    .good(
      "*nat\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n-A DOCKER -d 127.0.0.1/32 ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"
    ),
  ]

  /// Runs a packet for each translated port through all tables.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let nat = probes.ruleset[table: .nat], probes.declared(.forward) != nil else { return [] }
    return Translations(nat, at: .prerouting).all.prefix(context.mostTried).compactMap { translation in
      guard translation.chain.hasPrefix("DOCKER") || translation.chain.hasPrefix("CNI-") || translation.chain.hasPrefix("NETAVARK") else {
        return nil
      }
      guard let address = translation.address, let port = translation.port, !translation.isLocal,
        translation.rule.header.destination.mask == 0,
        let opening = probes.forwarding(translation)
      else { return nil }
      let published = translation.witness.draft.fields.destinationPort
      return proved(
        "every address reaches \(address) port \(port) by port \(published) of this host; INPUT does not see these packets",
        at: translation.rule.source, by: opening)
    }
  }
}
