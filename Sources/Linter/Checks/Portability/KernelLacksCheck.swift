public import Diagnostics
import XTables

/// Finds matches, targets and options that the intended kernel does not have yet.
public enum KernelLacksCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE094"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "kernel-lacks"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the kernel for which the ruleset is meant has no such extension, or an older revision of it"
  /// The group under which it is listed.
  public static let group = CheckGroup.portability
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    New options of a match or target come as a new revision of its structure. A kernel that has only older revisions refuses the whole table, \
    and an old iptables says only that the revision is not supported. The check needs the kernel: --target el8, or `kernel' in .ferrule.yml. \
    It compares with the versions of kernel.org; distributions add some features to older kernels.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*raw\n-A PREROUTING -i eth0 -j CT ↓--zone-orig 1\nCOMMIT\n",
      says: ["Linux 3.10 does not know --zone-orig: revision 2 of CT is new in 4.3"], given: [.target("el7")]),
    .bad(
      "*nat\n-A PREROUTING -p tcp -m tcp --dport 5000:5010 -j DNAT ↓--to-destination 10.0.0.2:6000-6010/5000\nCOMMIT\n",
      says: ["Linux 3.10 does not know shifted ports: revision 2 of DNAT is new in 4.18"], given: [.target("el7")]),
    .good("*raw\n-A PREROUTING -i eth0 -j CT --zone 1\nCOMMIT\n"),
  ]

  private struct Feature {
    let option: String
    let revision: String
    let since: String
  }

  /// The options that came with a revision, and the version of Linux that has it.
  private static let options: [Feature] = [
    Feature(option: "--zone-orig", revision: "revision 2 of CT", since: "4.3"),
    Feature(option: "--zone-reply", revision: "revision 2 of CT", since: "4.3"),
    Feature(option: "--queue-cpu-fanout", revision: "revision 3 of NFQUEUE", since: "3.10"),
    Feature(option: "--map-set", revision: "revision 3 of SET", since: "3.18"),
    Feature(option: "--path", revision: "revision 1 of cgroup", since: "4.5"),
    Feature(option: "--object-pinned", revision: "revision 1 of bpf", since: "4.10"),
    Feature(option: "--hashlimit-rate-match", revision: "revision 3 of hashlimit", since: "4.14"),
    Feature(option: "--hashlimit-rate-interval", revision: "revision 3 of hashlimit", since: "4.14"),
    Feature(option: "--left-shift-mark", revision: "revision 2 of CONNMARK", since: "4.17"),
    Feature(option: "--right-shift-mark", revision: "revision 2 of CONNMARK", since: "4.17"),
    Feature(option: "--srh-psid", revision: "revision 1 of srh", since: "4.18"),
    Feature(option: "--srh-nsid", revision: "revision 1 of srh", since: "4.18"),
    Feature(option: "--srh-lsid", revision: "revision 1 of srh", since: "4.18"),
  ]
  private static let shifted = Feature(option: "shifted ports", revision: "revision 2 of DNAT", since: "4.18")
  private static let names: [(option: String, value: String, since: String)] = [
    ("-m", "srh", "4.16"), ("-m", "cgroup", "3.14"), ("-m", "ipcomp", "3.14"), ("-m", "l2tp", "3.14"), ("-m", "bpf", "3.9"),
    ("-m", "connlabel", "3.9"), ("-j", "SYNPROXY", "3.12"),
  ]

  /// Reports each option and each extension that is newer than the kernel of the target.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    guard let kernel = context.settings.target.kernel else { return [] }
    func isNewer(_ since: String) -> Bool { ProgramVersion(since).map { kernel < $0 } ?? false }
    func sentence(_ feature: Feature) -> String {
      "Linux \(kernel) does not know \(feature.option): \(feature.revision) is new in \(feature.since)"
    }
    var found = line.words.compactMap { word -> Diagnostic? in
      guard let feature = options.first(where: { word == $0.option }), isNewer(feature.since) else { return nil }
      return finding(sentence(feature), at: word.range)
    }
    if isNewer(shifted.since) {
      found += line.values(of: ["--to-destination"]).filter { $0.value.bytes.contains(UInt8(ascii: "/")) }.map {
        finding(sentence(shifted), at: $0.range)
      }
    }
    for name in names where isNewer(name.since) {
      found += line.values(of: [name.option]).filter { $0.value == name.value }.map {
        finding("Linux \(kernel) has no \(name.option) \(name.value): it is new in \(name.since)", at: $0.range)
      }
    }
    return found
  }
}
