public import Diagnostics
import XTables

/// A range whose end lies before its beginning.
public enum ReversedRangeCheck: Check {
  public static let code = "FE011"
  public static let id = "reversed-range"
  public static let title = "a range ends before it begins"
  public static let rationale = """
    iptables 1.8.9 takes such a range without a word, and no packet is ever in it; newer versions refuse the file.
    """
  public static let examples: [CheckExample] = [
    .bad("*filter\n-A INPUT -p tcp --dport ↓1023:1 -j ACCEPT\nCOMMIT\n", says: ["the range ends before it begins: no value lies in it"]),
    .good("*filter\n-A INPUT -p tcp --dport 1:1023 -j ACCEPT\nCOMMIT\n"),
  ]

  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    line.values(of: RangeOptions.names).compactMap { value in
      guard let (low, high) = RangeOptions.bounds(value), low > high else { return nil }
      return finding("the range ends before it begins: no value lies in it", at: value.value.range)
    }
  }
}
