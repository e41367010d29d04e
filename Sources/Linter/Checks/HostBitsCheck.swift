public import Diagnostics
import Wire
import XTables

/// Finds addresses with bits outside their mask.
public enum HostBitsCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE014"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "host-bits"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "an address has bits outside its mask"
  /// A warning: iptables accepts the address.
  public static let severity = Severity.warning
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    iptables clears the bits outside the mask without a warning: -s 10.0.0.9/24 matches the whole network 10.0.0.0/24. If you mean \
    one host, remove the mask; if you mean the network, write 10.0.0.0/24. The fix writes the network, so the meaning stays the same.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -s ↓10.0.0.9/24 -j DROP\nCOMMIT\n",
      says: ["`10.0.0.9/24' matches the whole network 10.0.0.0/24"],
      fixed: "*filter\n-A INPUT -s 10.0.0.0/24 -j DROP\nCOMMIT\n"),
    .bad(
      "*filter\n-A INPUT -s ↓2001:db8::1/64 -j DROP\nCOMMIT\n",
      says: ["`2001:db8::1/64' matches the whole network 2001:db8::/64"],
      fixed: "*filter\n-A INPUT -s 2001:db8::/64 -j DROP\nCOMMIT\n", .ipv6),
    .good("*filter\n-A INPUT -s 10.0.0.9 -j DROP\n-A INPUT -s 10.0.0.9/32,10.1.0.0/16 -j DROP\nCOMMIT\n"),
  ]

  private static let names: Set<String> = ["-s", "-d", "--source", "--destination", "--src", "--dst"]

  /// Reports each address of `-s` and `-d` that has bits outside its prefix length.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    line.values(of: names).flatMap { value in
      value.value.split(on: ",").compactMap { finding(of: $0, in: value.value) }
    }
  }

  private static func finding(of part: Token, in whole: Token) -> Diagnostic? {
    guard let (host, suffix) = part.cut(at: "/"), let address = IPAddress(host.string),
      let prefix = suffix.unsigned, prefix > 0, prefix <= UInt64(address.family.addressBits)
    else { return nil }
    let mask = AddressMask.mask(prefix: Int(prefix), address.family)
    guard address.bits & ~mask != 0 else { return nil }
    let network = "\(IPAddress(family: address.family, bits: address.bits & mask))/\(prefix)"
    // Only the bytes of an unquoted word are those of the file, so only there the position of a part is known.
    let isPlain = whole.bytes.startIndex == Int(whole.range.lowerBound) && whole.bytes.count == whole.range.range.count
    let range = isPlain ? SourceRange(part.bytes.startIndex..<part.bytes.endIndex) : whole.range
    return finding(
      "`\(part.string)' matches the whole network \(network)", at: range,
      fix: isPlain ? [Diagnostic.FixIt("write \(network)", replace: range, with: Array(network.utf8))] : [])
  }
}
