import CNetfilter
public import Wire
public import XTables

/// Sets the packet's mark from a hash of its addresses and ports. Kernel: `xt_HMARK`, revision 0.
public enum HMarkTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_hmark_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var sourceMask = InetAddress()
    var destinationMask = InetAddress()
    /// The mask of the ports or of the security parameters index.
    var portMask = HMarkPorts()
    var portValue = HMarkPorts()
    var flags: HMarkFlags = []
    var protocolMask: UInt16 = 0
    var padding: UInt16 = 0
    var seed: UInt32 = 0
    var modulus: UInt32 = 0
    var offset: UInt32 = 0
  }

  public static let name = "HMARK"
  public static let families: Families = .both
  public static let summary = "sets the packet's mark from a hash of its addresses and ports"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    prefix("--hmark-src-prefix", \.sourceMask, .sourceMask, "how many bits of the source address count"),
    prefix("--hmark-dst-prefix", \.destinationMask, .destinationMask, "how many bits of the destination address count"),
    number("--hmark-sport-mask", \.portMask.source.value, .sourcePortMask, digits: 4, "the bits of the source port that are used"),
    number(
      "--hmark-dport-mask", \.portMask.destination.value, .destinationPortMask, digits: 4, "the bits of the destination port that count"),
    number("--hmark-spi-mask", \.portMask.index, .indexMask, digits: 8, "the bits of the SPI that are used"),
    number("--hmark-sport", \.portValue.source.value, .sourcePort, digits: 4, "bits set in the source port"),
    number("--hmark-dport", \.portValue.destination.value, .destinationPort, digits: 4, "bits set in the destination port"),
    number("--hmark-spi", \.portValue.index, .index, digits: 8, "bits set in the SPI"),
    number("--hmark-proto-mask", \.protocolMask, .protocolMask, digits: 2, "the bits of the protocol that are used"),
    number("--hmark-rnd", \.seed, .seed, digits: 8, "the seed of the hash"),
    plain("--hmark-mod", 1, \.modulus, .modulus, .mandatory, "the number of different marks"),
    plain("--hmark-offset", 0, \.offset, .offset, .plain, "the lowest mark"),
    Option(
      "--hmark-tuple", arity: 1, placeholder: "part[,part...]", grammar: "hmark-part { \",\" hmark-part }",
      samples: ["ct", "src,dst", "src,dst,sport,dport,proto", "spi"], nearMisses: ["foo", ",src", "src,", ""], .plain,
      "the fields of the hash: ct, src, dst, sport, dport, spi, proto",
      read: { info, arguments throws(OptionError) in
        for part in arguments.token.split(on: ",") { try info.addPart(part) }
      },
      write: { info, text in
        guard info.flags.contains(.connection) else { return }
        text.option("--hmark-tuple")
        text.word("ct")
      }),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_hmark_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "--hmark-tuple src,dst,sport,dport --hmark-mod 1000 --hmark-offset 100 --hmark-rnd 5", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      result: "mark: 0x297",
      saved: "--hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-rnd 0x00000005 "
        + "--hmark-mod 1000 --hmark-offset 100",
      family: .ipv4, table: .mangle),
    .accepts("--hmark-src-prefix 32 --hmark-rnd 0x00000004 --hmark-mod 42", family: .ipv4),
    .accepts(
      "--hmark-tuple src,dport,ct --hmark-mod 0x10 --hmark-rnd 1 --hmark-offset 5",
      saved: "--hmark-src-prefix 128 --hmark-dport-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 16 --hmark-offset 5 --hmark-tuple ct",
      family: .ipv6),
    .rejects("--hmark-mod 1 --hmark-rnd 1"), .rejects("--hmark-tuple ct --hmark-mod 1"),
    .rejects("--hmark-tuple ct --hmark-mod 0 --hmark-rnd 1"), .rejects("--hmark-tuple spi,sport --hmark-mod 1 --hmark-rnd 1"),
  ]

  private static func prefix(
    _ name: String, _ path: any WritableKeyPath<Info, InetAddress> & Sendable, _ flag: HMarkFlags, _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: "length", grammar: "number", samples: ["0", "1", "32"], nearMisses: ["129", "x"], .plain, summary,
      read: { info, arguments throws(OptionError) in
        // A part named by `--hmark-tuple` counts as given.
        if info.flags.contains(flag) { throw arguments.repeated }
        info[keyPath: path] = try arguments.token.prefixMask(arguments)
        info.flags.insert(flag)
      },
      write: { info, text in
        guard info.flags.contains(flag) else { return }
        text.option(name)
        text.word(String(AddressMask(mask: info[keyPath: path].bits(text.family)).prefix(text.family) ?? -1))
      })
  }

  private static func number<Word: FixedWidthInteger & UnsignedInteger & Sendable>(
    _ name: String, _ path: any WritableKeyPath<Info, Word> & Sendable, _ flag: HMarkFlags, digits: Int, _ summary: String
  ) -> Option<Info> {
    let syntax = ValueSyntax<Word>.unsigned()
    return Option(
      name, arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, .plain, summary,
      read: { info, arguments throws(OptionError) in
        if info.flags.contains(flag) { throw arguments.repeated }
        info[keyPath: path] = try syntax.parse(arguments.token, arguments)
        info.flags.insert(flag)
      },
      write: { info, text in
        guard info.flags.contains(flag) else { return }
        let word = String(info[keyPath: path], radix: 16)
        text.option(name)
        text.word("0x" + String(repeating: "0", count: max(digits - word.count, 0)) + word)
      })
  }

  private static func plain(
    _ name: String, _ least: UInt32, _ path: any WritableKeyPath<Info, UInt32> & Sendable, _ flag: HMarkFlags, _ use: OptionUse,
    _ summary: String
  ) -> Option<Info> {
    Option(
      name, .unsigned(least...UInt32.max), path,
      present: Presence(get: { $0.flags.contains(flag) }, set: { $0.flags.insert(flag) }), use, summary)
  }

  /// The corresponding C function is `HMARK_check`.
  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if !info.flags.contains(.seed) {
      throw OptionError("missing-option", "--hmark-rnd is mandatory", hint: "give the hash a seed")
    }
    if info.flags.contains(.indexMask), !info.flags.isDisjoint(with: [.sourcePortMask, .destinationPortMask]) {
      throw OptionError(
        "exclusive-options", "you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time",
        hint: "a packet has ports or a security index, not both")
    }
    if info.flags.isDisjoint(with: .parts) {
      throw OptionError("missing-option", "you have to specify --hmark-tuple at least", hint: "give the fields of the hash")
    }
  }

  /// The corresponding kernel function is `hmark_tg_check`.
  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("HMARK ")
    func part(_ flag: HMarkFlags, _ item: String) { if info.flags.contains(flag) { text.glue(item + " ") } }
    func hex(_ value: some FixedWidthInteger & UnsignedInteger) -> String { RuleText.hex(value, digits: 1) }
    func length(_ mask: InetAddress) -> String {
      let prefix = AddressMask(mask: mask.bits(family)).prefix(family)
      if family == .ipv4 { return String(prefix.map { UInt32($0) } ?? .max) }
      // As iptables: prints an IPv6 mask without its slash, and nothing for a full mask.
      return prefix == 128 ? "" : prefix.map(String.init) ?? mask.address(family).description
    }
    part(.modulus, "mod \(info.modulus)")
    part(.offset, "+ \(hex(info.offset))")
    part(.connection, "ct,")
    part(.sourceMask, "src-prefix \(length(info.sourceMask))")
    part(.destinationMask, "dst-prefix \(length(info.destinationMask))")
    part(.sourcePortMask, "sport-mask \(hex(info.portMask.source.value))")
    part(.destinationPortMask, "dport-mask \(hex(info.portMask.destination.value))")
    part(.indexMask, "spi-mask \(hex(info.portMask.index))")
    part(.sourcePort, "sport \(hex(info.portValue.source.value))")
    part(.destinationPort, "dport \(hex(info.portValue.destination.value))")
    part(.index, "spi \(hex(info.portValue.index))")
    part(.protocolMask, "proto-mask \(hex(info.protocolMask))")
    part(.seed, "rnd \(hex(info.seed))")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.modulus == 0 { throw .kernel("HMARK: the modulus is zero") }
    if info.flags.contains(.indexMask), !info.flags.isDisjoint(with: [.sourcePortMask, .destinationPortMask]) {
      throw .kernel("HMARK: port masks and an SPI mask cannot be used together")
    }
    if info.flags.contains(.index), !info.flags.isDisjoint(with: [.sourcePort, .destinationPort]) {
      throw .kernel("HMARK: ports and an SPI cannot be used together")
    }
  }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { FieldEffect.unknown(.mark) }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    if let mark = info.mark(of: packet) { packet.mark = mark }
    return .proceed
  }
}

