import CNetfilter
public import Wire
public import XTables

/// Matches the routing header of IPv6. Kernel: `ip6t_rt`, revision 0.
public enum RTMatch: MatchExtension {
  /// The corresponding kernel structure is `ip6t_rt`.
  public struct Info: BitwiseCopyable, Sendable {
    var type: UInt32 = 0
    var segmentsLeft = NumberRange<UInt32>.all
    /// Bytes.
    var length: UInt32 = 0
    var flags: UInt8 = 0
    var inverted: UInt8 = 0
    var padding: UInt16 = 0
    var hops = InlineArray<16, InetAddress>(repeating: InetAddress())
    var hopCount: UInt8 = 0
    var morePadding = InlineArray<3, UInt8>(repeating: 0)
  }

  /// The bits of `flags`: `IP6T_RT_*`; the first three are those of `invflags` as well.
  private enum Flag {
    static let type: UInt8 = 0x01
    static let segmentsLeft: UInt8 = 0x02
    static let length: UInt8 = 0x04
    static let reserved: UInt8 = 0x08
    static let hops: UInt8 = 0x10
    static let hopsNotStrict: UInt8 = 0x20
  }

  public static let name = "rt"
  public static let families: Families = .ipv6
  public static let summary = "matches the routing header"
  public static let initial = Info()

  private static func requireTypeZero(_ info: Info, _ name: String) throws(OptionError) {
    if info.flags & Flag.type == 0 || info.type != 0 || info.inverted & Flag.type != 0 {
      throw OptionError("missing-option", "`--rt-type 0' required before `\(name)'", hint: "write --rt-type 0 before it")
    }
  }

