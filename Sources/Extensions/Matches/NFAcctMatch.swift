import CNetfilter
public import Wire
public import XTables

/// Counts packets with an accounting object. Matches if the object has no quota or is over it. Kernel: `xt_nfacct`, revision 1.
public enum NFAcctMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_nfacct_match_info_v1`.
  public struct Info: BitwiseCopyable, Sendable {
    var object = FixedName<32>()
    /// Used by the kernel only; 0 in a rule's text.
    var kernelState: UInt64 = 0
  }

  public static let name = "nfacct"
  public static let families: Families = .both
  public static let needs: [HostFact] = [.accounting]
  public static let summary = "counts packets with an accounting object"
  public static let initial = Info()

  private static let object = ValueSyntax<FixedName<32>>(
    placeholder: "name", grammar: "string", samples: ["http-traffic", "x"], nearMisses: ["\"\""],
    parse: { token, arguments throws(OptionError) in
      guard !token.bytes.isEmpty else {
        throw OptionError("bad-value", "Argument must have a minimum length of 1 characters", at: token.range)
      }
      guard !token.bytes.contains(UInt8(ascii: "\n")) else {
        throw OptionError("bad-value", "Newlines not allowed in --nfacct-name", at: token.range)
      }
      return FixedName(token.bytes)
    },
    // As iptables, prints two blanks before the name.
    print: { name, text in
      text.glue(" ")
      text.quoted(name.bytes)
    })

  public static let options: [Option<Info>] = [
    Option("--nfacct-name", object, \.object, .mandatory, "name of the accounting object")
  ]
  public static let layouts = [
    Layout<Info>(
      revision: 0, Info.self, abiSize: Int(xt_nfacct_match_info_size), userSize: 32, upgrade: { $0 }, downgrade: { $0 }),
    Layout<Info>(revision: 1, abiSize: Int(xt_nfacct_match_info_v1_size), userSize: 32),
  ]
  public static let examples: [Example] = [
    .unknown(
      "--nfacct-name http-traffic", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      because: "only the kernel knows the quota of an accounting object", saved: "--nfacct-name  http-traffic"),
    .rejects("--nfacct-name \"\""), .rejects(""),
  ]

  /// The corresponding kernel function is `nfacct_mt_checkentry`.
  public static func objects(_ info: Info) -> [KernelObjectUse] { [.needs(.accountingObject(info.object.string))] }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("nfacct-name ")
    text.quoted(info.object.bytes)
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .unknown(UnknownReason("-m nfacct", needs: "the quota and the counters of the accounting object \(info.object.string)"))
  }
}