/// The given parts and parameters, as `XT_HMARK_FLAG` bits.
struct HMarkFlags: OptionSet, BitwiseCopyable, Sendable {
  let rawValue: UInt32

  static let sourceMask = HMarkFlags(rawValue: 1 << 0)
  static let destinationMask = HMarkFlags(rawValue: 1 << 1)
  static let index = HMarkFlags(rawValue: 1 << 2)
  static let indexMask = HMarkFlags(rawValue: 1 << 3)
  static let sourcePort = HMarkFlags(rawValue: 1 << 4)
  static let destinationPort = HMarkFlags(rawValue: 1 << 5)
  static let sourcePortMask = HMarkFlags(rawValue: 1 << 6)
  static let destinationPortMask = HMarkFlags(rawValue: 1 << 7)
  static let protocolMask = HMarkFlags(rawValue: 1 << 8)
  static let seed = HMarkFlags(rawValue: 1 << 9)
  static let modulus = HMarkFlags(rawValue: 1 << 10)
  static let offset = HMarkFlags(rawValue: 1 << 11)
  static let connection = HMarkFlags(rawValue: 1 << 12)
  static let parts: HMarkFlags = [
    .sourceMask, .destinationMask, .index, .indexMask, .sourcePort, .destinationPort, .sourcePortMask, .destinationPortMask,
    .protocolMask, .connection,
  ]
}

