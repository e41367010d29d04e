public import Documents
public import Wire

/// One direction of a connection. Kernel: `nf_conntrack_tuple`.
public struct LabTuple: Sendable, Hashable {
  /// The protocol-specific part of a tuple.
  public enum Transport: Sendable, Hashable {
    case ports(source: UInt16, destination: UInt16)
    case icmp(identifier: UInt16, type: UInt8, code: UInt8)
    /// A protocol without further fields.
    case none
  }
  /// The source address.
  public var source: IPAddress
  /// The destination address.
  public var destination: IPAddress
  /// Ports or ICMP fields.
  public var transport: Transport
  /// The zone of this direction alone; 0 if there is none or it applies to both directions.
  public var zone: UInt16

  /// Creates a tuple.
  public init(source: IPAddress, destination: IPAddress, transport: Transport, zone: UInt16 = 0) {
    self.source = source
    self.destination = destination
    self.transport = transport
    self.zone = zone
  }

  /// The tuple as JSON, in the lab's protocol.
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

/// The status bits of a connection. Kernel: `enum ip_conntrack_status`.
public struct LabConnectionStatus: OptionSet, Sendable, Hashable {
  /// The bits, numbered as `IPS_*_BIT`.
  public var rawValue: UInt32
  /// Creates a status from its bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let bitNames = [
    "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE", "DST_NAT_DONE", "DYING",
    "FIXED_TIMEOUT", "TEMPLATE", "NAT_CLASH", "HELPER", "OFFLOAD", "HW_OFFLOAD",
  ]

  /// The names of the set bits, lowest bit first.
  public var names: [String] {
    LabConnectionStatus.bitNames.enumerated().filter { rawValue >> UInt32($0.offset) & 1 == 1 }.map(\.element)
  }
}

/// A connection as in a listing or an event.
public struct LabConnection: Sendable, Equatable {
  /// A change of sequence numbers by NAT. Kernel: `nf_ct_seqadj`.
  public struct SequenceAdjustment: Sendable, Hashable {
    /// The sequence number of the last change.
    public var position: UInt32
    /// The offset for sequence numbers before `position`.
    public var before: Int32
    /// The offset for sequence numbers after `position`.
    public var after: Int32

    /// Creates an adjustment.
    public init(position: UInt32, before: Int32, after: Int32) {
      self.position = position
      self.before = before
      self.after = after
    }

    var json: JSONValue { [JSONValue(position), JSONValue(before), JSONValue(after)] }
  }

  /// The transport protocol.
  public var proto: IPProtocol
  /// The original direction.
  public var original: LabTuple
  /// The reply direction.
  public var reply: LabTuple
  /// The status bits.
  public var status: LabConnectionStatus
  /// The state's name, such as `SYN_SENT`; nil for protocols without states.
  public var state: String?
  /// The remaining time in seconds; nil if an event does not contain it.
  public var timeout: UInt32?
  /// The connection mark; nil in an event if it is 0.
  public var mark: UInt32?
  /// The zone of both directions; 0 if there is none.
  public var zone: UInt16 = 0
  /// The name of the helper; nil if there is none.
  public var helper: String?
  /// The counters of the original direction; nil without accounting.
  public var originalCount: LabCount?
  /// The counters of the reply direction; nil without accounting.
  public var replyCount: LabCount?
  /// The original direction of the master connection, which expected this one.
  public var master: LabTuple?
  /// The adjustment of the original direction's sequence numbers.
  public var originalAdjustment: SequenceAdjustment?
  /// The adjustment of the reply direction's sequence numbers.
  public var replyAdjustment: SequenceAdjustment?

  /// Creates a connection without optional fields.
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

  /// The connection as JSON, in the lab's protocol.
  public var json: JSONValue { .object(members) }
}

/// An expectation. Kernel: `nf_conntrack_expect`.
public struct LabExpectation: Sendable, Equatable {
  /// How NAT will translate the expected connection.
  public struct NAT: Sendable, Hashable {
    /// The direction: 0 for original, 1 for reply.
    public var direction: Int
    /// The address and port to translate to.
    public var tuple: LabTuple

    /// Creates a translation.
    public init(direction: Int, tuple: LabTuple) {
      self.direction = direction
      self.tuple = tuple
    }
  }
  /// The transport protocol.
  public var proto: IPProtocol
  /// The tuple of the expected packet.
  public var tuple: LabTuple
  /// The bits of the tuple that are compared.
  public var mask: LabTuple
  /// The original direction of the master connection.
  public var master: LabTuple
  /// The remaining time in seconds; nil if an event does not contain it.
  public var timeout: UInt32?
  /// The flags, `NF_CT_EXPECT_*`.
  public var flags: UInt32 = 0
  /// The helper's expectation class.
  public var policyClass: UInt32 = 0
  /// The zone; 0 if there is none.
  public var zone: UInt16 = 0
  /// The name of the helper; nil if there is none.
  public var helper: String?
  /// The name of the function called for the expected connection, such as `nat-follow-master`.
  public var function: String?
  /// The translation; nil without NAT.
  public var nat: NAT?

  /// Creates an expectation without optional fields.
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

  /// The expectation as JSON, in the lab's protocol.
  public var json: JSONValue { .object(members) }
}

/// A conntrack event.
public enum LabConntrackEvent: Sendable, Equatable {
  /// The kind of an event.
  public enum Kind: String, Sendable, Equatable {
    case new = "NEW"
    case update = "UPDATE"
    case destroy = "DESTROY"
  }

  case connection(Kind, LabConnection)
  case expectation(Kind, LabExpectation)

  /// The event as JSON, in the lab's protocol.
  public var json: JSONValue {
    switch self {
    case .connection(let kind, let connection):
      .object(JSONObject([JSONObject.Member("event", .string(kind.rawValue))] + connection.members.members))
    case .expectation(let kind, let expectation):
      .object(JSONObject([JSONObject.Member("event", .string("EXP_\(kind.rawValue)"))] + expectation.members.members))
    }
  }
}
