public import Wire
public import XTables

/// Matches IPv6 source addresses formed from the sender's MAC address. Kernel: `ip6t_eui64`, revision 0.
public enum EUI64Match: MatchExtension {
  /// An unused integer.
  public typealias Info = Int32

  public static let name = "eui64"
  public static let families: Families = .ipv6
  public static let summary = "matches IPv6 source addresses formed from the sender's MAC address (EUI-64)"
  public static let initial: Info = 0
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.prerouting, .input, .forward]) }
  public static let options: [Option<Info>] = []
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<Int32>.size)]
  public static let examples: [Example] = [
    .matches("", "eth0 smac=02:ff:00:00:00:01 udp [fd00::ff:ff:fe00:1]:1000 > [fd01::9]:53", table: .raw),
    .misses("", "eth0 smac=02:ff:00:00:00:01 udp [fd00::ff:ff:fe00:2]:1000 > [fd01::9]:53", table: .raw),
    .accepts(""), .rejects("--eui64"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.glue("eui64 ")
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let field = Field("eui64", bits: 1, FieldTraits(.fields([.sourceAddress, .linkSource]), .value)) { context in
      guard let link = context.packet.link, link.etherType == 0x86dd, let source = context.packet.ipv6?.source else { return .value(0) }
      let octets = link.source.octets
      let expected = [octets[0] ^ 0x02, octets[1], octets[2], 0xff, 0xfe, octets[3], octets[4], octets[5]]
      return .of(UInt64(truncatingIfNeeded: source.rawValue) == expected.reduce(0) { $0 << 8 | UInt64($1) })
    }
    return .equals(field, 1)
  }
}
