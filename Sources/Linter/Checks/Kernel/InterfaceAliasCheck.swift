public import Diagnostics
import XTables

/// Finds rules for labels such as `eth0:1`.
public enum InterfaceAliasCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE041"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "interface-alias"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule names an alias of an interface"
  /// The group under which it is listed.
  public static let group = CheckGroup.kernel
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A name such as eth0:1 is a label of an address, which `ifconfig` shows like an interface. Packets arrive on eth0, so a rule for \
    eth0:1 matches none. Test the address of the alias with -d, or its packets with -i eth0.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT ↓-i eth0:1 -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n",
      says: ["no packet arrives on `eth0:1': it is a label of an address of eth0"]),
    .good("*filter\n-A INPUT -i eth0 -d 192.0.2.7/32 -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each `-i` and `-o` with a colon in the name.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    line.values(of: ["-i", "--in-interface", "-o", "--out-interface"]).compactMap { option in
      guard let (device, _) = option.value.cut(at: ":"), !device.bytes.isEmpty else { return nil }
      let verb = option.name == "-i" || option.name == "--in-interface" ? "arrives on" : "leaves by"
      return finding("no packet \(verb) `\(option.value.string)': it is a label of an address of \(device.string)", at: option.range)
    }
  }
}
