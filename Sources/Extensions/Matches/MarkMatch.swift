import CNetfilter
public import Wire
public import XTables

/// Matches the packet's mark. Kernel: `xt_mark`, revision 1.
public enum MarkMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_mark_mtinfo1`.
  public struct Info: BitwiseCopyable, Sendable {
    var mark = Masked<UInt32>(0, mask: 0)
    var invert: UInt8 = 0
  }

  public static let name = "mark"
  public static let families: Families = .both
  public static let summary = "matches the packet's mark"
  public static let initial = Info()
  public static let options: [Option<Info>] = [
    Option(
      "--mark", .mark, \.mark, invert: .flag(\.invert), OptionUse(mandatory: true, independent: true), "compare (mark AND mask) with value")
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: MemoryLayout<xt_mark_mtinfo1>.size)]
  public static let examples: [Example] = [
    .matches("--mark 0x1f/0xff", "local mark=0x31f udp 10.0.1.1:1000 > 10.0.1.9:53"),
    .misses("--mark 0x1f/0xff", "local udp 10.0.1.1:1000 > 10.0.1.9:53"),
    .accepts("--mark 0xfeedcafe"), .accepts("! --mark 0x1f/0xff"), .accepts("--mark 1", saved: "--mark 0x1"),
    .rejects("--mark -1"), .rejects(""),
  ]

  /// `NFT_META_MARK`.
  private static let metaMark: UInt32 = 3

  /// The corresponding C functions are `add_nft_mark` and `parse_meta_mark`.
  public static let native: NativeForm<Info>? = NativeForm(
    encode: { info in
      func bytes(_ word: UInt32) -> [UInt8] { Array(Payload.encode(word).prefix(4)) }
      let mask = info.mark.mask == .max ? nil : bytes(info.mark.mask)
      return [.test(NativeTest(.meta(metaMark), mask: mask, info.invert != 0 ? .unequal : .equal, bytes(info.mark.value)))]
    },
    decode: { step, _, info in
      guard case .test(let test) = step, test.subject == .meta(metaMark), test.isEquality, test.value.count == 4,
        let value = Payload.load(UInt32.self, from: test.value),
        let mask = test.mask.map({ Payload.load(UInt32.self, from: $0) }) ?? UInt32.max
      else { return nil }
      var info = info
      info.mark = Masked(value, mask: mask)
      info.invert = test.comparison == .unequal ? 1 : 0
      return info
    })

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("mark match")
    if info.invert != 0 { text.word("!") }
    text.mark(info.mark)
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .masked(.mark, info.mark.value, mask: info.mark.mask).inverted(info.invert != 0)
  }
}
