import CNetfilter
public import Wire
public import XTables

/// Matches the compression parameter index of IPComp. Kernel: `xt_ipcomp`, revision 0.
public enum IPCompMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_ipcomp`. Without an option only index 0 matches.
  public struct Info: BitwiseCopyable, Sendable {
    var indices = NumberRange<UInt32>(0, 0)
    var inverted: UInt8 = 0
    /// Stored, but ignored by the kernel.
    var reservedIsZero: UInt8 = 0
    var padding: UInt16 = 0
  }

  public static let name = "ipcomp"
  public static let families: Families = .both
  public static let summary = "matches the CPI of an IPComp packet"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [108]) }

  public static let options: [Option<Info>] = [
    Option(
      "--ipcompspi", .range(), \.indices, invert: .flag(\.inverted), present: .when({ $0.indices != .all }, isLost: { $0.indices == .all }),
      .plain,
      "compression parameter index, or range of indices"),
    Option(flag: "--compres", present: .bits(\.reservedIsZero, 1), .plain, "has no effect"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_ipcomp>.size)]
  public static let examples: [Example] = [
    .matches("--ipcompspi 18", "eth0 108 10.0.0.9 > 10.0.1.9 l4=1100001201020304", before: "-p 108"),
    .misses("--ipcompspi 18", "eth0 108 10.0.0.9 > 10.0.1.9 l4=1100001301020304", before: "-p 108"),
    .accepts("--ipcompspi 18 --compres", before: "-p 108"), .accepts("! --ipcompspi 18", before: "-p 108"),
    .accepts("", saved: "--ipcompspi 0", before: "-p 108"), .rejects("--ipcompspi x", before: "-p 108"), .rejects("--ipcompspi 18"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("comp ")
    text.range("spi", info.indices, inverted: info.inverted != 0)
    if info.reservedIsZero != 0 { text.word("reserved") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x01 != 0 { throw .kernel("ipcomp: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let index = Field(
      "ipcomp.cpi", bits: 16,
      FieldTraits(.packet, [.value, .absent, .malformed]) { value, draft in
        guard draft.fields.proto.rawValue == 108 else { return false }
        return draft.setTransport([17, 0, UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value), 1, 2, 3, 4], at: 0)
      }
    ) { context in
      guard let transport = context.packet.transport, transport.fragmentOffset == 0 else { return .absent }
      return context.packet.bytes.uint16(at: transport.offset + 2).map { .of($0) } ?? .malformed
    }
    return .all([.has(index), .inRange(index, info.indices.low, info.indices.high).inverted(info.inverted != 0)])
  }
}
