public import Documents
public import Wire

/// The result of one step.
public struct LabStep: Sendable, Equatable {
  /// The step's index in the scenario, from 0.
  public var index: Int
  /// The frames that left through interfaces, in order.
  public var egress: [LabEgress] = []
  /// What the step injected; nil if nothing.
  public var injected: LabInjection?
  /// Conntrack's events, in order.
  public var events: [LabConntrackEvent] = []
  /// What happened at sockets, in order.
  public var sockets: [LabSocketRecord] = []
  /// The packets that the step caused; packets made by the host follow those that provoked them.
  public var packets: [LabPacket] = []
  /// The verdict of the step's own packet; `none` if it has none.
  public var verdict = LabVerdict(.none)
  /// The error of the sending process by name, such as `EPERM`.
  public var errno: String?
  /// The counters of IPv4 rules that changed.
  public var hits: [LabHit] = []
  /// The counters of IPv6 rules that changed; omitted from the answer if empty.
  public var hits6: [LabHit] = []
  /// Conntrack's entries; present if the scenario requests them after each step, or for a snapshot.
  public var connections: [LabConnection]?
  /// Conntrack's expectations; present as ``connections``.
  public var expectations: [LabExpectation]?

  /// Creates an empty result.
  public init(index: Int) { self.index = index }

  /// The result as JSON, in the lab's protocol.
  public var json: JSONValue {
    var step: JSONObject = ["i": .integer(index)]
    step["egress"] = .array(egress.map(\.json))
    if let injected { step["injected"] = injected.json }
    if !events.isEmpty { step["ct"] = .array(events.map(\.json)) }
    if !sockets.isEmpty { step["sockets"] = .array(sockets.map(\.json)) }
    if let errno { step["errno"] = .string(errno) }
    step["packets"] = .array(packets.map(\.json))
    step["verdict"] = .object(verdict.members)
    step["hits"] = .array(hits.map(\.json))
    if !hits6.isEmpty { step["hits6"] = .array(hits6.map(\.json)) }
    if let connections { step["conntrack"] = .array(connections.map(\.json)) }
    if let expectations { step["expect"] = .array(expectations.map(\.json)) }
    return .object(step)
  }
}

/// What happened to a packet.
public struct LabVerdict: Sendable, Equatable {
  /// The kind of a verdict.
  public enum Kind: String, Sendable, Equatable {
    /// Sent through an interface.
    case sent
    /// Delivered to this host.
    case local
    case drop
    /// Dropped between two hooks: by routing, TTL or MTU.
    case lost
    /// Held by a queue's listener.
    case queued
    /// Held for reassembly.
    case absorbed
    /// Dropped by the IP layer before PREROUTING, or no packet at all.
    case none
    /// Not predictable; `by` says why.
    case unknown
  }
  /// What happened.
  public var kind: Kind
  /// The output interface, for `sent`.
  public var out: String?
  /// The hook at which the packet ended, such as `FORWARD`.
  public var hook: String?
  /// The last rule that the packet hit: `filter:FORWARD:rule:3`.
  public var by: String?
  /// The queue that holds the packet, for `queued`.
  public var queue: UInt16?

  /// Creates a verdict.
  public init(_ kind: Kind, out: String? = nil, hook: String? = nil, by: String? = nil, queue: UInt16? = nil) {
    self.kind = kind
    self.out = out
    self.hook = hook
    self.by = by
    self.queue = queue
  }

  var members: JSONObject {
    var members: JSONObject = ["verdict": .string(kind.rawValue)]
    if let out { members["out"] = .string(out) }
    if let hook { members["where"] = .string(hook) }
    if let by { members["by"] = .string(by) }
    if let queue { members["queue"] = JSONValue(queue) }
    return members
  }
}

