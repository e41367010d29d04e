public import Diagnostics
import Wire
import XTables

/// Finds runs of rules that one rule could replace.
public enum RuleRunCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE101"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "rule-run"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "many rules differ only in an address or a port"
  /// The group under which it is listed.
  public static let group = CheckGroup.cost
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A packet is compared with each of these rules in turn. One rule with -m multiport --dports takes up to 15 ports, and one rule with \
    -m set any number of addresses in a time that does not grow with their number (ipset create).
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 25 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 110 -j ACCEPT\nCOMMIT\n",
      says: ["this rule and the next 3 differ only in the port: -m multiport --dports takes them in one"]),
    .good("*filter\n-A INPUT -p tcp -m multiport --dports 21,25,80,110 -j ACCEPT\nCOMMIT\n"),
  ]

  /// The least number of rules that are worth a list of ports, and a set of addresses.
  private static let leastPorts = 4
  private static let leastAddresses = 16

  /// Reports the first rule of each run of such rules.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in facts.table.chains.flatMap { runs(in: $0, facts.table.family) } }
  }

  private static func runs(in chain: Chain, _ family: Family) -> [Diagnostic] {
    var found: [Diagnostic] = []
    var start = 0
    while start < chain.rules.count {
      var (ports, addresses) = (start + 1, start + 1)
      while ports < chain.rules.count, differOnlyInPort(chain.rules[ports - 1], chain.rules[ports]) { ports += 1 }
      while addresses < chain.rules.count, differOnlyInSource(chain.rules[addresses - 1], chain.rules[addresses]) { addresses += 1 }
      if ports - start >= leastPorts {
        found.append(
          finding(
            "this rule and the next \(ports - start - 1) differ only in the port: -m multiport --dports takes them in one",
            at: chain.rules[start].source))
      } else if addresses - start >= leastAddresses {
        found.append(
          finding(
            "this rule and the next \(addresses - start - 1) differ only in the source: a set takes them in one",
            at: chain.rules[start].source))
      }
      start = max(ports, addresses)
    }
    return found
  }

  private static func differOnlyInSource(_ one: Rule, _ other: Rule) -> Bool {
    guard one.target == other.target, one.matches == other.matches, one.header.source != other.header.source, one.header.source.mask != 0,
      other.header.source.mask != 0
    else { return false }
    var same = other.header
    same.source = one.header.source
    return same == one.header
  }

  private static func differOnlyInPort(_ one: Rule, _ other: Rule) -> Bool {
    guard one.target == other.target, one.header == other.header, one.matches.count == 1, other.matches.count == 1,
      one.matches != other.matches,
      ["tcp", "udp"].contains(one.matches[0].descriptor.name), one.matches[0].descriptor === other.matches[0].descriptor
    else { return false }
    // The first eight bytes are the ranges of source and destination ports; the destination's are at offset 4.
    let (left, right) = (one.matches[0].kernelBytes, other.matches[0].kernelBytes)
    return left.prefix(4) == right.prefix(4) && left.dropFirst(8).elementsEqual(right.dropFirst(8))
  }
}
