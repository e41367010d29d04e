public import Diagnostics
import XTables

/// Finds targets that the intended kernel does not have.
public enum RemovedTargetCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE092"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "removed-target"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the kernel for which the ruleset is meant has no such target"
  /// The group under which it is listed.
  public static let group = CheckGroup.portability
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A target that was removed from Linux makes the kernel refuse the whole table: CLUSTERIP is missing from Linux 6.5 on, ULOG from \
    Linux 3.17 on. Use NFLOG instead of ULOG, and a cluster manager or -m cluster instead of CLUSTERIP. The check needs the kernel: \
    --target el10, or `kernel' in .ferrule.yml.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n-A INPUT ↓-j ULOG\nCOMMIT\n", says: ["Linux 6.12 has no target ULOG: it was removed in 3.17"], given: [.target("el10")]),
    .good("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n"),
  ]

  private static let removed: [(name: String, kernel: String)] = [("CLUSTERIP", "6.5"), ("ULOG", "3.17")]

  /// Reports each target that the kernel of the target does not have any more.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    guard let kernel = context.settings.target.kernel else { return [] }
    return line.values(of: ["-j", "--jump"]).compactMap { option in
      guard let (name, since) = removed.first(where: { option.value == $0.name }), let version = ProgramVersion(since), kernel >= version
      else { return nil }
      return finding("Linux \(kernel) has no target \(name): it was removed in \(since)", at: option.range)
    }
  }
}
