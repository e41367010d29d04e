public import Documents
public import Evaluator
public import Notation
import Wire
package import XTables

/// A host, its rules, and a sequence of events: one line of the lab's protocol.
public struct Scenario: Sendable, Equatable {
  /// How the host handles packets addressed to it.
  public enum Mode: String, Sendable, Equatable {
    /// They are discarded after INPUT, when they are confirmed; the host does not answer.
    case sink
    /// The host answers with its sockets, RST and ICMP.
    case stack
  }

  /// An interface with addresses such as `10.0.0.1/24`.
  public struct Interface: Sendable, Equatable {
    /// The name, at most 15 bytes.
    public var name: String
    /// The addresses with prefix lengths.
    public var addresses: [String]

    /// Creates an interface.
    public init(name: String, addresses: [String]) {
      self.name = name
      self.addresses = addresses
    }
  }

  /// A sysctl to set.
  public struct Sysctl: Sendable, Equatable {
    /// The dotted name: `net.ipv4.ip_forward`.
    public var name: String
    /// The value as `sysctl` prints it.
    public var value: String

    /// Creates a setting.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// A listening socket.
  public struct Socket: Sendable, Equatable {
    /// The transport protocol of a socket.
    public enum Transport: String, Sendable, Equatable { case tcp, udp }
    /// The name that steps and results use for the socket.
    public var name: String
    /// The transport protocol.
    public var transport: Transport
    /// The local port.
    public var port: UInt16
    /// The address that it is bound to; nil for any address.
    public var address: String?
    /// True if `IP_TRANSPARENT` is set.
    public var isTransparent: Bool
    /// The user that owns the socket.
    public var uid: UInt32 = 0
    /// The group that owns the socket.
    public var gid: UInt32 = 0
    /// The mark of its packets, `SO_MARK`.
    public var mark: UInt32 = 0
    /// The interface that it is bound to, `SO_BINDTODEVICE`; nil for any.
    public var device: String?
    /// True if a socket of IPv6 receives no IPv4, `IPV6_V6ONLY`.
    public var isIPv6Only = false

    /// Creates a socket.
    public init(name: String, transport: Transport, port: UInt16, address: String? = nil, isTransparent: Bool = false) {
      self.name = name
      self.transport = transport
      self.port = port
      self.address = address
      self.isTransparent = isTransparent
    }
  }

  /// The name of the scenario, repeated in the answer.
  public var name: String
  /// iptables-save text; nil without IPv4 rules.
  public var rules: String?
  /// ip6tables-save text; nil without IPv6 rules.
  public var rules6: String?
  /// The events, in order.
  public var steps: [ScenarioStep]
  /// How the host handles packets addressed to it.
  public var mode: Mode = .sink
  /// The interfaces, in the order of their indices.
  public var interfaces: [Interface] = Scenario.defaultInterfaces
  /// Lines of `ip -batch` that run after the interfaces are up.
  public var setup: [String] = Scenario.defaultSetup
  /// The sysctls to set.
  public var sysctls: [Sysctl] = []
  /// The listening sockets.
  public var sockets: [Socket] = []
  /// The multicast groups that interfaces have joined for programs. The lab's protocol has no member for them, as a new namespace has none.
  package var multicastGroups: [String: [MulticastGroup]] = [:]
  /// The verdicts of each queue's listener, in order; the last one repeats. Other queues have no listener.
  public var queues: [UInt16: [QueueResponse]] = [:]
  /// If true, packets are accepted when the queue is full (`NFQA_CFG_F_FAIL_OPEN`).
  public var failOpen = false
  /// The kernel's time zone in minutes west of Greenwich; nil if not specified.
  public var minutesWest: Int?
  /// How long before the start of a second a tick of the kernel's clock (4 ms) began, in seconds; nil for 0. In a kernel it is chance.
  public var tickPhase: Double?
  /// True if the rules are those of iptables-nft. The lab's protocol has no member for it: an option of the commands says it.
  public var usesNfTables = false
  /// Chains at hooks beside the rules. The lab's protocol has no member for them, and a kernel cannot be given them.
  public var otherChains: [OtherChain] = []
  /// How many packets may wait in each queue (`NFQA_CFG_QUEUE_MAXLEN`); nil for the kernel's default.
  public var queueLength: UInt32?
  /// `ipset save` text, loaded before the rules; nil without sets.
  public var ipsets: String?
  /// The fingerprints of `-m osf`, in the format of `pf.os`. In a kernel they apply to the whole machine, so the lab cannot test them.
  public var fingerprints: String?
  /// `conntrack -L` text of the connections that exist at the start, added after the rules are loaded. A kernel accepts neither their counters nor
  /// fields that a listing lacks.
  public var connectionListing: String?
  /// If true, conntrack's entries and expectations are listed after every step.
  public var listsConntrackEachStep = false
  /// If true, the answer contains the trace of each packet.
  public var recordsTrace = true
  /// If true, the answer contains the counters that each step changed.
  public var recordsHits = true
  /// If true, the answer contains conntrack's events.
  public var recordsConntrack = true
  /// The start time in seconds since 1970; nil for the engine's default.
  public var clock: Double?
  /// The seed of the engine's random numbers; nil for the default.
  public var seed: UInt64?
  /// The initial sequence numbers that a kernel chose, by those that the engine draws. The lab's protocol has no member for them.
  package var followedSequences: [UInt32: UInt32] = [:]
  /// The facts that the description of the host leaves out: what depends on them is unknown to the engine. A line of the protocol states all.
  package var unstated: HostFacts = []

