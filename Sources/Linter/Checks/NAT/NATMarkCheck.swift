import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds marks that only first packets get.
public enum NATMarkCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE065"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "nat-mark"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a mark is set in the nat table"
  /// The group under which it is listed.
  public static let group = CheckGroup.nat
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The nat table sees only the first packet of each connection. A mark that is set there is missing on all later packets, so that \
    routing rules and other tables treat these otherwise. Set marks in the mangle table, or save them with CONNMARK --save-mark and \
    restore them in mangle PREROUTING.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n↓-A PREROUTING -i eth1 -p tcp -m tcp --dport 443 -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n",
      says: ["only the first packet of a connection gets this mark"]),
    .good("*mangle\n-A PREROUTING -i eth1 -p tcp -m tcp --dport 443 -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n"),
    .good(
      "*nat\n-A PREROUTING -i eth1 -j MARK --set-xmark 0x4000/0x4000\n-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE\nCOMMIT\n"),
  ]

  /// Reports each rule of the nat table that writes the mark of packets, if no rule of the table asks for it and none saves it.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let facts = context.tables.first(where: { $0.table.name == .nat }) else { return [] }
    let nat = facts.table
    let asks = nat.chains.contains { $0.rules.contains { $0.condition(nat.family).fields.contains(.mark) } }
    let saves = context.tables.contains { facts in
      facts.table.chains.contains { chain in chain.rules.contains { rule in rule.saves(.mark, facts.table.family) } }
    }
    guard !asks, !saves else { return [] }
    return nat.chains.flatMap(\.rules).filter { rule in
      guard case .use(let use) = rule.target else { return false }
      return use.descriptor.writes(use.payload, nat.family).fields == [.mark]
    }.map { finding("only the first packet of a connection gets this mark", at: $0.source) }
  }
}
