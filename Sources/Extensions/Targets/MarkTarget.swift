import CNetfilter
public import Wire
public import XTables

/// Sets the packet's mark. Kernel: `xt_mark`, target revision 2.
public enum MarkTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_mark_tginfo2`: the new mark is `(old AND NOT mask) XOR value`.
  public struct Info: BitwiseCopyable, Sendable {
    var change = Masked<UInt32>(0, mask: 0)
  }

  public static let name = "MARK"
  public static let families: Families = .both
  public static let summary = "sets the packet's mark"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { .anywhere }

  private static let modes = ["--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark"]

  /// Each option specifies the cleared and the flipped bits in another way.
  private static func mode(
    _ name: String, _ summary: String, _ change: @escaping @Sendable (Masked<UInt32>) -> Masked<UInt32>
  ) -> Option<Info> {
    let isMasked = name == "--set-xmark" || name == "--set-mark"
    return Option(
      name, arity: 1, placeholder: isMasked ? "value[/mask]" : "bits", grammar: "number [ \"/\" number ]",
      samples: isMasked ? ["0x1", "1/0xff", "0"] : ["0x1", "255"], nearMisses: ["-1", "x"],
      OptionUse(excludes: modes.filter { $0 != name }), summary,
      read: { info, arguments throws(OptionError) in
        let given = try ValueSyntax.mark.parse(arguments.token, arguments)
        guard isMasked || given.mask == .max else { throw arguments.badValue(hint: "\(name) takes no mask") }
        info.change = change(given)
      },
      write: { info, text in
        guard name == "--set-xmark" else { return }
        text.option(name)
        text.word("0x" + String(info.change.value, radix: 16))
        text.glue("/0x" + String(info.change.mask, radix: 16))
      })
  }

  public static let options: [Option<Info>] = [
    mode("--set-xmark", "clear the bits of mask and XOR value into the mark") { $0 },
    mode("--set-mark", "clear the bits of mask and OR value into the mark") {
      Masked($0.value, mask: $0.value | $0.mask)
    },
    mode("--and-mark", "AND the mark with bits") { Masked(0, mask: ~$0.value) },
    mode("--or-mark", "OR bits into the mark") { Masked($0.value, mask: $0.value) },
    mode("--xor-mark", "XOR bits into the mark") { Masked($0.value, mask: 0) },
  ]
  public static let layouts = [Layout<Info>(revision: 2, abiSize: MemoryLayout<xt_mark_tginfo2>.size)]
  public static let examples: [Example] = [
    .acts(
      "--set-mark 5", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "mark: 5", saved: "--set-xmark 0x5/0xffffffff", table: .mangle),
    .acts(
      "--or-mark 0x10", on: "local mark=1 udp 10.0.1.1:1000 > 10.0.1.9:53", result: "mark: 0x11", saved: "--set-xmark 0x10/0x10",
      table: .mangle),
    .accepts("--set-xmark 0x1/0xffffffff", table: .mangle),
    .rejects("", table: .mangle), .rejects("--set-mark 1 --or-mark 2", table: .mangle),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty {
      throw OptionError("missing-option", "MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("MARK")
    text.markChange(info.change)
  }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    [.set(.mark, info.change.value, clearing: info.change.mask)]
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    packet.mark = (packet.mark & ~info.change.mask) ^ info.change.value
    return .proceed
  }
}
