import CNetfilter
public import Wire
public import XTables

/// Matches a segment routing header. Kernel: `ip6t_srh`, revision 1.
public enum SRHMatch: MatchExtension {
  /// The corresponding kernel structure is `ip6t_srh1`.
  public struct Info: BitwiseCopyable, Sendable {
    var nextHeader: UInt8 = 0
    var length: UInt8 = 0
    var segmentsLeft: UInt8 = 0
    var lastEntry: UInt8 = 0
    var tag: UInt16 = 0
    var padding: UInt16 = 0
    var segments = InlineArray<3, InetAddress>(repeating: InetAddress())
    var masks = InlineArray<3, InetAddress>(repeating: InetAddress())
    var matched: UInt16 = 0
    var inverted: UInt16 = 0
  }

  /// The corresponding kernel structure is `ip6t_srh`.
  struct Info0: BitwiseCopyable, Sendable {
    var nextHeader: UInt8
    var length: UInt8
    var segmentsLeft: UInt8
    var lastEntry: UInt8
    var tag: UInt16
    var matched: UInt16
    var inverted: UInt16
  }

  /// The bits of `mt_flags` and `mt_invflags`: `IP6T_SRH_*`.
  private enum Flag {
    static let nextHeader: UInt16 = 0x0001
    static let length: [UInt16] = [0x0002, 0x0004, 0x0008]
    static let segmentsLeft: [UInt16] = [0x0010, 0x0020, 0x0040]
    static let lastEntry: [UInt16] = [0x0080, 0x0100, 0x0200]
    static let tag: UInt16 = 0x0400
    static let segments: [UInt16] = [0x0800, 0x1000, 0x2000]
  }

  public static let name = "srh"
  public static let families: Families = .ipv6
  public static let summary = "matches a segment routing header"
  public static let initial = Info()

  private static func option<Value>(
    _ name: String, _ syntax: ValueSyntax<Value>, _ path: any WritableKeyPath<Info, Value> & Sendable, _ flag: UInt16,
    _ summary: String
  ) -> Option<Info> {
    Option(name, syntax, path, invert: .bits(\.inverted, flag), present: .bits(\.matched, flag), .plain, summary)
  }

  /// Three options for one field of the structure: equal, greater and less.
  private static func comparisons(
    _ name: String, _ path: any WritableKeyPath<Info, UInt8> & Sendable, _ flags: [UInt16], _ subject: String
  ) -> [Option<Info>] {
    zip(["eq", "gt", "lt"], zip(flags, ["equal to", "greater than", "less than"])).map { suffix, detail in
      option("\(name)-\(suffix)", .unsigned(), path, detail.0, "\(subject) \(detail.1) value")
    }
  }

  private static func segment(_ name: String, _ index: Int, _ summary: String) -> Option<Info> {
    let syntax = ValueSyntax.hostMask
    let flag = Flag.segments[index]
    return Option(
      name, arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: ["2001:db8::1", "2001:db8::/32", "::/0"],
      nearMisses: ["192.0.2.1", "::/129"], invertible: true, .plain, summary,
      read: { info, arguments throws(OptionError) in
        let network = try syntax.parse(arguments.token, arguments)
        info.segments[index] = network.address
        info.masks[index] = network.mask
        info.matched |= flag
        if arguments.inverted { info.inverted |= flag }
      },
      write: { info, text in
        guard info.matched & flag != 0 else { return }
        text.option(name, inverted: info.inverted & flag != 0)
        text.address(info.segments[index])
        text.glue("/\(AddressMask(mask: info.masks[index].bits(.ipv6)).prefix(.ipv6) ?? 0)")
      })
  }

  public static let options: [Option<Info>] =
    [option("--srh-next-hdr", .unsigned(), \.nextHeader, Flag.nextHeader, "number of the next header")]
    + comparisons("--srh-hdr-len", \.length, Flag.length, "length octet")
    + comparisons("--srh-segs-left", \.segmentsLeft, Flag.segmentsLeft, "segments left")
    + comparisons("--srh-last-entry", \.lastEntry, Flag.lastEntry, "last entry")
    + [
      option("--srh-tag", .unsigned(), \.tag, Flag.tag, "tag"), segment("--srh-psid", 0, "previous segment"),
      segment("--srh-nsid", 1, "next segment"), segment("--srh-lsid", 2, "last segment"),
    ]

