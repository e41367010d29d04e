import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Queues the packet to user space, which returns the verdict. Kernel: `xt_NFQUEUE`, revision 3.
public enum NFQueueTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_NFQ_info_v3`.
  public struct Info: BitwiseCopyable, Sendable {
    var first: UInt16 = 0
    var count: UInt16 = 1
    var flags: UInt16 = 0
  }

  /// The corresponding kernel structure is `xt_NFQ_info`.
  private struct SingleQueue: BitwiseCopyable, Sendable {
    var number: UInt16
  }

  /// The corresponding kernel structure is `xt_NFQ_info_v1`.
  private struct QueueRange: BitwiseCopyable, Sendable {
    var first: UInt16
    var count: UInt16
  }

  /// `NFQ_FLAG_BYPASS` and `NFQ_FLAG_CPU_FANOUT`.
  private static let bypass: UInt16 = 1
  private static let processorFanout: UInt16 = 2

  public static let name = "NFQUEUE"
  public static let families: Families = .both
  public static let ending = TargetEnding.always
  public static let summary = "sends the packet to a queue in user space; a program there gives the verdict"
  public static let needs: [HostFact] = [.queueListeners]
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--queue-num", .unsigned(), \.first, present: .when { $0.count <= 1 }, OptionUse(excludes: ["--queue-balance"]),
      "the number of the queue"),
    Option(
      "--queue-balance", arity: 1, placeholder: "first:last", grammar: "number \":\" number",
      samples: ["0:3", "10:20", "0:65534"], nearMisses: ["5", "3:3", "9:1", "0:65536", "-1:2", "1:2:3"],
      OptionUse(excludes: ["--queue-num"]), "spread connections over queues first to last",
      read: { info, arguments throws(OptionError) in
        let range = try ValueSyntax<NumberRange<UInt16>>.range().parse(arguments.token, arguments)
        guard arguments.token.cut(at: ":") != nil else {
          throw OptionError(
            "bad-value", "Bad range \"\(arguments.token.string)\"", at: arguments.token.range, hint: "write first:last")
        }
        guard range.low < range.high else {
          throw OptionError(
            "bad-value", "\(range.low) should be less than \(range.high)", at: arguments.token.range,
            hint: "for one queue use --queue-num")
        }
        info.first = range.low
        // The count of all 65536 queues wraps to 0, which the kernel refuses.
        info.count = range.high &- range.low &+ 1
      },
      write: { info, text in
        guard info.count > 1 else { return }
        text.option("--queue-balance")
        text.word("\(info.first):\(UInt32(info.first) + UInt32(info.count) - 1)")
      }),
    Option(flag: "--queue-bypass", present: .bits(\.flags, bypass), .plain, "accept the packet if no program listens to the queue"),
    Option(
      flag: "--queue-cpu-fanout", present: .bits(\.flags, processorFanout), OptionUse(requires: ["--queue-balance"]),
      "select the queue by processor instead of by connection"),
  ]
  public static let layouts: [Layout<Info>] = [
    Layout(
      revision: 0, SingleQueue.self, abiSize: MemoryLayout<xt_NFQ_info>.size, upgrade: { Info(first: $0.number) },
      downgrade: { $0.count == 1 && $0.flags == 0 ? SingleQueue(number: $0.first) : nil }),
    Layout(
      revision: 1, QueueRange.self, abiSize: MemoryLayout<xt_NFQ_info_v1>.size,
      upgrade: { Info(first: $0.first, count: $0.count) },
      downgrade: { $0.flags == 0 ? QueueRange(first: $0.first, count: $0.count) : nil }),
    Layout(
      revision: 2, Info.self, abiSize: MemoryLayout<xt_NFQ_info_v2>.size, upgrade: { $0 },
      downgrade: { $0.flags & ~bypass == 0 ? $0 : nil }),
    Layout(revision: 3, abiSize: MemoryLayout<xt_NFQ_info_v3>.size),
  ]
  public static let examples: [Example] = [
    .acts(
      "--queue-num 3", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "verdict: sent eth1, queue: 3",
      given: .init(host: ["host: {queues: {3: accept}}"])),
    .acts("--queue-num 3", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "verdict: drop FORWARD"),
    .passes(
      "--queue-num 3 --queue-bypass", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      because: "no program listens to the queue, so the packet continues"),
    .accepts("", saved: "--queue-num 0"), .accepts("--queue-num 10 --queue-bypass"),
    .accepts(
      "--queue-bypass --queue-balance 0:6 --queue-cpu-fanout",
      saved: "--queue-balance 0:6 --queue-bypass --queue-cpu-fanout"),
    .rejects("--queue-num 65536"), .rejects("--queue-balance 0:65535"), .rejects("--queue-cpu-fanout"),
  ]

  public static func hostUses(_ info: Info) -> [HostUse] {
    let last = info.first.addingReportingOverflow(max(info.count, 1) - 1)
    return [.queues(info.first...(last.overflow ? .max : last.partialValue), bypasses: info.flags & bypass != 0)]
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    let last = UInt32(info.first) + UInt32(info.count) - 1
    text.word("NFQUEUE \(info.count > 1 ? "balance \(info.first):\(last)" : "num \(info.first)")")
    if info.flags & bypass != 0 { text.word("bypass") }
    if info.flags & processorFanout != 0 { text.word("cpu-fanout") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.count == 0 { throw .kernel("NFQUEUE: the range must contain 1 to 65535 queues") }
    if Int(info.first) + Int(info.count) - 1 > 65535 { throw .kernel("NFQUEUE: the range ends above 65535") }
    if info.flags & ~(bypass | processorFanout) != 0 { throw .kernel("NFQUEUE: unknown flags") }
  }

  /// The listener may return a changed packet.
  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [.anything] }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    var number = info.first
    if info.count > 1 {
      let isByProcessor = info.flags & processorFanout != 0
      if isByProcessor {
        packet.note { _ in .note("NFQUEUE uses queue \(number), that of processor 0: the simulated host has one processor") }
      } else {
        number = balanced(info, &packet)
      }
      if isByProcessor || packet.world.queueSeed == nil {
        packet.queueChoice = QueueChoice(among: info.first...(info.first + (info.count - 1)), isByProcessor: isByProcessor)
      }
    }
    return .verdict(.queue(number: number, bypass: info.flags & bypass != 0))
  }

  /// Chooses a queue by the addresses, without ports; equal for both directions. The kernel's seed is secret: if it was not given, one is
  /// drawn for the world and a note lists the possible queues. The corresponding kernel function is `nfqueue_hash`.
  private static func balanced(_ info: Info, _ packet: inout PacketContext) -> UInt16 {
    let world = packet.world
    let seed =
      world.queueSeed
      ?? world.memory.withState(named: "NFQUEUE/seed", initial: UInt32(truncatingIfNeeded: world.random.next())) { $0 }
    let hash = FlowHash.symmetric(packet.packet, seed: seed)
    let number = info.first &+ UInt16((UInt64(hash) * UInt64(info.count)) >> 32)
    if world.queueSeed == nil {
      let last = UInt32(info.first) + UInt32(info.count) - 1
      packet.note { _ in
        .note(
          "NFQUEUE uses queue \(number) of \(info.first) to \(last); the kernel selects one by a hash with a secret seed, so it may use another"
        )
      }
    }
    return number
  }
}

/// A hash of a packet's addresses that both directions share.
private enum FlowHash {
  static func symmetric(_ packet: Packet, seed: UInt32) -> UInt32 {
    switch (packet.source, packet.destination) {
    case (.v4(let source), .v4(let destination)):
      let ends = [source, destination].map { $0.rawValue.byteSwapped }.sorted()
      return JenkinsHash.words(ends[0], ends[1], UInt32(packet.ipv4?.proto.rawValue ?? 0), initial: seed)
    case (.v6(let source), .v6(let destination)):
      let last = [source.words[3], destination.words[3]].map(\.byteSwapped).sorted()
      let second = [source.words[1], destination.words[1]].map(\.byteSwapped).min() ?? 0
      return JenkinsHash.words(last[0], last[1], second, initial: seed)
    default: return 0
    }
  }
}