  public static let options: [Option<Info>] = [
    Option(
      "--rt-type", .unsigned(), \.type, invert: .bits(\.inverted, Flag.type), present: .bits(\.flags, Flag.type), .plain,
      "type of the header"),
    Option(
      "--rt-segsleft", .range(), \.segmentsLeft, invert: .bits(\.inverted, Flag.segmentsLeft),
      present: Presence(get: { $0.segmentsLeft != .all }, set: { $0.flags |= Flag.segmentsLeft }), .plain,
      "segments left, or range"),
    Option(
      "--rt-len", .unsigned(), \.length, invert: .bits(\.inverted, Flag.length), present: .bits(\.flags, Flag.length), .plain,
      "length of the header in bytes"),
    Option(
      "--rt-0-res", arity: 0, placeholder: "", grammar: "", samples: [""], OptionUse(requires: ["--rt-type"]),
      "the reserved field is zero",
      read: { info, arguments throws(OptionError) in
        try requireTypeZero(info, "--rt-0-res")
        info.flags |= Flag.reserved
      },
      write: { info, text in if info.flags & Flag.reserved != 0 { text.option("--rt-0-res") } }),
    Option(
      "--rt-0-addrs", arity: 1, placeholder: "address[,address...]", grammar: "address { \",\" address }",
      samples: ["2001:db8::1", "::1,::2"], nearMisses: ["", "192.0.2.1", "::1,", "x"], OptionUse(requires: ["--rt-type"]),
      "addresses of type 0",
      read: { info, arguments throws(OptionError) in
        try requireTypeZero(info, "--rt-0-addrs")
        try parseHops(arguments.token, into: &info)
        info.flags |= Flag.hops
      },
      write: { info, text in
        if info.flags & Flag.hops != 0 { text.option("--rt-0-addrs") }
        let hops = Self.hops(info)
        if !hops.isEmpty { text.word(hops.map { IPv6Address(rawValue: $0).description }.joined(separator: ",")) }
      }),
    Option(
      "--rt-0-not-strict", arity: 0, placeholder: "", grammar: "", samples: [""], OptionUse(requires: ["--rt-0-addrs"]),
      "the header can have other addresses between them",
      read: { info, arguments throws(OptionError) in
        guard info.flags & Flag.hops != 0 else {
          throw OptionError(
            "missing-option", "`--rt-0-addr ...' required before `--rt-0-not-strict'", hint: "write --rt-0-addrs before it")
        }
        info.flags |= Flag.hopsNotStrict
      },
      write: { info, text in if info.flags & Flag.hopsNotStrict != 0 { text.option("--rt-0-not-strict") } }),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_rt>.size)]
  public static let examples: [Example] = [
    .matches(
      "--rt-type 2 --rt-segsleft 0",
      "eth0 hex 6000000000202b40fd000000000000000000000000000009fd01000000000000000000000000000911020200000000000000000000000000000000000000000003e8003500080000"
    ),
    .misses(
      "--rt-type 2 --rt-segsleft 0",
      "eth0 hex 6000000000202b40fd000000000000000000000000000009fd01000000000000000000000000000911020201000000000000000000000000000000000000000003e8003500080000"
    ),
    .accepts("--rt-type 0 ! --rt-segsleft 1:23 --rt-len 42 --rt-0-res"), .accepts("! --rt-type 1"), .accepts(""),
    .accepts("--rt-type 0 --rt-0-addrs ::1,2001:db8::2 --rt-0-not-strict"), .rejects("--rt-0-res"),
    .rejects("--rt-type 1 --rt-0-addrs ::1"), .rejects("--rt-type 0 --rt-0-not-strict"),
  ]

  private static func parseHops(_ token: Token, into info: inout Info) throws(OptionError) {
    let parts = token.split(on: ",")
    guard parts.count <= 16 else {
      throw OptionError("too-many-values", "too many addresses specified", at: token.range, hint: "at most 16 addresses")
    }
    for (index, part) in parts.enumerated() {
      guard let address = part.numericAddress(.ipv6) else {
        throw OptionError("bad-address", "bad address: \(part.string)", at: part.range)
      }
      info.hops[index] = address
    }
    info.hopCount = UInt8(parts.count)
  }

  private static func hops(_ info: Info) -> [UInt128] {
    (0..<min(Int(info.hopCount), 16)).map { info.hops[$0].bits(.ipv6) }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("rt")
    func not(_ flag: UInt8) -> String { info.inverted & flag != 0 ? "!" : "" }
    if info.flags & Flag.type != 0 { text.word("type:\(not(Flag.type))\(Int32(bitPattern: info.type))") }
    let isSegmentsInverted = info.inverted & Flag.segmentsLeft != 0
    if info.segmentsLeft != .all || isSegmentsInverted { text.glue(" ") }
    text.range("segsleft", info.segmentsLeft, inverted: isSegmentsInverted)
    if info.flags & Flag.length != 0 { text.word("length:\(not(Flag.length))\(info.length)") }
    if info.flags & Flag.reserved != 0 { text.word("reserved") }
    if info.flags & Flag.hops != 0 { text.word("0-addrs") }
    let hops = (0..<min(Int(info.hopCount), 16)).map { info.hops[$0].address(.ipv6).description }
    if !hops.isEmpty { text.word(hops.joined(separator: ",")) }
    if info.flags & Flag.hopsNotStrict != 0 { text.word("0-not-strict") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x07 != 0 || info.hopCount > 16 { throw .kernel("rt: unknown flags") }
    if info.flags & (Flag.reserved | Flag.hops | Flag.hopsNotStrict) != 0,
      info.flags & Flag.type == 0 || info.type != 0 || info.inverted & Flag.type != 0
    {
      throw .kernel("rt: `--rt-type 0' required before `--rt-0-*'")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let length = Field.inExtension("rt.length", bits: 12, of: .routing, length: 4) { bytes, offset in
      guard let length = extensionLength(bytes, at: offset) else { return .malformed }
      return bytes.holds(length, at: offset) ? .of(length) : .absent
    }
    func byte(_ name: String, at place: Int) -> Field { .byteOfExtension(name, of: .routing, at: place, length: 4) }
    func isInverted(_ flag: UInt8) -> Bool { info.inverted & flag != 0 }
    var tests: [Condition] = [
      .has(length),
      .inRange(byte("rt.segsleft", at: 3), info.segmentsLeft.low, info.segmentsLeft.high).inverted(isInverted(Flag.segmentsLeft)),
    ]
    if info.flags & Flag.length != 0 { tests.append(.equals(length, info.length).inverted(isInverted(Flag.length))) }
    if info.flags & Flag.type != 0 { tests.append(.equals(byte("rt.type", at: 2), info.type).inverted(isInverted(Flag.type))) }
    if info.flags & Flag.reserved != 0 {
      tests.append(.equals(.wordOfExtension("rt.reserved", of: .routing, at: 4, length: 8), 0))
    }
    if info.flags & (Flag.hops | Flag.hopsNotStrict) != 0 { tests.append(.equals(hopsField(info), 1)) }
    return .all(tests)
  }

  /// True if the header has exactly the wanted addresses or, if not strict, contains them in this order.
  private static func hopsField(_ info: Info) -> Field {
    let wanted = hops(info)
    let isStrict = info.flags & Flag.hopsNotStrict == 0
    let label = wanted.map { String($0, radix: 16) }.joined(separator: ",")
    return Field.inExtension("rt.hops\(isStrict ? "" : ".among").\(label)", bits: 1, of: .routing, length: 4) { bytes, offset in
      let count = ((extensionLength(bytes, at: offset) ?? 8) - 8) / 16
      guard wanted.count <= count else { return .value(0) }
      let given = (0..<count).map { bytes.uint128(at: offset + 8 + 16 * $0) }
      if isStrict { return .of(given.count == wanted.count && zip(given, wanted).allSatisfy { $0 == $1 }) }
      var next = 0
      for address in given where next < wanted.count && address == wanted[next] { next += 1 }
      return .of(next == wanted.count)
    }
  }
}
