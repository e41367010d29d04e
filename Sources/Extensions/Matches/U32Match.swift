import CNetfilter
public import Wire
public import XTables

/// Matches 32-bit numbers of the packet, located by a small expression language. Kernel: `xt_u32`, revision 0.
public enum U32Match: MatchExtension {
  /// The corresponding kernel structure is `xt_u32`.
  public struct Info: BitwiseCopyable, Sendable {
    var tests = InlineArray<11, U32Test>(repeating: U32Test())
    var count: UInt8 = 0
    var inverted: UInt8 = 0
    var padding: UInt16 = 0
  }

  public static let name = "u32"
  public static let families: Families = .both
  public static let summary = "matches 32-bit numbers at computed positions in the packet"
  public static let traits: ExtensionTraits = .comparesBytes
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--u32", arity: 1, placeholder: "tests", grammar: "u32-test { \"&&\" u32-test }",
      samples: ["0=0", "\"0>>22&0x3C@4=0x1:0xff,5\"", "\"6&0xFF=1&&4&0x3FFF=0\""], nearMisses: ["0", "=1", "0=", "0<1=2", "0=1&2=3"],
      invertible: true, .mandatory, "tests, all of which must hold",
      read: { info, arguments throws(OptionError) in
        var parser = U32Parser(arguments.token)
        let tests = try parser.parse()
        for (index, test) in tests.enumerated() { info.tests[index] = test }
        info.count = UInt8(tests.count)
        info.inverted = arguments.inverted ? 1 : 0
      },
      write: { info, text in
        text.option("--u32", inverted: info.inverted != 0)
        text.word("\"" + tests(info).map(\.text).joined(separator: "&&") + "\"")
      })
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_u32>.size)]
  public static let examples: [Example] = [
    .matches(
      "--u32 \"0>>22&0x3C@0>>16=1000:1001\"", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      saved: "--u32 \"0x0>>0x16&0x3c@0x0>>0x10=0x3e8:0x3e9\""),
    .misses(
      "--u32 \"0>>22&0x3C@0>>16=1000:1001\"", "eth0 udp 10.0.0.9:1002 > 10.0.1.9:53",
      saved: "--u32 \"0x0>>0x16&0x3c@0x0>>0x10=0x3e8:0x3e9\""),
    .accepts("--u32 \"0x0=0x0&&0x0=0x1\""),
    .accepts("! --u32 \"0 >> 22 & 0x3C @ 4 = 1:2, 5\"", saved: "! --u32 \"0x0>>0x16&0x3c@0x4=0x1:0x2,0x5\""),
    .rejects("--u32 0"), .rejects("--u32 \"0=\""), .rejects("--u32 \"0<1=2\""), .rejects(""),
  ]

  private static func tests(_ info: Info) -> [U32Test] { (0..<min(Int(info.count), 11)).map { info.tests[$0] } }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.option("u32")
    if info.inverted != 0 { text.word("!") }
    let tests = (0..<min(Int(info.count), 11)).map { info.tests[$0].text }
    text.word("\"\(tests.joined(separator: "&&"))\"")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.count > 11 || tests(info).contains(where: { $0.stepCount > 11 || $0.valueCount > 11 }) {
      throw .kernel("u32: more tests, steps or values than there is room for")
    }
    if tests(info).contains(where: \.shiftsTooFar) { throw .kernel("u32: a number has 32 bits", hint: "shift by at most 31") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let tests = tests(info)
    let field = Field("u32.\(tests.map(\.text).joined(separator: "&&"))", bits: 1, FieldTraits(.bytes, [.value, .unknown])) { context in
      context.asked { asked in tests.allSatisfy { $0.holds(asked.packet.bytes) } }.map { .of($0) }
        ?? .unknown(PacketContext.unknownChecksum("-m u32"))
    }
    return .equals(field, 1).inverted(info.inverted != 0)
  }
}
