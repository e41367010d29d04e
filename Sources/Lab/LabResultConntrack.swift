public import Wire

/// One direction of a connection, as conntrack knows it.
public struct LabTuple: Sendable, Hashable {
  public enum Transport: Sendable, Hashable {
    case ports(source: UInt16, destination: UInt16)
    case icmp(identifier: UInt16, type: UInt8, code: UInt8)
    /// A protocol told apart by addresses alone.
    case none
  }
  public var source: IPAddress
  public var destination: IPAddress
  public var transport: Transport
  /// The zone of this direction alone; 0 when the connection has none, or has one for both.
  public var zone: UInt16

  public init(source: IPAddress, destination: IPAddress, transport: Transport, zone: UInt16 = 0) {
    self.source = source
    self.destination = destination
    self.transport = transport
    self.zone = zone
  }

  public var json: JSONValue {
    var tuple: JSONObject = ["src": .string("\(source)"), "dst": .string("\(destination)")]
    switch transport {
    case .ports(let source, let destination):
      tuple["sport"] = JSONValue(source)
      tuple["dport"] = JSONValue(destination)
    case .icmp(let identifier, let type, let code):
      tuple["id"] = JSONValue(identifier)
      tuple["type"] = JSONValue(type)
      tuple["code"] = JSONValue(code)
    case .none: break
    }
    if zone != 0 { tuple["zone"] = JSONValue(zone) }
    return .object(tuple)
  }
}

/// The bits of a connection's status, as the kernel's `enum ip_conntrack_status` numbers them.
public struct LabConnectionStatus: OptionSet, Sendable, Hashable {
  public var rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  static let bitNames = [
    "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE", "DST_NAT_DONE", "DYING",
    "FIXED_TIMEOUT", "TEMPLATE", "NAT_CLASH", "HELPER", "OFFLOAD", "HW_OFFLOAD",
  ]

  /// The names of the bits that are set, lowest first.
  public var names: [String] {
    LabConnectionStatus.bitNames.enumerated().filter { rawValue >> UInt32($0.offset) & 1 == 1 }.map(\.element)
  }
}

/// A connection, as a listing or an event shows it.
public struct LabConnection: Sendable, Equatable {
  public struct SequenceAdjustment: Sendable, Hashable {
    public var position: UInt32
    public var before: Int32
    public var after: Int32

    public init(position: UInt32, before: Int32, after: Int32) {
      self.position = position
      self.before = before
      self.after = after
    }

    var json: JSONValue { [JSONValue(position), JSONValue(before), JSONValue(after)] }
  }

  public var proto: IPProtocol
  public var original: LabTuple
  public var reply: LabTuple
  public var status: LabConnectionStatus
  /// The state's name of a protocol that has any: `SYN_SENT`.
  public var state: String?
  /// Seconds that remain; nil where an event does not say.
  public var timeout: UInt32?
  /// Nil where an event does not say, which it does only when it is set.
  public var mark: UInt32?
  /// The zone of both directions; 0 for none.
  public var zone: UInt16 = 0
  public var helper: String?
  public var originalCount: LabCount?
  public var replyCount: LabCount?
  /// The original direction of the connection that expected this one.
  public var master: LabTuple?
  public var originalAdjustment: SequenceAdjustment?
  public var replyAdjustment: SequenceAdjustment?

  public init(proto: IPProtocol, original: LabTuple, reply: LabTuple, status: LabConnectionStatus) {
    self.proto = proto
    self.original = original
    self.reply = reply
    self.status = status
  }

  var members: JSONObject {
    var entry: JSONObject = [
      "proto": .string("\(proto)"), "orig": original.json, "reply": reply.json,
      "status": .array(status.names.map { .string($0) }),
    ]
    if let state { entry["state"] = .string(state) }
    if let timeout { entry["timeout"] = JSONValue(timeout) }
    if let mark { entry["mark"] = JSONValue(mark) }
    if zone != 0 { entry["zone"] = JSONValue(zone) }
    if let helper { entry["helper"] = .string(helper) }
    if let originalCount { entry["acct_orig"] = originalCount.json }
    if let replyCount { entry["acct_reply"] = replyCount.json }
    if let master { entry["master"] = master.json }
    if let originalAdjustment { entry["seqadj_orig"] = originalAdjustment.json }
    if let replyAdjustment { entry["seqadj_reply"] = replyAdjustment.json }
    return entry
  }

  public var json: JSONValue { .object(members) }
}

/// A connection that is expected.
public struct LabExpectation: Sendable, Equatable {
  /// How NAT will treat it.
  public struct NAT: Sendable, Hashable {
    /// 0 for the original direction, 1 for the reply's.
    public var direction: Int
    public var tuple: LabTuple

    public init(direction: Int, tuple: LabTuple) {
      self.direction = direction
      self.tuple = tuple
    }
  }
  public var proto: IPProtocol
  public var tuple: LabTuple
  public var mask: LabTuple
  /// The original direction of the connection that expects it.
  public var master: LabTuple
  public var timeout: UInt32?
  public var flags: UInt32 = 0
  /// The helper's class of expectations.
  public var policyClass: UInt32 = 0
  public var zone: UInt16 = 0
  public var helper: String?
  /// The name of the function that follows it up: `nat-follow-master`.
  public var function: String?
  public var nat: NAT?

  public init(proto: IPProtocol, tuple: LabTuple, mask: LabTuple, master: LabTuple) {
    self.proto = proto
    self.tuple = tuple
    self.mask = mask
    self.master = master
  }

  var members: JSONObject {
    var entry: JSONObject = ["proto": .string("\(proto)"), "tuple": tuple.json, "mask": mask.json, "master": master.json]
    if let timeout { entry["timeout"] = JSONValue(timeout) }
    entry["flags"] = JSONValue(flags)
    entry["class"] = JSONValue(policyClass)
    if zone != 0 { entry["zone"] = JSONValue(zone) }
    if let helper { entry["helper"] = .string(helper) }
    if let function { entry["fn"] = .string(function) }
    if let nat { entry["nat"] = ["dir": .integer(nat.direction), "tuple": nat.tuple.json] }
    return entry
  }

  public var json: JSONValue { .object(members) }
}

/// What conntrack told its listeners.
public enum LabConntrackEvent: Sendable, Equatable {
  public enum Kind: String, Sendable, Equatable {
    case new = "NEW"
    case update = "UPDATE"
    case destroy = "DESTROY"
  }

  case connection(Kind, LabConnection)
  case expectation(Kind, LabExpectation)

  public var json: JSONValue {
    switch self {
    case .connection(let kind, let connection):
      .object(JSONObject([JSONObject.Member("event", .string(kind.rawValue))] + connection.members.members))
    case .expectation(let kind, let expectation):
      .object(JSONObject([JSONObject.Member("event", .string("EXP_\(kind.rawValue)"))] + expectation.members.members))
    }
  }
}
