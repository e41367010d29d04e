import CNetfilter
public import Wire
public import XTables

/// Matches the processor that handles the packet. Kernel: `xt_cpu`, revision 0.
public enum CPUMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_cpu_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var number: UInt32 = 0
    var inverted: UInt32 = 0
  }

  public static let name = "cpu"
  public static let families: Families = .both
  public static let needs: [HostFact] = [.processor]
  public static let summary = "matches the processor that handles the packet"
  public static let initial = Info()
  public static let options: [Option<Info>] = [
    Option("--cpu", .unsigned(), \.number, invert: .flag(\.inverted), .mandatory, "number of the processor")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_cpu_info>.size)]
  public static let examples: [Example] = [
    .unknown("--cpu 0", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", because: "the processor is chosen when the packet arrives"),
    .accepts("! --cpu 4294967295"), .rejects("--cpu -1"), .rejects(""),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("cpu \(info.inverted != 0 ? "! " : "")\(info.number)")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~1 != 0 { throw .kernel("cpu: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .unknown(UnknownReason("-m cpu", lacking: .processor))
  }
}
