public import Diagnostics
import XTables

/// Finds queues without a bypass.
public enum QueueBypassCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE076"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "queue-without-bypass"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "packets are dropped while no program listens to a queue"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    While no program has opened the queue, before it starts, after a crash, and during an update, the kernel drops every packet that the \
    rule matches. With --queue-bypass the packets proceed as if accepted by this rule. Without it the host fails closed: suppress the \
    finding if that is meant.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n↓-A FORWARD -j NFQUEUE --queue-num 0\nCOMMIT\n", says: ["packets are dropped while no program listens to queue 0"]),
    .good("*filter\n-A FORWARD -j NFQUEUE --queue-num 0 --queue-bypass\nCOMMIT\n"),
  ]

  /// Reports each rule that passes packets to a queue without this option.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap(\.table.chains).flatMap(\.rules).compactMap { rule in
      guard case .use(let use) = rule.target else { return nil }
      for case .queues(let queues, bypasses: false) in use.descriptor.hostUses(use.payload) {
        let names = queues.count == 1 ? "queue \(queues.lowerBound)" : "queues \(queues.lowerBound) to \(queues.upperBound)"
        return finding("packets are dropped while no program listens to \(names)", at: rule.source)
      }
      return nil
    }
  }
}
