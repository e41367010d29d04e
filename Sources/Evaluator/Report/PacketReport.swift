public import Conntrack
public import Diagnostics
public import Netfilter
public import Wire
public import XTables

/// A packet's path through the host, and its verdict.
public struct PacketReport: Sendable {
  /// Where a packet came from.
  public enum Origin: String, Sendable, Hashable {
    /// The packet that was received or sent.
    case own
    /// A packet made by the host, such as a reply or an ICMP error.
    case host
  }

  /// Where the packet came from.
  public let origin: Origin
  /// The packet's family.
  public let family: Family
  /// The hooks in the order in which the packet passed them; empty if the path is not recorded.
  public internal(set) var passages: [HookPassage] = []
  /// What happened to the packet in the end.
  public internal(set) var verdict: PacketVerdict = .refused("the packet was not processed")
  /// The packet as the last hook or rule saw it.
  public internal(set) var packet: Packet
  /// The packet mark as the last hook or rule saw it.
  public internal(set) var mark: UInt32
  /// The input interface, possibly the loopback interface; nil for a packet that was only sent.
  public internal(set) var input: String?
  /// The packet's socket, if a socket with an owner sent it or is to receive it.
  public internal(set) var owner: SocketFacts?
  /// What connection tracking found out about it; nil if nothing is tracked, or the path is not recorded.
  public internal(set) var tracking: TrackingReport?
  /// What its targets logged.
  public internal(set) var logs: [LogRecord] = []
  /// Its stays in queues, in order.
  public internal(set) var queueStays: [QueueStay] = []
  /// Sentences by targets about their side effects.
  public internal(set) var notes: [String] = []
  /// The number of further log lines, messages and notes that were dropped; see ``Limits/recordsOfPacket``.
  public internal(set) var omittedRecords = 0

  init(origin: Origin, packet: Packet, family: Family, mark: UInt32 = 0) {
    self.origin = origin
    self.packet = packet
    self.family = family
    self.mark = mark
  }

  /// The rules, policies and returns that the packet hit, in order. If there are too many: the first ones, and the last of each table.
  public var steps: [RuleStep] { passages.flatMap { $0.operations.flatMap(\.steps) } }

  /// The steps that ``steps`` omits, with their counts.
  public var omittedSteps: [RuleTrace.Rest] {
    passages.flatMap { $0.operations.flatMap { $0.trace?.omittedSteps ?? [] } }
  }
}

/// A packet's passage of a hook.
public struct HookPassage: Sendable {
  /// The hook.
  public let hook: Hook
  /// The input interface at the hook; nil if there is none.
  public let input: String?
  /// The output interface at the hook; nil if there is none.
  public let output: String?
  /// The packet mark at the hook's entry.
  public let markBefore: UInt32
  /// The packet mark after the hook; nil if the packet did not pass it.
  public internal(set) var markAfter: UInt32?
  /// The operations with a recorded event, in order.
  public internal(set) var operations: [OperationRecord] = []
}

/// An operation of a hook with a recorded event.
public struct OperationRecord: Sendable {
  /// `filter`, `conntrack`, `defrag`, …
  public let name: String
  /// The operation's priority at the hook.
  public let priority: Int32
  /// The path through the table, if the operation is a table.
  public internal(set) var trace: RuleTrace?
  /// `accept`, `drop`, …, or a description of another outcome: the connection's state, or why a table was not asked.
  public internal(set) var outcome: String = "accept"

  /// The recorded steps in the table; see ``RuleTrace/steps``.
  public var steps: [RuleStep] { trace?.steps ?? [] }
}

/// A rule that was hit, or the end of a chain.
public struct RuleStep: Sendable, Hashable {
  /// What was hit.
  public enum Kind: String, Sendable, Hashable {
    case rule
    /// The end of a built-in chain, where its policy applies.
    case policy
    /// The end of a user-defined chain.
    case `return`
  }

  /// The table of the rule. Of no meaning if there is an ``owner``.
  public let table: TableName
  /// Family and name of a table of nf_tables beside the loaded rules, such as `inet firewalld`; nil for a table of iptables.
  public var owner: String? = nil
  /// The chain of the rule.
  public let chain: String
  /// What was hit: a rule or the end of a chain.
  public let kind: Kind
  /// The rule's number, from 1; the number of rules plus 1 for the end of a chain.
  public let number: Int
  /// The target as written in the rule, such as `-j ACCEPT`, or the policy. Of a rule of nf_tables, the whole rule.
  public let action: String
  /// The place of the rule, or of the chain's declaration, in its file; nil if unknown.
  public let source: SourceRange?

