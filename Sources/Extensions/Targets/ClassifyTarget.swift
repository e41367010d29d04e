import CNetfilter
public import Wire
public import XTables

/// Sets the packet's priority, which selects its traffic control class. Kernel: `xt_CLASSIFY`, revision 0.
public enum ClassifyTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_classify_target_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var priority: UInt32 = 0
  }

  public static let name = "CLASSIFY"
  public static let families: Families = .both
  public static let summary = "sets the packet's priority, the class for traffic control"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.forward, .output, .postrouting]) }

  public static let options: [Option<Info>] = [
    Option(
      "--set-class", arity: 1, placeholder: "major:minor", grammar: "hex \":\" hex", samples: ["0000:ffff", "1:1", "0x1:0x20"],
      nearMisses: ["1", "1:", ":1", "x:y", ""], .mandatory, "both numbers in hexadecimal",
      read: { info, arguments throws(OptionError) in
        guard let major = CNumber(arguments.token.bytes, base: .scannedHexadecimal), major.rest.first == UInt8(ascii: ":"),
          let minor = CNumber(major.rest.dropFirst(), base: .scannedHexadecimal)
        else {
          throw OptionError(
            "bad-value", "Bad class value \"\(arguments.token.string)\"", at: arguments.token.range,
            hint: "write major:minor in hexadecimal")
        }
        info.priority =
          UInt32(arguments.keep(major, as: UInt16(truncatingIfNeeded: major.wrapped))) << 16
          | UInt32(arguments.keep(minor, as: UInt16(truncatingIfNeeded: minor.wrapped)))
      },
      write: { info, text in
        text.option("--set-class")
        text.word("\(padded(info.priority >> 16)):\(padded(info.priority & 0xffff))")
      })
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_classify_target_info>.size)]
  public static let examples: [Example] = [
    .passes(
      "--set-class 1:2", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      because: "the queueing discipline of the outgoing interface uses the class", saved: "--set-class 0001:0002", table: .mangle),
    .accepts("--set-class 0000:ffff", table: .mangle),
    .rejects("--set-class 1", table: .mangle), .rejects("", table: .mangle),
  ]

  private static func padded(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(4 - digits.count, 0)) + digits
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("CLASSIFY set \(String(info.priority >> 16, radix: 16)):\(String(info.priority & 0xffff, radix: 16))")
  }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [.set(.priority, info.priority, clearing: UInt32.max)] }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    packet.priority = info.priority
    return .proceed
  }
}
