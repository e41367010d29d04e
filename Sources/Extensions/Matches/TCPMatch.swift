import CNetfilter
public import Wire
public import XTables

/// Matches ports, flags and options of TCP. Kernel: `xt_tcpudp`, revision 0.
public enum TCPMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_tcp`.
  public struct Info: BitwiseCopyable, Sendable {
    var sourcePorts = PortRange.all
    var destinationPorts = PortRange.all
    var option: UInt8 = 0
    var flags = FlagTest()
    var inverted: UInt8 = 0

    var nativePorts: NativePorts {
      get {
        NativePorts(
          source: sourcePorts, destination: destinationPorts, isSourceInverted: inverted & Inverted.sourcePorts != 0,
          isDestinationInverted: inverted & Inverted.destinationPorts != 0)
      }
      set {
        (sourcePorts, destinationPorts) = (newValue.source, newValue.destination)
        inverted &= ~(Inverted.sourcePorts | Inverted.destinationPorts)
        if newValue.isSourceInverted { inverted |= Inverted.sourcePorts }
        if newValue.isDestinationInverted { inverted |= Inverted.destinationPorts }
      }
    }

    /// True if only packets with these flags match.
    func requiresFlags(_ wanted: UInt8) -> Bool { flags.set & wanted == wanted && inverted & Inverted.flags == 0 }
  }

  /// The tested flags and those of them that must be set: `flg_mask` and `flg_cmp`.
  struct FlagTest: BitwiseCopyable, Sendable, Hashable {
    var mask: UInt8 = 0
    var set: UInt8 = 0
  }

  /// The bits of `invflags`: `XT_TCP_INV_*`.
  private enum Inverted {
    static let sourcePorts: UInt8 = 0x01
    static let destinationPorts: UInt8 = 0x02
    static let flags: UInt8 = 0x04
    static let option: UInt8 = 0x08
  }

  public static let name = "tcp"
  public static let families: Families = .both
  public static let summary = "matches ports, flags and options of TCP"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [6]) }

  public static let options: [Option<Info>] = [
    Option(
      "--sport", .portRange, \.sourcePorts, invert: .bits(\.inverted, Inverted.sourcePorts),
      present: .when { $0.sourcePorts != .all },
      OptionUse(aliases: ["--source-port"], independent: true), "source port or range"),
    Option(
      "--dport", .portRange, \.destinationPorts, invert: .bits(\.inverted, Inverted.destinationPorts),
      present: .when { $0.destinationPorts != .all },
      OptionUse(aliases: ["--destination-port"], independent: true), "destination port or range"),
    Option(
      "--tcp-option", .unsigned(1...255), \.option, invert: .bits(\.inverted, Inverted.option),
      present: .when { $0.option != 0 || $0.inverted & Inverted.option != 0 }, .plain,
      "the packet has the TCP option of this number"),
    Option(
      "--tcp-flags", arity: 2, placeholder: "mask set", grammar: "tcp-flags tcp-flags",
      samples: ["FIN,SYN,RST,ACK SYN", "ALL NONE", "SYN,ACK SYN,ACK"], nearMisses: ["SYN", "FOO SYN"],
      invertible: true, .plain, "of the flags in mask, exactly those in set are set",
      read: { info, arguments throws(OptionError) in
        info.flags = FlagTest(
          mask: try TCPFlagNames.parse(arguments.token), set: try TCPFlagNames.parse(arguments.second))
        if arguments.inverted { info.inverted |= Inverted.flags }
      },
      write: { info, text in
        guard info.flags != FlagTest() || info.inverted & Inverted.flags != 0 else { return }
        text.option("--tcp-flags", inverted: info.inverted & Inverted.flags != 0)
        text.word(TCPFlagNames.print(info.flags.mask))
        text.word(TCPFlagNames.print(info.flags.set))
      }),
    Option(
      flag: "--syn",
      present: Presence(
        get: { _ in false }, set: { $0.flags = FlagTest(mask: 0x17, set: 0x02) }),
      invert: .bits(\.inverted, Inverted.flags), OptionUse(excludes: ["--tcp-flags"]),
      "short for --tcp-flags FIN,SYN,RST,ACK SYN"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_tcp>.size)]
  public static let examples: [Example] = [
    .matches("--dport 80", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S", before: "-p tcp"),
    .misses("--dport 80", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:81 S", before: "-p tcp"),
    .matches("--syn", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S", saved: "--tcp-flags FIN,SYN,RST,ACK SYN", before: "-p tcp"),
    .misses("--syn", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 SA", saved: "--tcp-flags FIN,SYN,RST,ACK SYN", before: "-p tcp"),
    .accepts("! --sport 1024:65535", before: "-p tcp"),
    .accepts("! --tcp-flags SYN,ACK SYN", before: "-p tcp"),
    .rejects("--dport 65536", before: "-p tcp"), .rejects("--dport 80"),
  ]

  /// The corresponding C functions are `add_nft_tcp`, `nft_parse_tcp` and `nft_parse_tcp_flags`.
  public static let native: NativeForm<Info>? = NativeForm(
    accumulates: true,
    encode: { info in
      let areAllPorts = info.sourcePorts == .all && info.destinationPorts == .all
      if info.inverted & ~0x07 != 0 || info.option != 0 || areAllPorts && info.flags == FlagTest() && info.inverted == 0 { return nil }
      var steps: [NativeStep] = []
      if info.flags.mask != 0 {
        let isInverted = info.inverted & Inverted.flags != 0
        steps.append(.test(NativeTest(flagBytes, mask: [info.flags.mask], isInverted ? .unequal : .equal, [info.flags.set])))
      }
      return steps + info.nativePorts.steps
    },
    decode: { step, site, info in
      guard case .test(let test) = step, site.protocolNumber == 6 else { return nil }
      var info = info
      if test.subject == flagBytes, test.isEquality, let set = test.number(UInt8.self), info.flags == FlagTest() {
        info.flags = FlagTest(mask: test.mask?.first ?? .max, set: set)
        if test.comparison == .unequal { info.inverted |= Inverted.flags }
        return info
      }
      var ports = info.nativePorts
      guard ports.take(test) else { return nil }
      info.nativePorts = ports
      return info
    })

  /// The byte of the flags.
  private static let flagBytes = NativeTest.Subject.payload(base: NativeTest.transportHeader, offset: 13, length: 1)

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("tcp")
    let protocolName = numeric ? nil : "tcp"
    text.ports("spt", info.sourcePorts, inverted: info.inverted & Inverted.sourcePorts != 0, protocolName: protocolName)
    text.ports(
      "dpt", info.destinationPorts, inverted: info.inverted & Inverted.destinationPorts != 0, protocolName: protocolName)
    let isOptionInverted = info.inverted & Inverted.option != 0
    if info.option != 0 || isOptionInverted { text.word("option=\(isOptionInverted ? "!" : "")\(info.option)") }
    let areFlagsInverted = info.inverted & Inverted.flags != 0
    if info.flags.mask != 0 || areFlagsInverted {
      func flags(_ bits: UInt8) -> String {
        numeric ? RuleText.hex(bits, digits: 2, uppercase: true) : TCPFlagNames.print(bits)
      }
      text.word("flags:\(areFlagsInverted ? "!" : "")\(flags(info.flags.mask))/\(flags(info.flags.set))")
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x0f != 0 { throw .kernel("tcp: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    func isInverted(_ bit: UInt8) -> Bool { info.inverted & bit != 0 }
    var parts: [Condition] = [
      .has(.tcpHeader),
      .ports(.sourcePort, info.sourcePorts, inverted: isInverted(Inverted.sourcePorts)),
      .ports(.destinationPort, info.destinationPorts, inverted: isInverted(Inverted.destinationPorts)),
      .masked(.tcpFlags, info.flags.set, mask: info.flags.mask).inverted(isInverted(Inverted.flags)),
    ]
    // The kernel tests the option only if its number is not 0, so an inverted 0 has no effect.
    if info.option != 0 { parts.append(.equals(.tcpOption(info.option), 1).inverted(isInverted(Inverted.option))) }
    return .all(parts)
  }
}

extension Field {
  /// 1 if a TCP option is present, else 0; malformed if the header is shorter than 20 bytes or exceeds the packet. As in the
  /// kernel, an end-of-list option does not end the search.
  ///
  /// The corresponding kernel function is `tcp_find_option`.
  static func tcpOption(_ number: UInt8) -> Field {
    Field(
      "tcp.option.\(number)", bits: 1,
      FieldTraits(.packet, [.value, .absent, .malformed]) { value, draft in
        guard draft.isTCP else { return false }
        draft.fields.tcpOptions = value == 0 ? [] : number < 2 ? [number] : [number, 4, 5, 0xB4]
        return true
      }
    ) { context in
      guard let header = context.packet.tcp, let transport = context.packet.transport else { return .absent }
      let bytes = context.packet.bytes
      var at = transport.offset + TCPHeader.minimumLength
      let end = transport.offset + header.dataOffset
      guard end >= at, end <= bytes.count else { return .malformed }
      while at < end {
        if bytes[at] == number { return .value(1) }
        let length = bytes[at] < 2 || at + 1 >= end ? 1 : Int(bytes[at + 1])
        at += max(length, 1)
      }
      return .value(0)
    }
  }
}

/// The names of the flags, comma-separated, in the order in which iptables-save prints them.
enum TCPFlagNames {
  private static let names: [(name: String, bit: UInt8)] = [
    ("FIN", 0x01), ("SYN", 0x02), ("RST", 0x04), ("PSH", 0x08), ("ACK", 0x10), ("URG", 0x20),
  ]

  static func parse(_ token: Token) throws(OptionError) -> UInt8 {
    var result: UInt8 = 0
    for part in token.split(on: ",") where !part.bytes.isEmpty {
      let word = part.string.uppercased()
      if let flag = names.first(where: { $0.name == word }) {
        result |= flag.bit
      } else if word == "ALL" {
        result |= 0x3f
      } else if word != "NONE" {
        throw OptionError(
          "bad-value", "Unknown TCP flag `\(part.string)'", at: token.range,
          hint: "the flags are FIN, SYN, RST, PSH, ACK, URG, ALL and NONE")
      }
    }
    return result
  }

  static func print(_ bits: UInt8) -> String {
    let set = names.filter { bits & $0.bit != 0 }.map(\.name)
    return set.isEmpty ? "NONE" : set.joined(separator: ",")
  }
}
