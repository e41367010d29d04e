import CNetfilter
public import Wire
public import XTables

/// Computes a checksum that would be left to the network card. Kernel: `xt_CHECKSUM`, revision 0.
public enum ChecksumTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_CHECKSUM_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var operation: UInt8 = 0
  }

  /// `XT_CHECKSUM_OP_FILL`.
  private static let fill: UInt8 = 1

  public static let name = "CHECKSUM"
  public static let families: Families = .both
  public static let summary = "computes a checksum that was left to the network card"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle]) }

  public static let options: [Option<Info>] = [
    Option(flag: "--checksum-fill", present: .bits(\.operation, fill), .mandatory, "compute the checksum and store it")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_CHECKSUM_info>.size)]
  public static let examples: [Example] = [
    .passes(
      "--checksum-fill", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      because: "a checksum left to the network card is computed; a complete checksum is unchanged", table: .mangle),
    .rejects("", table: .mangle),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("CHECKSUM")
    if info.operation & fill != 0 { text.word("fill") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.operation != fill { throw .kernel("CHECKSUM: unknown operation") }
  }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { FieldEffect.unknown(.transportChecksum) }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    packet.completeChecksum()
    return .proceed
  }
}

extension Field {
  /// The checksum of the transport header, as far as the kernel has computed it.
  fileprivate static let transportChecksum = Field("transport.checksum", bits: 16, FieldTraits(.bytes, [.value, .absent, .unknown])) {
    context in
    let value = context.asked { asked in
      asked.packet.transport.flatMap { at in Packet.checksumOffset(of: at.proto).flatMap { asked.packet.bytes.uint16(at: at.offset + $0) } }
    }
    return value.map { $0.map { .of($0) } ?? .absent } ?? .unknown(PacketContext.unknownChecksum("the checksum"))
  }
}