/// One packet's path through the hooks.
public struct LabPacket: Sendable, Equatable {
  /// Where the packet came from.
  public enum Origin: String, Sendable, Equatable {
    /// The step's own packet.
    case own = "self"
    /// A packet made by the host.
    case kernel
  }
  /// A message from an NFLOG rule to its listener.
  public struct Log: Sendable, Equatable {
    /// The nfnetlink group.
    public var group: UInt16
    /// The rule's prefix.
    public var prefix: String

    /// Creates a message.
    public init(group: UInt16, prefix: String) {
      self.group = group
      self.prefix = prefix
    }
  }
  /// A packet's stay in a queue.
  public struct Queued: Sendable, Equatable {
    /// The number of the queue.
    public var queue: UInt16
    /// The hook at which the packet was queued.
    public var hook: String
    /// The packet mark when it was queued.
    public var mark: UInt32
    /// The packet in short form.
    public var brief: String
    /// `accept`, `queue:1` and so on; nil while the listener holds the packet.
    public var verdict: String?
    /// The input interface; nil if there is none.
    public var input: String?
    /// The output interface; nil if there is none.
    public var output: String?

    /// Creates a stay.
    public init(queue: UInt16, hook: String, mark: UInt32, brief: String, verdict: String?, input: String?, output: String?) {
      self.queue = queue
      self.hook = hook
      self.mark = mark
      self.brief = brief
      self.verdict = verdict
      self.input = input
      self.output = output
    }
  }

  /// Where the packet came from.
  public var origin: Origin
  /// What happened to the packet.
  public var verdict: LabVerdict
  /// The input interface at its first hook; nil for packets of this host.
  public var input: String?
  /// The packet mark at its last hook.
  public var mark: UInt32 = 0
  /// `PREROUTING:in` before the first operation of a hook, `PREROUTING:out` after the last; followed by ` mark=0x11` if a mark is set.
  public var hooks: [String] = []
  /// `table:chain:rule:n`, `table:chain:policy:n` or `table:chain:return:n`; for the latter two, n is the number of rules plus 1.
  public var trace: [String] = []
  /// Hits omitted from ``trace`` because it is longer than ``Limits/traceEntries``, counted by label. They precede the last entry of their table.
  /// Omitted from the answer if empty.
  public var omitted: [String: UInt64] = [:]
  /// The messages of NFLOG rules, in order.
  public var logs: [Log] = []
  /// The stays in queues, in order.
  public var queued: [Queued] = []
  /// User and group of the packet's socket.
  public var owner: [UInt32]?
  /// The packet at the last hook that saw it. The transport checksum of a packet made by the kernel may cover only the pseudo-header
  /// (`CHECKSUM_PARTIAL`).
  public var final: [UInt8]

  /// Creates a packet without a recorded path.
  public init(origin: Origin, verdict: LabVerdict, final: [UInt8]) {
    self.origin = origin
    self.verdict = verdict
    self.final = final
  }

  /// All labels hit: those in ``trace``, then the omitted ones, each once.
  package var labels: [String] { trace + omitted.keys }

  /// The entry (`in`) or exit (`out`) of a hook, as in `hooks`.
  public static func hook(_ name: String, isExit: Bool, mark: UInt32) -> String {
    "\(name):\(isExit ? "out" : "in")" + (mark == 0 ? "" : " mark=0x\(String(mark, radix: 16))")
  }

  /// The packet as JSON, in the lab's protocol.
  public var json: JSONValue {
    var packet: JSONObject = ["origin": .string(origin.rawValue)]
    packet.members += verdict.members.members
    packet["in"] = JSONValue(input)
    packet["mark"] = JSONValue(mark)
    packet["hooks"] = .array(hooks.map { .string($0) })
    if !trace.isEmpty { packet["trace"] = .array(trace.map { .string($0) }) }
    if !omitted.isEmpty {
      packet["omitted"] = .object(JSONObject(omitted.sorted { $0.key < $1.key }.map { JSONObject.Member($0.key, JSONValue($0.value)) }))
    }
    if !logs.isEmpty {
      packet["nflog"] = .array(logs.map { .object(["group": JSONValue($0.group), "prefix": .string($0.prefix)]) })
    }
    if !queued.isEmpty { packet["queued"] = .array(queued.map(\.json)) }
    if let owner { packet["uid"] = .array(owner.map { JSONValue($0) }) }
    packet["final"] = .string(Hex.string(final))
    packet["brief"] = .string(Packet(bytes: final).brief)
    return .object(packet)
  }
}

