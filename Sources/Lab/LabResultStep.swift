public import Wire

/// What came of one step.
public struct LabStep: Sendable, Equatable {
  /// Its number in the scenario, from 0.
  public var index: Int
  /// What left through interfaces, in order.
  public var egress: [LabEgress] = []
  public var injected: LabInjection?
  public var events: [LabConntrackEvent] = []
  public var sockets: [LabSocketRecord] = []
  /// One for each packet that the step set in motion, those of the host itself behind what provoked them.
  public var packets: [LabPacket] = []
  /// The verdict on the step's own packet; `none` without one.
  public var verdict = LabVerdict(.none)
  /// The name of the error (`EPERM`) that sending gave.
  public var errno: String?
  public var hits: [LabHit] = []
  /// For IPv6 tables; not in the answer when empty.
  public var hits6: [LabHit] = []
  /// Listed when the scenario asks for it after each step, and by a snapshot.
  public var connections: [LabConnection]?
  public var expectations: [LabExpectation]?

  public init(index: Int) { self.index = index }

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

/// What became of a packet.
public struct LabVerdict: Sendable, Equatable {
  public enum Kind: String, Sendable, Equatable {
    /// Left through an interface.
    case sent
    /// Delivered to this host.
    case local
    case drop
    /// By routing, TTL or MTU, between two hooks.
    case lost
    /// Held by a queue's listener.
    case queued
    /// By reassembly.
    case absorbed
    /// Refused by the IP layer before PREROUTING; or there was no packet.
    case none
    /// Not decidable; `by` says why.
    case unknown
  }
  public var kind: Kind
  /// The interface it left through.
  public var out: String?
  /// The hook at which it ended: `FORWARD`.
  public var hook: String?
  /// The last rule that saw it: `filter:FORWARD:rule:3`.
  public var by: String?
  public var queue: UInt16?

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

/// One packet's way through the hooks.
public struct LabPacket: Sendable, Equatable {
  public enum Origin: String, Sendable, Equatable {
    /// The step's own packet.
    case own = "self"
    /// A reply that the host made.
    case kernel
  }
  /// What an NFLOG rule sent to its listener.
  public struct Log: Sendable, Equatable {
    public var group: UInt16
    public var prefix: String

    public init(group: UInt16, prefix: String) {
      self.group = group
      self.prefix = prefix
    }
  }
  /// A stay in a queue.
  public struct Queued: Sendable, Equatable {
    public var queue: UInt16
    public var hook: String
    public var mark: UInt32
    public var brief: String
    /// `accept`, `queue:1`; nil while it is held.
    public var verdict: String?
    public var input: String?
    public var output: String?

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

  public var origin: Origin
  public var verdict: LabVerdict
  /// The interface of its first hook; nil for packets that begin here.
  public var input: String?
  /// At its last hook.
  public var mark: UInt32 = 0
  /// `PREROUTING:in` before the first operation of a hook, `PREROUTING:out` behind the last; ` mark=0x11` follows where a mark is set.
  public var hooks: [String] = []
  /// `table:chain:rule:n`, `table:chain:policy:n` with one more than the rules of the chain, `table:chain:return:n` likewise.
  public var trace: [String] = []
  /// How often it hit what ``trace`` leaves out of a way longer than ``Limits/traceEntries``; those entries stood before the last of
  /// their table. Not in the answer when empty.
  public var omitted: [String: UInt64] = [:]
  public var logs: [Log] = []
  public var queued: [Queued] = []
  /// User and group that own its socket.
  public var owner: [UInt32]?
  /// As it was at the last hook that saw it. The transport checksum of a packet that the kernel made may still be the
  /// pseudo-header's alone (`CHECKSUM_PARTIAL`).
  public var final: [UInt8]

  public init(origin: Origin, verdict: LabVerdict, final: [UInt8]) {
    self.origin = origin
    self.verdict = verdict
    self.final = final
  }

  /// Everything it hit, each as often as it stands in ``trace``, what that leaves out behind it and once.
  var labels: [String] { trace + omitted.keys }

  /// The name of a hook's entry (`in`) or exit (`out`) in `hooks`.
  public static func hook(_ name: String, isExit: Bool, mark: UInt32) -> String {
    "\(name):\(isExit ? "out" : "in")" + (mark == 0 ? "" : " mark=0x\(String(mark, radix: 16))")
  }

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

/// What a step put into the host.
public enum LabInjection: Sendable, Equatable {
  /// A frame on an interface.
  case frame(interface: String, packet: [UInt8])
  /// A raw socket's packet.
  case raw([UInt8])
  /// A datagram or connection whose headers the kernel makes.
  case way(String)

  public var json: JSONValue {
    switch self {
    case .frame(let interface, let bytes):
      ["if": .string(interface), "hex": .string(Hex.string(bytes)), "brief": .string(Packet(bytes: bytes).brief)]
    case .raw(let bytes): ["hex": .string(Hex.string(bytes)), "brief": .string(Packet(bytes: bytes).brief)]
    case .way(let name): ["via": .string(name)]
    }
  }
}

/// A frame that left.
public struct LabEgress: Sendable, Equatable {
  public var interface: String
  /// Six octets.
  public var destination: [UInt8]
  /// From the network header on.
  public var packet: [UInt8]

  public init(interface: String, destination: [UInt8], packet: [UInt8]) {
    self.interface = interface
    self.destination = destination
    self.packet = packet
  }

  public var json: JSONValue {
    let packet = Packet(bytes: packet)
    return [
      "if": .string(interface), "dmac": .string(destination.map { Hex.string([$0]) }.joined(separator: ":")),
      "hex": .string(Hex.string(packet.bytes)), "brief": .string(packet.brief), "pkt": packet.labFields,
    ]
  }
}

/// What a socket of the scenario met.
public enum LabSocketRecord: Sendable, Equatable {
  /// A connection was accepted; `name` is what later steps call it.
  case accepted(socket: String, from: (IPAddress, UInt16), local: (IPAddress, UInt16), originalDestination: (IPAddress, UInt16)?, name: String)
  /// Bytes came; `from` is nil on a connection.
  case received(socket: String, data: [UInt8], from: (IPAddress, UInt16)?)
  /// The connection ended.
  case closed(socket: String)
  /// The connection broke; the name of the error.
  case failed(socket: String, errno: String)

  private static func json(_ end: (IPAddress, UInt16)?) -> JSONValue {
    guard let end else { return .null }
    return [.string("\(end.0)"), JSONValue(end.1)]
  }

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

  public static func == (a: LabSocketRecord, b: LabSocketRecord) -> Bool { a.json == b.json }
}