/// Two ports, or in the same bytes the security parameters index. The corresponding kernel union is `hmark_ports`.
struct HMarkPorts: BitwiseCopyable, Sendable {
  var source = NetworkOrder<UInt16>()
  var destination = NetworkOrder<UInt16>()

  /// All four bytes as one number; the source port is the high half.
  var index: UInt32 {
    get { UInt32(source.value) << 16 | UInt32(destination.value) }
    set {
      source.value = UInt16(truncatingIfNeeded: newValue >> 16)
      destination.value = UInt16(truncatingIfNeeded: newValue)
    }
  }
}

extension HMarkTarget.Info {
  /// Adds a part by a prefix of its name, ignoring case; the first matching name is used.
  fileprivate mutating func addPart(_ token: Token) throws(OptionError) {
    let names = ["ct", "src", "dst", "sport", "dport", "proto", "spi"]
    guard !token.bytes.isEmpty, let name = names.first(where: { $0.beginsIgnoringCase(with: token) }) else {
      throw OptionError(
        "bad-value", "Bad type \"\(token.string)\"", at: token.range, hint: "the parts are \(names.joined(separator: ", "))")
    }
    switch name {
    case "ct": flags.insert(.connection)
    case "src": (sourceMask, flags) = (.ones, flags.union(.sourceMask))
    case "dst": (destinationMask, flags) = (.ones, flags.union(.destinationMask))
    case "sport":
      portMask.source.value = .max
      flags.insert(.sourcePortMask)
    case "dport":
      portMask.destination.value = .max
      flags.insert(.destinationPortMask)
    case "proto": (protocolMask, flags) = (.max, flags.union(.protocolMask))
    default:
      portMask.index = .max
      flags.insert(.indexMask)
    }
  }
}
