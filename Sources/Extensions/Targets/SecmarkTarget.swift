import CNetfilter
public import Wire
public import XTables

/// Sets the security context of the packet. Kernel: `xt_SECMARK`, revision 1.
public enum SecmarkTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_secmark_target_info_v1`.
  public struct Info: BitwiseCopyable, Sendable {
    var mode: UInt8 = 0
    var context = FixedName<256>()
    var padding = InlineArray<3, UInt8>(repeating: 0)
    /// The number of the context; set by the kernel only.
    var identifier: UInt32 = 0
  }

  /// The corresponding kernel structure is `xt_secmark_target_info`.
  private struct IdentifierFirst: BitwiseCopyable, Sendable {
    var mode: UInt8
    var padding = InlineArray<3, UInt8>(repeating: 0)
    var identifier: UInt32 = 0
    var context: FixedName<256>
  }

  /// `SECMARK_MODE_SEL`.
  private static let selinux: UInt8 = 1

  public static let name = "SECMARK"
  public static let families: Families = .both
  public static let summary = "sets the security context of the packet"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle, .security]) }

  public static let options: [Option<Info>] = [
    Option(
      "--selctx", .bareName(placeholder: "context"), \.context,
      present: Presence(get: { $0.mode == selinux }, set: { $0.mode = selinux }), .mandatory, "the SELinux context")
  ]
  public static let layouts: [Layout<Info>] = [
    Layout(
      revision: 0, IdentifierFirst.self, abiSize: MemoryLayout<xt_secmark_target_info>.size,
      upgrade: { Info(mode: $0.mode, context: $0.context) },
      downgrade: { IdentifierFirst(mode: $0.mode, context: $0.context) }),
    Layout(revision: 1, abiSize: MemoryLayout<xt_secmark_target_info_v1>.size),
  ]
  public static let examples: [Example] = [
    .passes(
      "--selctx system_u:object_r:firewalld_exec_t:s0", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      because: "the SELinux mark is metadata; the packet is unchanged", table: .security),
    .rejects("", table: .security),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("SECMARK selctx \(info.context.string)")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.mode != selinux { throw .kernel("SECMARK: mode \(info.mode) does not exist") }
    if info.context.bytes.isEmpty { throw .kernel("SECMARK: the context is empty") }
  }

  /// The security module chooses the number of a context. Here contexts are numbered in the order of use.
  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { FieldEffect.unknown(.securityMark) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    let context = info.context.string
    packet.securityMark = packet.world.memory.withState(named: "SECMARK", initial: [String: UInt32]()) { numbers in
      let number = numbers[context] ?? UInt32(numbers.count + 1)
      numbers[context] = number
      return number
    }
    packet.note { .note("SECMARK sets the context \(context), number \($0.securityMark) in this run") }
    return .proceed
  }
}
