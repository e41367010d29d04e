import CNetfilter
public import Wire
public import XTables

/// Matches the length of the datagram. Kernel: `xt_length`, revision 0.
public enum LengthMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_length_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var length = NumberRange<UInt16>(0, 0)
    var inverted: UInt8 = 0
    var padding: UInt8 = 0
  }

  public static let name = "length"
  public static let families: Families = .both
  public static let summary = "matches the length of the datagram in bytes"
  public static let initial = Info()
  public static let options: [Option<Info>] = [
    Option("--length", .range(), \.length, invert: .flag(\.inverted), .mandatory, "length or range of lengths in bytes")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_length_info>.size)]
  public static let examples: [Example] = [
    .matches("--length 33", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 payload=hello"),
    .misses("--length 33", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 payload=hello!"),
    .accepts("--length 1500"), .accepts("! --length 64:1500"), .accepts("--length :100", saved: "--length 0:100"),
    .rejects("--length 65536"), .rejects(""),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    let low = info.length.low
    let high = info.length.high
    text.word("length \(info.inverted != 0 ? "!" : "")\(low == high ? "\(low)" : "\(low):\(high)")")
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .inRange(.datagramLength, info.length.low, info.length.high).inverted(info.inverted != 0)
  }
}