  /// The step's label in the lab's protocol: `filter:FORWARD:rule:3`.
  public var label: String { "\(tableTitle):\(chain):\(kind.rawValue):\(number)" }

  /// The table as a report names it: `filter`, or `inet firewalld`.
  public var tableTitle: String { owner ?? table.rawValue }
}

/// What happened to a packet.
public enum PacketVerdict: Sendable, Hashable {
  /// The packet left through an interface.
  case sent(output: String)
  /// The packet was delivered to this host.
  case delivered
  /// A rule, a policy or an operation dropped it.
  case dropped(at: Hook, by: RuleStep?, because: String)
  /// It was dropped between two hooks: by routing, its TTL, or its size.
  case lost(String)
  /// A queue's listener holds it.
  case queued(number: UInt16, at: Hook)
  /// Reassembly holds it, at a hook or before local delivery (nil).
  case absorbed(at: Hook?)
  /// The IP layer dropped it before the first hook.
  case refused(String)
  /// The kernel's behaviour cannot be determined.
  case unknown(UnknownReason, at: Hook?)
}

/// A log message from a target.
public enum LogRecord: Sendable, Hashable {
  /// A message to the kernel log; the level is syslog's, 0 to 7.
  case line(level: UInt8, text: String)
  /// A message to an nfnetlink group, for a listener in user space.
  case group(UInt16, prefix: String)
}

/// A packet's stay in a queue.
public struct QueueStay: Sendable {
  /// The number of the queue.
  public let queue: UInt16
  /// The hook at which the packet was queued.
  public let hook: Hook
  /// The packet mark when it was queued.
  public let mark: UInt32
  /// The input interface; nil if there is none.
  public let input: String?
  /// The output interface; nil if there is none.
  public let output: String?
  /// The packet as presented to the listener.
  public let packet: Packet
  /// The listener's verdict; nil while it holds the packet.
  public internal(set) var answer: QueueAnswer.Verdict?
}

/// A frame that left through an interface.
public struct Departure: Sendable, Hashable {
  /// The name of the output interface.
  public let interface: String
  /// The frame's destination address.
  public let destination: MACAddress
  /// The packet in the frame, from the network header on.
  public let packet: Packet
  /// The index of the packet's report.
  public let report: Int

  /// Compares interface, destination and bytes; ignores the report's index.
  public static func == (left: Departure, right: Departure) -> Bool {
    left.interface == right.interface && left.destination == right.destination && left.packet.bytes == right.packet.bytes
  }

  /// Hashes interface and bytes.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(interface)
    hasher.combine(packet.bytes)
  }
}

/// Everything that one packet caused.
public struct PathReport: Sendable {
  /// The packet itself, then the packets that the host made, in order of creation.
  public internal(set) var packets: [PacketReport] = []
  /// The frames that left, in order.
  public internal(set) var departures: [Departure] = []
  /// Events at the host's sockets.
  public internal(set) var sockets: [SocketEvent] = []
  /// The error that the sending process got.
  public internal(set) var error: SendError?
  /// The number of copies without a report; see ``Limits/packetsOfReport``.
  public internal(set) var omittedCopies = 0

  /// The verdict of the packet itself.
  public var verdict: PacketVerdict { packets.first?.verdict ?? .refused("there was no packet") }
}

extension PathReport {
  @inline(__always)
  var isEmpty: Bool { packets.isEmpty && departures.isEmpty && sockets.isEmpty }

  /// True if nothing was recorded. Inlined, because asking for it after each packet would else copy the report.
  @inline(__always)
  var isUntouched: Bool { isEmpty && error == nil }
}

/// A packet that has gone the way of an earlier one of the same direction of its connection, which is not translated.
public struct Repetition: Sendable {
  /// The number of the way; see ``Simulator/hits(onWay:)``. Numbers are not used again.
  public let way: Int
  /// The packet's connection.
  public let connection: ConnectionHandle
  /// The packet's direction.
  public let direction: Direction
}

/// What happened to a packet whose path was not recorded.
public enum Passage: Sendable {
  /// It has left, and hit what others on its way did.
  case repeated(Repetition)
  /// Anything else.
  case carried(Carriage)
}

/// The result for a packet whose path was not recorded.
public struct Carriage: Sendable {
  /// What happened to the packet.
  public let verdict: PacketVerdict
  /// The frame's destination address, if the packet left as one frame.
  public let frameDestination: MACAddress?
  /// Further effects: answers, copies, fragments, logs and stays in queues; nil for most packets.
  public let report: PathReport?
}
