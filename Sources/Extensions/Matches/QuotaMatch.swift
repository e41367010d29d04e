import CNetfilter
public import Wire
public import XTables

/// Matches until a number of bytes has passed. Kernel: `xt_quota`, revision 0.
public enum QuotaMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_quota_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var flags: UInt32 = 0
    var padding: UInt32 = 0
    /// Bytes.
    var quota: UInt64 = 0
    /// Used by the kernel only; 0 in a rule's text.
    var kernelState: UInt64 = 0
  }

  public static let name = "quota"
  public static let families: Families = .both
  public static let summary = "matches until a number of bytes has passed"
  public static let initial = Info()
  public static let options: [Option<Info>] = [
    Option("--quota", .unsigned(), \.quota, invert: .bits(\.flags, 1), .mandatory, "bytes")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(xt_quota_info_size), userSize: 16)]
  public static let examples: [Example] = [
    .matches("--quota 70", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 payload=hello"),
    .misses(
      "--quota 70", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 payload=hello",
      after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 payload=hello", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 payload=hello"]),
    .accepts("--quota 0"), .accepts("! --quota 18446744073709551615"), .rejects("--quota 18446744073709551616"), .rejects(""),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("quota: \(info.quota) bytes")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.flags & ~1 != 0 { throw .kernel("quota: unknown flags") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition { .opaque }

  /// The corresponding kernel function is `quota_mt`. A packet that exceeds the remaining quota sets it to 0.
  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    let length = UInt64(packet.packet.count)
    let fits = packet.world.memory.withState(of: packet.slot, initial: info.quota) { left in
      let fits = left >= length
      left = fits ? left - length : 0
      return fits
    }
    return .of(fits != (info.flags & 1 != 0))
  }
}
