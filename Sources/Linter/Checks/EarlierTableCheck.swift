import Analysis
public import Diagnostics
import XTables

/// Finds rules to which earlier tables let no first packet of a connection come.
public enum EarlierTableCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE096"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "earlier-table"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "an earlier table drops or changes all first packets that a rule asks for"
  /// The more specific checks; see ``Check/yieldsTo``.
  public static let yieldsTo: Set<String> = ["FE060"]
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Packets pass the tables in the order raw, mangle, nat, filter at each hook, and PREROUTING before INPUT and FORWARD. A rule of FORWARD \
    sees the destination that nat PREROUTING has written, and the mark that mangle PREROUTING has set. No packet that begins a connection comes \
    to this rule with what it tests for. Ask for what the earlier table leaves, or move the test to that table. Nothing is said of packets \
    that belong to no connection, nor of the later packets of one that began before these rules were loaded. Tables that the file does not \
    have are taken for empty.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n-A PREROUTING -d 192.0.2.1/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 10.0.0.5/32 -p tcp -m tcp --dport 80 -j ACCEPT\n↓-A FORWARD -d 192.0.2.1/32 -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n",
      says: ["no packet that begins a connection matches this rule: line 2 (DNAT) of table nat changes what it tests for"]),
    .bad(
      "*mangle\n-A PREROUTING -i eth0 -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n*filter\n↓-A FORWARD -i eth0 -m mark --mark 0x2 -j DROP\n-A FORWARD -i eth1 -m mark --mark 0x2 -j DROP\nCOMMIT\n",
      says: ["no packet that begins a connection matches this rule: line 2 (MARK) of table mangle changes what it tests for"]),
    .bad(
      "*raw\n-A PREROUTING -s 198.51.100.0/24 -j DROP\nCOMMIT\n*filter\n↓-A FORWARD -s 198.51.100.0/25 -p tcp -j ACCEPT\nCOMMIT\n",
      says: ["no packet that begins a connection matches this rule: line 2 (DROP) of table raw takes those that would"]),
    .good(
      "*nat\n-A PREROUTING -i eth0 -d 192.0.2.1/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80\nCOMMIT\n*filter\n-A FORWARD -d 192.0.2.1/32 -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n"
    ),
    .good(
      "*raw\n-A PREROUTING -p tcp -m tcp --dport 8080 -j CT --notrack\nCOMMIT\n*nat\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80\nCOMMIT\n*filter\n-A FORWARD -d 192.0.2.1/32 -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n"
    ),
    .good(
      "*nat\n-A PREROUTING -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 80\nCOMMIT\n*filter\n-A INPUT -p tcp -m tcp --dport 8080 -s 127.0.0.1/32 -j DROP\nCOMMIT\n"
    ),
    .good("*mangle\n-A PREROUTING -j MARK --set-xmark 0x1/0x1\nCOMMIT\n*filter\n-A FORWARD -m mark --mark 0x2/0x2 -j DROP\nCOMMIT\n"),
  ]

  /// Reports each rule that first packets would match if its table were the only one, with a packet and what happens to it before.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let ruleset = context.probes?.ruleset, var sequence = TableSequence(ruleset) else { return [] }
    return sequence.findings().compactMap { finding in
      guard let table = ruleset[table: finding.table] else { return nil }
      let named = finding.blockers.suffix(LintContext.blockersNamed)
      let names = named.compactMap { blocker in
        ruleset[table: blocker.table].map { "\(context.names(of: [blocker.place], in: $0)) of table \(blocker.table.rawValue)" }
      }
      let places = named.compactMap { ruleset[table: $0.table]?[$0.place].source }
      let isTaken = finding.blockers.last.map { ruleset[table: $0.table]?[$0.place].target == .verdict(.drop) } ?? false
      let verb = isTaken ? (named.count == 1 ? "takes" : "take") : named.count == 1 ? "changes" : "change"
      var diagnostic = proved(
        "no packet that begins a connection matches this rule: \(names.joined(separator: " and ")) \(verb) "
          + (isTaken ? "those that would" : "what it tests for"), at: table[finding.place].source, by: finding.witness)
      diagnostic.evidence = Diagnostic.Evidence(witness: finding.witness.line, blockers: places)
      return diagnostic
    }
  }
}