  /// Creates a scenario with default host and interfaces.
  public init(name: String, rules: String? = nil, rules6: String? = nil, steps: [ScenarioStep] = []) {
    self.name = name
    self.rules = rules
    self.rules6 = rules6
    self.steps = steps
  }

  /// The interfaces of a scenario that names none.
  public static let defaultInterfaces = [
    Interface(name: "eth0", addresses: ["10.0.0.1/24"]),
    Interface(name: "eth1", addresses: ["10.0.1.1/24"]),
    Interface(name: "eth2", addresses: ["198.51.100.1/24"]),
  ]
  /// The `ip` lines of a scenario that names none: a default route.
  public static let defaultSetup = ["route add default via 198.51.100.2 dev eth2"]

  /// The text of all rules, including those loaded by steps.
  public var ruleTexts: [String] {
    var texts = [rules, rules6]
    for step in steps {
      if case .load(let rules, let rules6) = step.action { texts += [rules, rules6] }
    }
    return texts.compactMap(\.self)
  }

  /// True if the scenario has IPv6 rules or addresses; otherwise its host has no IPv6.
  public var usesIPv6: Bool {
    let lines = setup + interfaces.flatMap(\.addresses)
    return rules6 != nil
      || lines.lazy.filter { $0.utf8.contains(UInt8(ascii: ":")) }.flatMap { $0.split(separator: " ") }.contains {
        IPAddress($0.prefix { $0 != "/" })?.family == .ipv6
      }
  }

  /// The hardware address of the interface at `index`: 02:00:00:00:00:00 for the first. Outgoing frames have the same address as destination,
  /// because an interface without ARP sends to itself.
  public static func hardwareAddress(ofInterface index: Int) -> [UInt8] {
    [0x02, 0, 0, 0, UInt8(truncatingIfNeeded: index >> 8), UInt8(truncatingIfNeeded: index)]
  }
}

extension Scenario {
  /// Parses a JSON line: a scenario, or a recording `{"scenario": …, "kernel": …}`.
  ///
  /// - Throws: `ScenarioError` with the path of the faulty member.
  public init(line: some StringProtocol) throws(ScenarioError) {
    let value: JSONValue
    do {
      value = try JSONValue(parsing: Array(line.utf8))
    } catch {
      throw ScenarioError(path: "", reason: error.description)
    }
    try self.init(value["scenario"] ?? value)
  }

