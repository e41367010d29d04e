import CNetfilter
public import Wire
public import XTables

/// Matches the set of a packet's extension headers. Kernel: `ip6t_ipv6header`, revision 0.
public enum IPv6HeaderMatch: MatchExtension {
  /// The corresponding kernel structure is `ip6t_ipv6header_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var headers: UInt8 = 0
    var inverted: UInt8 = 0
    var isSoft: UInt8 = 0
  }

  public static let name = "ipv6header"
  public static let families: Families = .ipv6
  public static let summary = "matches which extension headers a packet has"
  public static let initial = Info()

  /// The bits of `matchflags`, `MASK_*`, in the order in which iptables-save prints them; 255 means a payload.
  static let kinds: [(number: UInt8, bit: UInt8, name: String)] = [
    (0, 0x80, "hop-by-hop"), (60, 0x40, "dst"), (43, 0x20, "route"), (44, 0x10, "frag"), (51, 0x08, "auth"), (50, 0x04, "esp"),
    (59, 0x02, "none"), (255, 0x01, "protocol"),
  ]

  private static let otherNames: [(name: String, number: UInt8)] = [
    ("hop", 0), ("prot", 255), ("0", 0), ("60", 60), ("43", 43), ("44", 44), ("51", 51), ("50", 50), ("59", 59), ("255", 255),
  ]

  private static let syntax = ValueSyntax<UInt8>(
    placeholder: "header[,header...]", grammar: "ipv6-header { \",\" ipv6-header }",
    samples: kinds.map(\.name) + ["hop,dst", "44", "prot"], nearMisses: ["foo", "6", "", ","],
    parse: { token, arguments throws(OptionError) in
      var mask: UInt8 = 0
      for part in token.split(on: ",") where !part.bytes.isEmpty {
        let word = part.string
        let number =
          arguments.names.protocolNumber(word) ?? kinds.first { $0.name == word }?.number
          ?? otherNames.first { $0.name == word }?.number
        guard let number, let kind = kinds.first(where: { $0.number == number }) else {
          throw OptionError(
            "bad-value", "unknown header `\(number.map(String.init) ?? word)' specified", at: part.range,
            hint: "the headers are " + kinds.map(\.name).joined(separator: ", "))
        }
        mask |= kind.bit
      }
      guard mask != 0 else { throw OptionError("bad-value", "ip6t_ipv6header: cannot parse header names", at: token.range) }
      return mask
    },
    print: { mask, text in
      let names = kinds.filter { mask & $0.bit != 0 }.map { kind in
        (kind.number == 0 ? nil : text.names.protocolName(kind.number)) ?? kind.name
      }
      text.word(names.isEmpty ? "NONE" : names.joined(separator: ","))
    })

  public static let options: [Option<Info>] = [
    Option(
      "--header", syntax, \.headers,
      invert: Inversion(get: { $0.inverted != 0 }, set: { if $1 { $0.inverted = 0xff } }), .mandatory,
      "the extension headers that the packet must have"),
    Option(
      flag: "--soft", present: Presence(get: { $0.isSoft != 0 }, set: { $0.isSoft = 0xff }), .plain,
      "the packet can also have other headers"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_ipv6header_info>.size)]
  public static let examples: [Example] = [
    .matches(
      "--header hop-by-hop --soft",
      "eth0 hex 6000000000100040fd000000000000000000000000000009fd010000000000000000000000000009110001040000000003e8003500080000"),
    .misses("--header hop-by-hop --soft", "eth0 udp [fd00::9]:1000 > [fd01::9]:53"),
    .accepts("! --header hop", saved: "! --header hop-by-hop"), .rejects("--header foo"),
    .rejects("--soft"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("ipv6header")
    if info.headers != 0 || info.inverted != 0 {
      text.word("flags:\(info.inverted != 0 ? "!" : "")")
      if numeric { text.glue(RuleText.hex(info.headers, digits: 2, uppercase: true)) } else { text.glue(syntax, info.headers) }
    }
    if info.isSoft != 0 { text.word("soft") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.isSoft == 0, info.inverted != 0, info.inverted != 0xff { throw .kernel("ipv6header: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    if info.isSoft != 0 {
      return .masked(.extensionHeaders, (info.headers ^ info.inverted) & info.headers, mask: info.headers)
    }
    return .equals(.extensionHeaders, info.headers).inverted(info.inverted != 0)
  }
}

extension Field {
  /// The headers of the packet, as bits of `MASK_*`; the corresponding kernel function is `ipv6header_mt6`.
  static let extensionHeaders = Field("ip6.headers", bits: 8, FieldTraits(.packet, [.value, .absent])) { context in
    let bytes = context.packet.bytes
    guard var number = bytes.uint8(at: 6) else { return .absent }
    var offset = 40
    var mask: UInt8 = 0
    while let kind = IPv6HeaderMatch.kinds.first(where: { $0.number == number }), number != 255 {
      if number == 59 {
        mask |= kind.bit
        break
      }
      guard offset + 2 <= bytes.count else { return .absent }
      mask |= kind.bit
      if number == 50 { break }
      let words = Int(bytes[offset + 1])
      number = bytes[offset]
      offset += kind.number == 44 ? 8 : kind.number == 51 ? (words + 2) * 4 : (words + 1) * 8
      if offset > bytes.count { break }
    }
    return .of(number == 59 || number == 50 ? mask : mask | 0x01)
  }
}
