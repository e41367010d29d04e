import CNetfilter
public import Wire
public import XTables

/// Matches the maximum segment size option of TCP. Kernel: `xt_tcpmss`, revision 0.
public enum TCPMSSMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_tcpmss_match_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var sizes = NumberRange<UInt16>(0, 0)
    var inverted: UInt8 = 0
    var padding: UInt8 = 0
  }

  public static let name = "tcpmss"
  public static let families: Families = .both
  public static let summary = "matches the maximum segment size option of a TCP packet"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [6]) }

  private static let range = ValueSyntax.range(of: UInt16.self)
  private static let syntax = ValueSyntax<NumberRange<UInt16>>(
    placeholder: range.placeholder, grammar: range.grammar, samples: range.samples, nearMisses: range.nearMisses + ["5:4"],
    parse: { token, arguments throws(OptionError) in
      let sizes = try range.parse(token, arguments)
      guard sizes.low <= sizes.high else {
        throw arguments.refused("bad-value", "invalid range given", hint: "swap the two sizes")
      }
      return sizes
    },
    print: range.print)

  public static let options: [Option<Info>] = [
    Option("--mss", syntax, \.sizes, invert: .flag(\.inverted), .mandatory, "segment size or range")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_tcpmss_match_info>.size)]
  public static let examples: [Example] = [
    .matches("--mss 1400:1500", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S opts=020405b4", before: "-p tcp"),
    .misses("--mss 1400:1500", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S opts=02040218", before: "-p tcp"),
    .accepts("! --mss 536", before: "-p tcp"), .rejects("--mss 5:4", before: "-p tcp"),
    .rejects("--mss 1"), .rejects("", before: "-p tcp"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    let low = info.sizes.low
    let high = info.sizes.high
    text.word("tcpmss match \(info.inverted != 0 ? "!" : "")\(low == high ? "\(low)" : "\(low):\(high)")")
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    // Without the option the value is in no range, so an inverted test matches.
    .inRange(.maximumSegmentSize, info.sizes.low, info.sizes.high).inverted(info.inverted != 0)
  }
}

extension Field {
  /// The MSS option of a TCP header; 65536 without the option; malformed if the header is shorter than 20 bytes or exceeds the
  /// packet. The corresponding kernel function is `tcpmss_mt`.
  static let maximumSegmentSize = Field(
    "tcp.mss", bits: 17,
    FieldTraits(.packet, [.value, .malformed], values: .range(0...65536)) { value, draft in
      guard draft.isTCP else { return false }
      draft.fields.tcpOptions = value > 65535 ? [] : [2, 4, UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
      return true
    }
  ) { context in
    let bytes = context.packet.bytes
    guard let start = context.packet.transport?.offsetOfMatches, bytes.holds(20, at: start) else { return .malformed }
    let end = start + Int(bytes[start + TCPHeader.Offset.dataOffset] >> 4) * 4
    var at = start + 20
    guard at <= end, end <= bytes.count else { return .malformed }
    while at < end {
      if bytes[at] == TCPOptionKind.maximumSegmentSize, end - at >= 4, bytes[at + 1] == 4 {
        return bytes.uint16(at: at + 2).map { .of($0) } ?? .malformed
      }
      at += bytes[at] < 2 || at + 1 >= end ? 1 : max(Int(bytes[at + 1]), 1)
    }
    return .value(65536)
  }
}
