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
    // Rules for all but one port each match every port together; a list would match none of the four.
    .good(
      "*filter\n-A INPUT -p tcp -m tcp ! --dport 21 -j ACCEPT\n-A INPUT -p tcp -m tcp ! --dport 25 -j ACCEPT\n-A INPUT -p tcp -m tcp ! --dport 80 -j ACCEPT\n-A INPUT -p tcp -m tcp ! --dport 110 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// The least number of rules that are worth a list of ports, and a set of addresses.
  private static let leastPorts = 4
  private static let leastAddresses = 16

  /// Reports the first rule of each run of such rules.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in facts.table.chains.flatMap { runs(in: $0, facts.table.family, context) } }
  }

  private static func runs(in chain: Chain, _ family: Family, _ context: LintContext) -> [Diagnostic] {
    func isRun(_ end: Int, _ differ: (Rule, Rule) -> Bool) -> Bool {
      end < chain.rules.count && differ(chain.rules[end - 1], chain.rules[end])
        && !context.hasUnread(between: chain.rules[end - 1], and: chain.rules[end])
    }
    var found: [Diagnostic] = []
    var start = 0
    while start < chain.rules.count {
      var (ports, addresses) = (start + 1, start + 1)
      while isRun(ports, differOnlyInPort) { ports += 1 }
      while isRun(addresses, { differOnlyInSource($0, $1, family) }) { addresses += 1 }
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

  private static func differOnlyInSource(_ one: Rule, _ other: Rule, _ family: Family) -> Bool {
    // All packets but those of one source are no set; each rule has a limit or a list of its own.
    guard one.target == other.target, one.matches == other.matches, one.header.source != other.header.source, one.header.source.mask != 0,
      other.header.source.mask != 0, !one.header.inverted.contains(.source), one.matches.allSatisfy({ $0.condition(family).isDecidable })
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
    let (left, right) = (Array(one.matches[0].kernelBytes), Array(other.matches[0].kernelBytes))
    // `xt_tcp.invflags` and `xt_udp.invflags`: a rule for all ports but one is no part of a list.
    let inversions = left[one.matches[0].descriptor.name == "tcp" ? 11 : 8]
    guard inversions & 0x02 == 0 else { return false }
    return left.prefix(4) == right.prefix(4) && left.dropFirst(8).elementsEqual(right.dropFirst(8))
  }
}