  public static let layouts = [
    Layout<Info>(
      revision: 0, Info0.self, abiSize: MemoryLayout<ip6t_srh>.size,
      upgrade: { old in
        Info(
          nextHeader: old.nextHeader, length: old.length, segmentsLeft: old.segmentsLeft, lastEntry: old.lastEntry, tag: old.tag,
          matched: old.matched, inverted: old.inverted)
      },
      downgrade: { info in
        guard info.matched & 0x3800 == 0 else { return nil }
        return Info0(
          nextHeader: info.nextHeader, length: info.length, segmentsLeft: info.segmentsLeft, lastEntry: info.lastEntry,
          tag: info.tag, matched: info.matched, inverted: info.inverted)
      }),
    Layout<Info>(revision: 1, abiSize: MemoryLayout<ip6t_srh1>.size),
  ]
  public static let examples: [Example] = [
    .matches(
      "--srh-next-hdr 17 --srh-segs-left-eq 0",
      "eth0 hex 6000000000202b40fd000000000000000000000000000009fd0100000000000000000000000000091102040000000000fd01000000000000000000000000000003e8003500080000"
    ),
    .misses(
      "--srh-next-hdr 17 --srh-segs-left-eq 0",
      "eth0 hex 6000000000202b40fd000000000000000000000000000009fd0100000000000000000000000000091102040100000000fd01000000000000000000000000000003e8003500080000"
    ),
    .accepts("--srh-next-hdr 17 ! --srh-hdr-len-gt 8 --srh-segs-left-lt 1 --srh-last-entry-eq 4 --srh-tag 0"),
    .accepts("--srh-psid a::/64 ! --srh-nsid b::/128 --srh-lsid c::/0"), .accepts("--srh-psid a::", saved: "--srh-psid a::/128"),
    .accepts(""), .rejects("--srh-tag 65536"), .rejects("--srh-psid 192.0.2.1"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("srh")
    func not(_ flag: UInt16) -> String { info.inverted & flag != 0 ? "!" : "" }
    func compare(_ name: String, _ flags: [UInt16], _ value: UInt8) {
      for (flag, how) in zip(flags, ["eq", "gt", "lt"]) where info.matched & flag != 0 {
        text.word("\(name)-\(how):\(not(flag))\(value)")
      }
    }
    if info.matched & Flag.nextHeader != 0 { text.word("next-hdr:\(not(Flag.nextHeader))\(info.nextHeader)") }
    compare("hdr-len", Flag.length, info.length)
    compare("segs-left", Flag.segmentsLeft, info.segmentsLeft)
    compare("last-entry", Flag.lastEntry, info.lastEntry)
    if info.matched & Flag.tag != 0 { text.word("tag:\(not(Flag.tag))\(info.tag)") }
    for (index, name) in ["psid", "nsid", "lsid"].enumerated() where info.matched & Flag.segments[index] != 0 {
      let prefix = AddressMask(mask: info.masks[index].bits(.ipv6)).prefix(.ipv6).map { UInt32($0) } ?? .max
      text.word("\(name) \(not(Flag.segments[index])) \(info.segments[index].address(.ipv6))/\(prefix)")
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if (info.matched | info.inverted) & ~0x3fff != 0 { throw .kernel("srh: unknown flags") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    var tests: [Condition] = [.has(.segmentHeader("header", bits: 1) { _, _ in .value(1) })]
    func add(_ flag: UInt16, _ test: Condition) {
      if info.matched & flag != 0 { tests.append(test.inverted(info.inverted & flag != 0)) }
    }
    func byte(_ name: String, at place: Int) -> Field {
      .segmentHeader(name, bits: 8) { bytes, offset in .of(bytes[offset + place]) }
    }
    func compare(_ flags: [UInt16], _ field: Field, _ value: UInt8) {
      add(flags[0], .equals(field, value))
      add(flags[1], value == 255 ? .never : .inRange(field, value + 1, 255))
      add(flags[2], value == 0 ? .never : .inRange(field, 0, value - 1))
    }
    add(Flag.nextHeader, .equals(byte("nexthdr", at: 0), info.nextHeader))
    compare(Flag.length, byte("hdrlen", at: 1), info.length)
    compare(Flag.segmentsLeft, byte("segsleft", at: 3), info.segmentsLeft)
    compare(Flag.lastEntry, byte("lastentry", at: 4), info.lastEntry)
    // As the kernel: compares the tag without byte order conversion.
    add(
      Flag.tag,
      .equals(
        .segmentHeader("tag", bits: 16) { bytes, offset in .of(UInt16(bytes[offset + 6]) | UInt16(bytes[offset + 7]) << 8) }, info.tag))
    for (index, name) in ["psid", "nsid", "lsid"].enumerated() {
      let mask = info.masks[index].bits(.ipv6)
      add(Flag.segments[index], .masked(.segment(name, index), info.segments[index].bits(.ipv6) & mask, mask: mask))
    }
    return .all(tests)
  }
}

extension Field {
  /// A value of a segment routing header. Absent, without dropping the packet, if there is no such header, if it is truncated, or if
  /// more segments are left than it has. The corresponding kernel function is `srh1_mt6`.
  fileprivate static func segmentHeader(
    _ name: String, bits: Int, read: @escaping @Sendable (_ bytes: [UInt8], _ offset: Int) -> FieldValue
  ) -> Field {
    Field("srh.\(name)", bits: bits, FieldTraits(.packet, [.value, .absent])) { context in
      let bytes = context.packet.bytes
      guard case .found(let offset) = ExtensionHeaderSearch(bytes, .routing), bytes.holds(8, at: offset),
        let length = extensionLength(bytes, at: offset), bytes.holds(length, at: offset), bytes[offset + 2] == 4,
        bytes[offset + 3] <= bytes[offset + 4]
      else { return .absent }
      return read(bytes, offset)
    }
  }

  /// The previous, next or last segment. The list is in reverse order: its first entry is the last segment.
  fileprivate static func segment(_ name: String, _ which: Int) -> Field {
    segmentHeader(name, bits: 128) { bytes, offset in
      let left = Int(bytes[offset + 3])
      if which == 0, left == Int(bytes[offset + 4]) { return .absent }
      if which == 1, left == 0 { return .absent }
      let index = which == 0 ? left + 1 : which == 1 ? left - 1 : 0
      return bytes.uint128(at: offset + 8 + 16 * index).map { .value($0) } ?? .absent
    }
  }
}
