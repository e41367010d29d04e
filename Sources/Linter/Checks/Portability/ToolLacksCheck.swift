public import Diagnostics
import XTables

/// Finds options that the intended version of iptables does not know.
public enum ToolLacksCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE091"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "tool-lacks"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the version of iptables for which the ruleset is meant does not know an option"
  /// The group under which it is listed.
  public static let group = CheckGroup.portability
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    An option or a name that is newer than the installed iptables makes iptables-restore refuse the whole file. The check needs the \
    version: --tool 1.8.9, or --target el8.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE ↓--random-fully\nCOMMIT\n",
      says: ["iptables 1.4.21 has no option --random-fully for MASQUERADE: it is new in 1.6.2"], given: [.target("el7")]),
    .good("*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n"),
  ]

  /// The options, and the versions that introduced them.
  private static let options: [(name: String, since: String)] = [
    ("--hashlimit-rate-match", "1.6.2"), ("--hashlimit-rate-interval", "1.6.2"), ("--path", "1.6.1"), ("--object-pinned", "1.8.0"),
    ("--left-shift-mark", "1.8.0"), ("--right-shift-mark", "1.8.0"), ("--suppl-groups", "1.8.3"), ("--queue-cpu-fanout", "1.4.20"),
  ]
  private static let names: [(option: String, value: String, since: String)] = [
    ("--icmpv6-type", "mld-listener", "1.8.11"), ("-j", "SYNPROXY", "1.4.21"), ("-m", "srh", "1.8.0"),
  ]

  /// Reports each option that is newer than the target's version.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    guard let tool = context.settings.target.tool else { return [] }
    var found: [Diagnostic] = []
    for word in line.words where word.starts(with: "--") {
      guard let (name, since) = options.first(where: { word == $0.name }), let version = ProgramVersion(since), tool < version else {
        continue
      }
      found.append(finding("iptables \(tool) has no option \(name): it is new in \(since)", at: word.range))
    }
    if line.words.contains(where: { $0 == "MASQUERADE" }), let word = line.words.first(where: { $0 == "--random-fully" }),
      let version = ProgramVersion("1.6.2"), tool < version
    {
      found.append(finding("iptables \(tool) has no option --random-fully for MASQUERADE: it is new in 1.6.2", at: word.range))
    }
    for (option, value, since) in names {
      guard let version = ProgramVersion(since), tool < version else { continue }
      found += line.values(of: [option]).filter { $0.value.starts(with: value) }.map {
        finding("iptables \(tool) does not know \($0.value.string): it is new in \(since)", at: $0.range)
      }
    }
    return found
  }
}
