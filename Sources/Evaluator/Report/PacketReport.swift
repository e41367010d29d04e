public import Conntrack
public import Diagnostics
public import Wire
public import XTables

/// One packet's way through the host, and what became of it.
public struct PacketReport: Sendable {
  public enum Origin: String, Sendable, Hashable {
    /// The packet that was received or sent.
    case own
    /// One the host made: a reply, an error.
    case host
  }

  public let origin: Origin
  public let family: Family
  /// The hooks in the order in which the packet came to them; empty where nothing is recorded.
  public internal(set) var passages: [HookPassage] = []
  public internal(set) var verdict: PacketVerdict = .refused("not looked at")
  /// As it was when a hook or a rule last saw it.
  public internal(set) var packet: Packet
  /// When a hook or a rule last saw it.
  public internal(set) var mark: UInt32
  /// The interface by which it came, if only from the loopback.
  public internal(set) var input: String?
  /// Its socket, where one with an owner sent it or is to receive it.
  public internal(set) var owner: SocketFacts?
  /// What its targets logged.
  public internal(set) var logs: [LogRecord] = []
  /// Its stays in queues.
  public internal(set) var queueStays: [QueueStay] = []
  /// Sentences of targets about what they did besides.
  public internal(set) var notes: [String] = []
  /// How many further log lines, messages and notes there were; see ``Limits/recordsOfPacket``.
  public internal(set) var omittedRecords = 0

  init(origin: Origin, packet: Packet, family: Family, mark: UInt32 = 0) {
    self.origin = origin
    self.packet = packet
    self.family = family
    self.mark = mark
  }

  /// The rules, policies and returns that the packet hit, in order: of a longer way the beginning, and the last of each table.
  public var steps: [RuleStep] { passages.flatMap { $0.operations.flatMap(\.steps) } }

  /// What ``steps`` leaves out.
  public var omittedSteps: [RuleTrace.Rest] {
    passages.flatMap { $0.operations.flatMap { $0.trace?.omittedSteps ?? [] } }
  }
}

/// A hook the packet came to.
public struct HookPassage: Sendable {
  public let hook: Hook
  public let input: String?
  public let output: String?
  public let markBefore: UInt32
  /// Nothing where the packet did not get past the hook.
  public internal(set) var markAfter: UInt32?
  public internal(set) var operations: [OperationRecord] = []
}

/// An operation of a hook that had something to say.
public struct OperationRecord: Sendable {
  /// `filter`, `conntrack`, `defrag`, …
  public let name: String
  public let priority: Int32
  /// The way through the table, where the operation is one.
  public internal(set) var trace: RuleTrace?
  /// `accept`, `drop`, …, or what else happened, in words.
  public internal(set) var outcome: String = "accept"

  /// See ``RuleTrace/steps``.
  public var steps: [RuleStep] { trace?.steps ?? [] }
}

/// A rule that was hit, or the end of a chain that was reached.
public struct RuleStep: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable {
    case rule
    /// The end of a built-in chain.
    case policy
    /// The end of a chain of the user's.
    case `return`
  }

  public let table: TableName
  public let chain: String
  public let kind: Kind
  /// From 1; one more than the rules of the chain for its end.
  public let number: Int
  /// What the rule does, as its line says it: `-j ACCEPT`; or the policy.
  public let action: String
  /// Where the rule was written.
  public let source: SourceRange?

  /// `filter:FORWARD:rule:3`, as the lab writes it.
  public var label: String { "\(table.rawValue):\(chain):\(kind.rawValue):\(number)" }
}

/// What became of a packet.
public enum PacketVerdict: Sendable, Hashable {
  /// It left through an interface.
  case sent(output: String)
  /// It came to this host itself.
  case delivered
  /// A rule, a policy or an operation ended it.
  case dropped(at: Hook, by: RuleStep?, because: String)
  /// It was lost between two hooks: by routing, its TTL, its size.
  case lost(String)
  /// A queue's listener keeps it.
  case queued(number: UInt16, at: Hook)
  /// Reassembly keeps it, at a hook or before local delivery.
  case absorbed(at: Hook?)
  /// The IP layer did not take it, so no hook saw it.
  case refused(String)
  /// It cannot be told what the kernel would do.
  case unknown(UnknownReason, at: Hook?)
}

/// Something a target logged.
public enum LogRecord: Sendable, Hashable {
  /// To the kernel log.
  case line(level: UInt8, text: String)
  /// To a group that user space listens to.
  case group(UInt16, prefix: String)
}

/// A stay in a queue.
public struct QueueStay: Sendable {
  public let queue: UInt16
  public let hook: Hook
  public let mark: UInt32
  public let input: String?
  public let output: String?
  /// The packet as the listener was shown it.
  public let packet: Packet
  /// What the listener said; nothing while it holds the packet.
  public internal(set) var answer: QueueAnswer.Verdict?
}

/// A frame that left through an interface.
public struct Departure: Sendable, Hashable {
  public let interface: String
  public let destination: MACAddress
  public let packet: Packet
  /// The place of its packet among the reports.
  public let report: Int

  public static func == (left: Departure, right: Departure) -> Bool {
    left.interface == right.interface && left.destination == right.destination && left.packet.bytes == right.packet.bytes
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(interface)
    hasher.combine(packet.bytes)
  }
}

/// All that one packet set in motion.
public struct PathReport: Sendable {
  /// The packet itself first, then those the host made, in the order in which they began.
  public internal(set) var packets: [PacketReport] = []
  /// Everything that left, in order.
  public internal(set) var departures: [Departure] = []
  /// What sockets of this host met.
  public internal(set) var sockets: [SocketEvent] = []
  /// The error a sending process got.
  public internal(set) var error: SendError?
  /// Copies of a packet, with what they led to, of which nothing is told; see ``Limits/packetsOfReport``.
  public internal(set) var omittedCopies = 0

  /// The verdict on the packet itself.
  public var verdict: PacketVerdict { packets.first?.verdict ?? .refused("there was no packet") }
}

extension PathReport {
  var isEmpty: Bool { packets.isEmpty && departures.isEmpty && sockets.isEmpty }

  /// Whether it is as it was made.
  var isUntouched: Bool { isEmpty && error == nil }
}

/// What became of a packet whose way was not recorded.
public struct Carriage: Sendable {
  public let verdict: PacketVerdict
  /// The hardware address its frame goes to, where it left as it is.
  public let frameDestination: MACAddress?
  /// What it set in motion besides: answers and copies, the pieces it left in, logs and stays in queues; nothing for most packets.
  public let report: PathReport?
}
