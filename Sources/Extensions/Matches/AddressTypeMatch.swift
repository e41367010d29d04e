import CNetfilter
public import Wire
public import XTables

/// Matches the type of the source or destination address. Kernel: `xt_addrtype`, revision 1.
public enum AddressTypeMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_addrtype_info_v1`.
  public struct Info: BitwiseCopyable, Sendable {
    /// A bit for each ``XTables/AddressType``.
    var source: UInt16 = 0
    var destination: UInt16 = 0
    var flags: UInt32 = 0
  }

  /// The corresponding kernel structure is `xt_addrtype_info`.
  struct Info0: BitwiseCopyable, Sendable {
    var source: UInt16
    var destination: UInt16
    var sourceInverted: UInt32
    var destinationInverted: UInt32
  }

  /// The bits of `flags`: `XT_ADDRTYPE_*`.
  private enum Flag {
    static let sourceInverted: UInt32 = 0x01
    static let destinationInverted: UInt32 = 0x02
    static let limitInput: UInt32 = 0x04
    static let limitOutput: UInt32 = 0x08
  }

  public static let name = "addrtype"
  public static let families: Families = .both
  public static let summary = "matches local, broadcast, multicast and other types of addresses"
  public static let initial = Info()

  private static let names = [
    "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW", "NAT",
    "XRESOLVE",
  ]

  /// Comma-separated names. An abbreviation stands for the first name with that prefix.
  private static let types = ValueSyntax<UInt16>(
    placeholder: "type[,type...]", grammar: "address-type { \",\" address-type }", samples: names + ["UNICAST,LOCAL", "mul,loc"],
    nearMisses: ["", "FOO", "LOCAL,", ",LOCAL"],
    parse: { token, arguments throws(OptionError) in
      var mask: UInt16 = 0
      let parts = token.split(on: ",")
      for (index, part) in parts.enumerated() {
        guard !part.bytes.isEmpty, let bit = names.firstIndex(where: { $0.beginsIgnoringCase(with: part) }) else {
          throw OptionError(
            // The C function `parse_types` quotes the last type in another way.
            "bad-value",
            index == parts.count - 1
              ? "addrtype: bad type \"\(part.string)\"" : "addrtype: bad type `\(token.rest(from: part))'", at: part.range,
            hint: "the types are " + names.joined(separator: ", "))
        }
        mask |= 1 << UInt16(bit)
      }
      return mask
    },
    print: { mask, text in
      text.word(names.enumerated().filter { mask >> UInt16($0.offset) & 1 == 1 }.map(\.element).joined(separator: ","))
    })

  public static let options: [Option<Info>] = [
    Option(
      "--src-type", types, \.source, invert: .bits(\.flags, Flag.sourceInverted), present: .when { $0.source != 0 }, .plain,
      "type of the source address"),
    Option(
      "--dst-type", types, \.destination, invert: .bits(\.flags, Flag.destinationInverted),
      present: .when { $0.destination != 0 }, .plain, "type of the destination address"),
    Option(
      flag: "--limit-iface-in", present: .bits(\.flags, Flag.limitInput), OptionUse(excludes: ["--limit-iface-out"]),
      "use the type of the address on the incoming interface only"),
    Option(
      flag: "--limit-iface-out", present: .bits(\.flags, Flag.limitOutput), OptionUse(excludes: ["--limit-iface-in"]),
      "use the type of the address on the outgoing interface only"),
  ]
  public static let layouts = [
    Layout<Info>(
      revision: 0, Info0.self, abiSize: MemoryLayout<xt_addrtype_info>.size,
      upgrade: { old in
        Info(
          source: old.source, destination: old.destination,
          flags: (old.sourceInverted != 0 ? Flag.sourceInverted : 0) | (old.destinationInverted != 0 ? Flag.destinationInverted : 0))
      },
      downgrade: { info in
        guard info.flags & (Flag.limitInput | Flag.limitOutput) == 0 else { return nil }
        return Info0(
          source: info.source, destination: info.destination, sourceInverted: info.flags & Flag.sourceInverted,
          destinationInverted: info.flags & Flag.destinationInverted != 0 ? 1 : 0)
      }),
    Layout<Info>(revision: 1, abiSize: MemoryLayout<xt_addrtype_info_v1>.size),
  ]
  public static let examples: [Example] = [
    .matches("--dst-type LOCAL", "eth0 udp 10.0.0.9:1000 > 10.0.0.1:53", table: .mangle),
    .misses("--dst-type LOCAL", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", table: .mangle),
    .accepts("! --src-type UNICAST,LOCAL"), .accepts("--dst-type mul,l", saved: "--dst-type LOCAL,MULTICAST"),
    .accepts("--src-type LOCAL --dst-type LOCAL"), .rejects("--src-type FOO"), .rejects(""), .rejects("--limit-iface-in"),
    .rejects("--dst-type LOCAL --limit-iface-in --limit-iface-out"),
  ]

  public static let nativeFields: [NativeTest.Subject: Field] = [
    .addressType(isSource: true): .addressType(.source, .any), .addressType(isSource: false): .addressType(.destination, .any),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if !seen.contains("--src-type"), !seen.contains("--dst-type") {
      throw OptionError("missing-option", "addrtype: you must specify --src-type or --dst-type")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("ADDRTYPE match")
    if info.source != 0 {
      text.word("src-type \(info.flags & Flag.sourceInverted != 0 ? "!" : "")")
      text.glue(types, info.source)
    }
    if info.destination != 0 {
      text.word("dst-type \(info.flags & Flag.destinationInverted != 0 ? "!" : "")")
      text.glue(types, info.destination)
    }
    if info.flags & Flag.limitInput != 0 { text.word("limit-in") }
    if info.flags & Flag.limitOutput != 0 { text.word("limit-out") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    let limits = info.flags & (Flag.limitInput | Flag.limitOutput)
    if limits == Flag.limitInput | Flag.limitOutput {
      throw .kernel("addrtype: --limit-iface-in and --limit-iface-out cannot be used together")
    }
    if limits == Flag.limitOutput, !site.hooks.isDisjoint(with: [.prerouting, .input]) {
      throw .kernel("addrtype: --limit-iface-out is not valid in PREROUTING and INPUT", hint: "use --limit-iface-in there")
    }
    if limits == Flag.limitInput, !site.hooks.isDisjoint(with: [.postrouting, .output]) {
      throw .kernel("addrtype: --limit-iface-in is not valid in POSTROUTING and OUTPUT", hint: "use --limit-iface-out there")
    }
    guard site.family == .ipv6 else { return }
    let types = info.source | info.destination
    if types & bit(.blackhole) != 0 || types >= bit(.prohibit) || types & bit(.broadcast) != 0 {
      throw .kernel("addrtype: IPv6 has no BROADCAST, BLACKHOLE, PROHIBIT, THROW, NAT or XRESOLVE addresses to match")
    }
  }

  private static func bit(_ type: AddressType) -> UInt16 { 1 << UInt16(type.rawValue) }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let device: AddressTypeDevice =
      info.flags & Flag.limitInput != 0 ? .input : info.flags & Flag.limitOutput != 0 ? .output : .any
    func test(_ side: AddressTypeSide, _ mask: UInt16, _ inverted: UInt32) -> Condition {
      guard mask != 0 else { return .always }
      let field = Field.addressType(side, device)
      let condition = family == .ipv4 ? oneOf(mask, field) : allOf(mask, side, field)
      return condition.inverted(info.flags & inverted != 0)
    }
    return .all([
      test(.source, info.source, Flag.sourceInverted), test(.destination, info.destination, Flag.destinationInverted),
    ])
  }

  private static func oneOf(_ mask: UInt16, _ field: Field) -> Condition {
    .any(AddressType.allCases.filter { mask & bit($0) != 0 }.map { .equals(field, $0.rawValue) })
  }

  /// IPv6: multicast, unicast and unspecified follow from the address bits, and *all* of the named ones must hold. Local, anycast and
  /// unreachable follow from the route, and one of the named ones must hold.
  ///
  /// The corresponding kernel function is `match_type6`.
  private static func allOf(_ mask: UInt16, _ side: AddressTypeSide, _ field: Field) -> Condition {
    let address = side == .source ? Field.sourceAddress : Field.destinationAddress
    let multicast = Condition.masked(address, UInt128(0xff) << 120, mask: UInt128(0xff) << 120)
    let unspecified = Condition.equals(address, 0)
    let mapped = Condition.masked(address, UInt128(0xffff) << 32, mask: UInt128.max << 32)
    var tests: [Condition] = []
    if mask & bit(.multicast) != 0 { tests.append(multicast) }
    if mask & bit(.unicast) != 0 { tests.append(.not(.any([multicast, unspecified, mapped]))) }
    if mask & bit(.unspecified) != 0 { tests.append(unspecified) }
    let routed = mask & (bit(.local) | bit(.anycast) | bit(.unreachable))
    if routed != 0 { tests.append(oneOf(routed, field)) }
    return .all(tests)
  }
}

enum AddressTypeSide: String {
  case source = "src"
  case destination = "dst"
}

/// The interface to which the lookup of an address is limited.
enum AddressTypeDevice: String {
  case any = ""
  case input = ".in"
  case output = ".out"
}

extension Field {
  private static let names: KeyValuePairs<UInt128, String> = [
    0: "UNSPEC", 1: "UNICAST", 2: "LOCAL", 3: "BROADCAST", 4: "ANYCAST", 5: "MULTICAST", 6: "BLACKHOLE", 7: "UNREACHABLE", 8: "PROHIBIT",
    9: "THROW", 10: "NAT", 11: "XRESOLVE",
  ]

  /// The type of an address by the host's routing; the corresponding kernel function is `inet_dev_addr_type`.
  static func addressType(_ side: AddressTypeSide, _ device: AddressTypeDevice) -> Field {
    var basis: [Field] = [side == .source ? .sourceAddress : .destinationAddress]
    switch device {
    case .any: break
    case .input: basis.append(.inputInterface)
    case .output: basis.append(.outputInterface)
    }
    let traits = FieldTraits(
      .fields(basis), [.value, .absent, .unknown], form: .names(names), values: .range(0...UInt128(AddressType.allCases.count - 1)),
      needs: FieldNeeds("-m addrtype", .addresses, .routes, isPartial: true))
    return Field("addrtype.\(side.rawValue)\(device.rawValue)", bits: 4, traits) { context in
      guard let address = side == .source ? context.packet.source : context.packet.destination else { return .absent }
      let interface: Interface? =
        switch device {
        case .any: nil
        case .input: context.input
        case .output: context.output
        }
      if let type = context.world.host.addressType(address, on: interface) { return .of(type.rawValue) }
      return .unknown(UnknownReason("the type of \(address)", lacking: context.lacks(.addresses) ? .addresses : .routes))
    }
  }
}
