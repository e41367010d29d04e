import CNetfilter
public import Wire
public import XTables

/// Restarts a timer. When it expires, user space is notified that no packet has arrived. Kernel: `xt_IDLETIMER`, revision 1.
public enum IdletimerTarget: TargetExtension {
  /// The corresponding kernel structure is `idletimer_tg_info_v1`.
  public struct Info: BitwiseCopyable, Sendable {
    /// Seconds.
    var timeout: UInt32 = 0
    var label = FixedName<28>()
    var sendsMessage: UInt8 = 0
    var timerType: UInt8 = 0
    var padding = InlineArray<6, UInt8>(repeating: 0)
    /// A pointer used by the kernel only; 0 in a rule's text.
    var timer: UInt64 = 0
  }

  /// The corresponding kernel structure is `idletimer_tg_info`.
  private struct Plain: BitwiseCopyable, Sendable {
    var timeout: UInt32
    var label: FixedName<28>
    var timer: UInt64 = 0
  }

  /// `XT_IDLETIMER_ALARM`: the timer continues while the machine is suspended.
  private static let alarm: UInt8 = 1

  public static let name = "IDLETIMER"
  public static let families: Families = .both
  public static let summary = "restarts a timer, which notifies user space if no packet arrives in time"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option("--timeout", .unsigned(), \.timeout, .mandatory, "seconds without a packet until user space is notified"),
    Option("--label", .bareName(placeholder: "name"), \.label, .mandatory, "the name of the timer in user space"),
    Option(
      flag: "--alarm", present: Presence(get: { $0.timerType == alarm }, set: { $0.timerType = alarm }), .plain,
      "also count time during which the machine is suspended"),
  ]
  public static let layouts: [Layout<Info>] = [
    Layout(
      revision: 0, Plain.self, abiSize: Int(idletimer_tg_info_size), userSize: 32,
      upgrade: { Info(timeout: $0.timeout, label: $0.label) },
      downgrade: { $0.timerType == 0 && $0.sendsMessage == 0 ? Plain(timeout: $0.timeout, label: $0.label) : nil }),
    Layout(revision: 1, abiSize: Int(idletimer_tg_info_v1_size), userSize: 40),
  ]
  public static let examples: [Example] = [
    .passes(
      "--timeout 42 --label foo", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      because: "the timer restarts; user space is notified when it ends"),
    .accepts("--timeout 42 --label bar --alarm"), .rejects("--timeout 42"),
    .rejects("--timeout 0 --label foo"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("timeout:\(info.timeout) label:\(info.label.string)")
    if info.timerType == alarm { text.word("alarm") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.timeout == 0 { throw .kernel("IDLETIMER: the timeout is zero") }
    if info.timeout >= 2_147_483 { throw .kernel("IDLETIMER: the timeout is too long", hint: "at most 2147482 seconds") }
    if info.label.bytes.isEmpty || info.label.storage[27] != 0 { throw .kernel("IDLETIMER: the label is empty or does not end") }
    if info.sendsMessage != 0 || info.timerType > alarm { throw .kernel("IDLETIMER: unknown kind of timer") }
  }

  public static var start: (@Sendable (Info, Family, World) -> Void)? {
    { info, _, world in
      world.memory.withState(named: key(info), initial: end(info, world)) { _ in }
    }
  }

  /// A packet after the timer's expiry restarts it, and user space is notified.
  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    let now = packet.world.now
    let next = end(info, packet.world)
    let wasIdle = packet.world.memory.withState(named: key(info), initial: next) { end in
      defer { end = next }
      return end <= now
    }
    if wasIdle { packet.note { _ in .note("IDLETIMER \(info.label.string) was idle and becomes active") } }
    return .proceed
  }

  private static func key(_ info: Info) -> String { "IDLETIMER/\(info.label.string)" }

  private static func end(_ info: Info, _ world: World) -> UInt64 { world.now &+ UInt64(info.timeout) &* 1_000_000_000 }
}