  /// Reads a scenario from JSON.
  ///
  /// - Throws: `ScenarioError` with the path of an unknown member or a wrong value.
  public init(_ value: JSONValue) throws(ScenarioError) {
    let reader = try ScenarioReader(value, at: "")
    try reader.allow(only: [
      "name", "rules", "rules6", "steps", "mode", "topology", "sysctl", "sockets", "queues", "fail_open", "queue_maxlen", "ipset",
      "tz_minuteswest", "tick_phase", "fingerprints", "ct_from", "ct_each", "trace", "deltas", "conntrack", "clock", "seed",
    ])
    name = try reader.text("name") ?? ""
    rules = try reader.text("rules")
    rules6 = try reader.text("rules6")
    steps = []
    for (index, step) in try (reader.list("steps") ?? []).enumerated() {
      steps.append(try ScenarioStep(step, at: "steps[\(index)]"))
    }
    if let text = try reader.text("mode") {
      guard let mode = Mode(rawValue: text) else { throw reader.error("mode", "expected sink or stack, found \(text)") }
      self.mode = mode
    }
    if let topology = try reader.reader("topology") { try read(topology: topology) }
    sysctls = try Scenario.sysctls(reader)
    sockets = try Scenario.sockets(reader)
    queues = try Scenario.queues(reader)
    failOpen = try reader.bool("fail_open") ?? false
    queueLength = try reader.integer("queue_maxlen")
    minutesWest = try reader.integer("tz_minuteswest", as: Int16.self).map { Int($0) }
    tickPhase = try reader.seconds("tick_phase")
    ipsets = try reader.text("ipset")
    fingerprints = try reader.text("fingerprints")
    connectionListing = try reader.text("ct_from")
    listsConntrackEachStep = try reader.bool("ct_each") ?? false
    recordsTrace = try reader.bool("trace") ?? true
    recordsHits = try reader.bool("deltas") ?? true
    recordsConntrack = try reader.bool("conntrack") ?? true
    clock = try reader.seconds("clock")
    seed = try reader.integer("seed")
  }

  private mutating func read(topology reader: ScenarioReader) throws(ScenarioError) {
    try reader.allow(only: ["ifaces", "setup"])
    if let faces = try reader.reader("ifaces") {
      interfaces = []
      for member in faces.object.members {
        guard InterfaceName.isValid(member.name) else {
          throw faces.error(member.name, "is not a valid interface name")
        }
        interfaces.append(Interface(name: member.name, addresses: try faces.texts(member.name) ?? []))
      }
      setup = []
    }
    if let lines = try reader.texts("setup") { setup = lines }
  }

  private static func sysctls(_ reader: ScenarioReader) throws(ScenarioError) -> [Sysctl] {
    guard let table = try reader.reader("sysctl") else { return [] }
    var sysctls: [Sysctl] = []
    for member in table.object.members {
      switch member.value {
      case .string(let text): sysctls.append(Sysctl(name: member.name, value: text))
      case .integer(let value): sysctls.append(Sysctl(name: member.name, value: "\(value)"))
      case .bool(let value): sysctls.append(Sysctl(name: member.name, value: value ? "1" : "0"))
      default: throw table.error(member.name, "expected a number or a text, found \(member.value.kind)")
      }
    }
    return sysctls
  }

  private static func sockets(_ reader: ScenarioReader) throws(ScenarioError) -> [Socket] {
    var sockets: [Socket] = []
    for (index, element) in try (reader.list("sockets") ?? []).enumerated() {
      let entry = try ScenarioReader(element, at: reader.path("sockets[\(index)]"))
      try entry.allow(only: ["name", "proto", "port", "addr", "transparent", "dev", "v6only"])
      let proto = try entry.text("proto") ?? "tcp"
      guard let transport = Socket.Transport(rawValue: proto) else { throw entry.error("proto", "expected tcp or udp, found \(proto)") }
      guard let port: UInt16 = try entry.integer("port") else { throw entry.error("port", "is missing") }
      var socket = Socket(
        name: try entry.text("name") ?? "\(proto)/\(port)", transport: transport, port: port, address: try entry.text("addr"),
        isTransparent: try entry.bool("transparent") ?? false)
      socket.device = try entry.text("dev")
      socket.isIPv6Only = try entry.bool("v6only") ?? false
      sockets.append(socket)
    }
    return sockets
  }

  private static func queues(_ reader: ScenarioReader) throws(ScenarioError) -> [UInt16: [QueueResponse]] {
    guard let table = try reader.reader("queues") else { return [:] }
    var queues: [UInt16: [QueueResponse]] = [:]
    for member in table.object.members {
      guard let number = UInt16(member.name) else { throw table.error(member.name, "is not a queue number") }
      let path = table.path(member.name)
      var responses: [QueueResponse] = []
      if let elements = member.value.elements {
        for (index, element) in elements.enumerated() { responses.append(try QueueResponse(element, at: "\(path)[\(index)]")) }
      } else {
        responses = [try QueueResponse(member.value, at: path)]
      }
      queues[number] = responses
    }
    return queues
  }
}
