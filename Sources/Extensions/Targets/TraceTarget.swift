public import Wire
public import XTables

/// Logs every rule that the packet matches from here on. Kernel: `xt_TRACE`, revision 0.
public enum TraceTarget: TargetExtension {
  /// Empty: the kernel has no structure.
  public struct Info: BitwiseCopyable, Sendable {}

  public static let name = "TRACE"
  public static let families: Families = .both
  public static let summary = "logs every rule that the packet passes from here on"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.raw]) }

  public static let options: [Option<Info>] = []
  public static let layouts = [Layout<Info>(revision: 0, abiSize: 0)]
  public static let examples: [Example] = [
    .passes(
      "", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", because: "the kernel logs every rule that the packet passes from here on", table: .raw),
    .rejects("--foo", table: .raw),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {}

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [.set(.isTraced, 1, clearing: 1)] }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    packet.isTraced = true
    return .proceed
  }
}
