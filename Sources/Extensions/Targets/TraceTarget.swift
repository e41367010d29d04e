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

  /// `NFT_META_NFTRACE`.
  private static let metaTrace: UInt32 = 12

  /// The corresponding C functions are `add_meta_nftrace` and `nft_meta_set_to_target`.
  public static let native: NativeForm<Info>? = NativeForm(
    encode: { _ in [.setMeta(key: metaTrace, value: [1])] },
    decode: { step, _, info in
      guard case .setMeta(metaTrace, let value) = step, value.first ?? 0 != 0 else { return nil }
      return info
    })

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {}

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [.set(.isTraced, 1, clearing: 1)] }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    packet.isTraced = true
    return .proceed
  }
}
