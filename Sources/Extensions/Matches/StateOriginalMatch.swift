import CNetfilter
public import Wire
public import XTables

/// The structure of `-m state` before it became a part of ``ConntrackMatch``. The kernel still accepts it and a blob may contain it.
/// It is never written. Kernel: `xt_state`, revision 0.
public enum StateOriginalMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_state_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var states: UInt32 = 0
  }

  public static let name = "state"
  public static let families: Families = .both
  public static let summary = "matches the state of the packet in its connection; the form of old iptables versions"
  public static let initial = Info()

  /// `XT_STATE_*`: the same bits as ``ConntrackState`` has, but for the last.
  private static let bits: [(state: UInt16, bit: UInt32)] = [
    (ConntrackState.invalid, 0x01), (ConntrackState.established, 0x02), (ConntrackState.related, 0x04), (ConntrackState.new, 0x08),
    (ConntrackState.untracked, 0x40),
  ]

  private static func states(_ info: Info) -> UInt16 {
    bits.reduce(0) { info.states & $1.bit != 0 ? $0 | $1.state : $0 }
  }

  private static let syntax = ConntrackTest.states(ConntrackTest.stateNames.filter { !$0.name.hasSuffix("NAT") }, "state")

  public static let options: [Option<Info>] = [
    Option(
      "--state", arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, invertible: true, .mandatory, "state of the packet in its connection",
      read: { info, arguments throws(OptionError) in
        let wanted = try syntax.parse(arguments.token, arguments)
        info.states = bits.reduce(0) { wanted & $1.state != 0 ? $0 | $1.bit : $0 }
        if arguments.inverted { info.states = ~info.states }
      },
      write: { info, text in
        text.option("--state")
        syntax.print(states(info), &text)
      })
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_state_info>.size)]
  /// No rule's text uses this structure.
  public static let examples: [Example] = []

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .not(.masked(.connectionState, 0, mask: states(info)))
  }
}