extension LabPacket.Queued {
  var json: JSONValue {
    [
      "queue": JSONValue(queue), "hook": .string(hook), "mark": JSONValue(mark), "brief": .string(brief),
      "verdict": JSONValue(verdict), "in": JSONValue(input), "out": JSONValue(output),
    ]
  }
}

/// What a step injected.
public enum LabInjection: Sendable, Equatable {
  /// A frame on an interface.
  case frame(interface: String, packet: [UInt8])
  /// A packet of a raw socket.
  case raw([UInt8])
  /// A datagram or connection for which the kernel builds the headers.
  case way(String)

  /// The injection as JSON, in the lab's protocol.
  public var json: JSONValue {
    switch self {
    case .frame(let interface, let bytes):
      ["if": .string(interface), "hex": .string(Hex.string(bytes)), "brief": .string(Packet(bytes: bytes).brief)]
    case .raw(let bytes): ["hex": .string(Hex.string(bytes)), "brief": .string(Packet(bytes: bytes).brief)]
    case .way(let name): ["via": .string(name)]
    }
  }
}

/// A frame that left through an interface.
public struct LabEgress: Sendable, Equatable {
  /// The output interface.
  public var interface: String
  /// The destination address, six bytes.
  public var destination: [UInt8]
  /// The packet, from the network header on.
  public var packet: [UInt8]

  /// Creates a frame.
  public init(interface: String, destination: [UInt8], packet: [UInt8]) {
    self.interface = interface
    self.destination = destination
    self.packet = packet
  }

  /// The frame as JSON, in the lab's protocol.
  public var json: JSONValue {
    let packet = Packet(bytes: packet)
    return [
      "if": .string(interface), "dmac": .string(destination.map { Hex.string([$0]) }.joined(separator: ":")),
      "hex": .string(Hex.string(packet.bytes)), "brief": .string(packet.brief), "pkt": packet.labFields,
    ]
  }
}

/// An event at a socket of the scenario.
public enum LabSocketRecord: Sendable, Equatable {
  /// A connection was accepted; later steps refer to it by `name`.
  case accepted(
    socket: String, from: (IPAddress, UInt16), local: (IPAddress, UInt16), originalDestination: (IPAddress, UInt16)?, name: String)
  /// Data arrived; `from` is nil on a connection.
  case received(socket: String, data: [UInt8], from: (IPAddress, UInt16)?)
  /// The peer closed the connection.
  case closed(socket: String)
  /// The connection failed with the error of this name.
  case failed(socket: String, errno: String)

  private static func json(_ end: (IPAddress, UInt16)?) -> JSONValue {
    guard let end else { return .null }
    return [.string("\(end.0)"), JSONValue(end.1)]
  }

  /// The event as JSON, in the lab's protocol.
  public var json: JSONValue {
    switch self {
    case .accepted(let socket, let from, let local, let original, let name):
      [
        "socket": .string(socket), "accepted": LabSocketRecord.json(from), "local": LabSocketRecord.json(local),
        "orig_dst": LabSocketRecord.json(original), "as": .string(name),
      ]
    case .received(let socket, let data, let from):
      ["socket": .string(socket), "data": .string(Hex.string(data)), "from": LabSocketRecord.json(from)]
    case .closed(let socket): ["socket": .string(socket), "closed": true]
    case .failed(let socket, let errno): ["socket": .string(socket), "errno": .string(errno)]
    }
  }

  /// Compares the JSON forms; the cases hold tuples, which are not `Equatable`.
  public static func == (a: LabSocketRecord, b: LabSocketRecord) -> Bool { a.json == b.json }
}
