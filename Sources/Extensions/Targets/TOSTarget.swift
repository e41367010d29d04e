import CNetfilter
public import Wire
public import XTables

/// Changes the type-of-service byte or traffic class. Kernel: `xt_DSCP`, target TOS revision 1.
public enum TOSTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_tos_target_info`: the new byte is `(old AND NOT mask) XOR value`.
  public struct Info: BitwiseCopyable, Sendable {
    var value: UInt8 = 0
    var mask: UInt8 = 0
  }

  public static let name = "TOS"
  public static let families: Families = .both
  public static let summary = "changes the type-of-service byte or traffic class"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle]) }

  private static let names = ["--set-tos", "--and-tos", "--or-tos", "--xor-tos"]

  private static func operation(_ name: String, _ summary: String, _ change: @escaping @Sendable (UInt8) -> Info) -> Option<Info> {
    let syntax = ValueSyntax<UInt8>.unsigned()
    return Option(
      name, arity: 1, placeholder: "bits", grammar: syntax.grammar, samples: syntax.samples, nearMisses: syntax.nearMisses,
      OptionUse(excludes: names.filter { $0 != name }), summary,
      read: { info, arguments throws(OptionError) in info = change(try syntax.parse(arguments.token, arguments)) },
      write: { _, _ in })
  }

  public static let options: [Option<Info>] = {
    // A symbolic name does not change the two ECN bits.
    let syntax = ValueSyntax.tos(symbolicMask: 0x3f)
    return [
      Option(
        "--set-tos", arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
        nearMisses: syntax.nearMisses, OptionUse(excludes: Array(names.dropFirst())), "clear the bits of mask and XOR value",
        read: { info, arguments throws(OptionError) in
          let bits = try syntax.parse(arguments.token, arguments)
          info = Info(value: bits.value, mask: bits.mask)
        },
        write: { info, text in
          text.option("--set-tos")
          syntax.print(TOSBits(info.value, mask: info.mask), &text)
        }),
      operation("--and-tos", "AND the byte with bits") { Info(value: 0, mask: ~$0) },
      operation("--or-tos", "OR bits into the byte") { Info(value: $0, mask: $0) },
      operation("--xor-tos", "XOR bits into the byte") { Info(value: $0, mask: 0) },
    ]
  }()
  public static let layouts = [Layout<Info>(revision: 1, abiSize: MemoryLayout<xt_tos_target_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "--set-tos Minimize-Delay", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 tos=0x42", result: "packet: {tos: 80}",
      saved: "--set-tos 0x10/0x3f", table: .mangle),
    .accepts("--set-tos 0x1f/0x1f", table: .mangle),
    .accepts("--and-tos 0x12", saved: "--set-tos 0x00/0xed", table: .mangle),
    .rejects("", table: .mangle), .rejects("--or-tos 1 --xor-tos 1", table: .mangle),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "TOS: An action is required") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    let test = TOSBits(info.value, mask: info.mask)
    // As iptables: the missing blank before a name is printed before the target instead.
    if !numeric, let symbol = test.symbol { return text.word(" TOS set\(symbol)") }
    text.word("TOS ")
    if numeric {
      text.glue("set ")
      text.tos(test, numeric: true)
    } else if info.value == 0 {
      text.glue("and \(RuleText.hex(~info.mask, digits: 2))")
    } else if info.value == info.mask {
      text.glue("or \(RuleText.hex(info.value, digits: 2))")
    } else if info.mask == 0 {
      text.glue("xor \(RuleText.hex(info.value, digits: 2))")
    } else {
      text.glue("set \(RuleText.hex(info.value, digits: 2))/\(RuleText.hex(info.mask, digits: 2))")
    }
  }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [.set(.typeOfService, info.value, clearing: info.mask)] }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    if let old = packet.packet.tos { packet.packet.setTOS((old & ~info.mask) ^ info.value) }
    return .proceed
  }
}
