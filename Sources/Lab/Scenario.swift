import Evaluator
import Wire

/// A host, its rules, and what happens to it: one line of the lab's protocol.
public struct Scenario: Sendable, Equatable {
  /// What becomes of packets for this host.
  public enum Mode: String, Sendable, Equatable {
    /// They are swallowed at the end of INPUT, after confirm; the host stays silent.
    case sink
    /// The host answers them: sockets, RST, ICMP.
    case stack
  }

  /// An interface with its addresses (`10.0.0.1/24`).
  public struct Interface: Sendable, Equatable {
    public var name: String
    public var addresses: [String]

    public init(name: String, addresses: [String]) {
      self.name = name
      self.addresses = addresses
    }
  }

  public struct Sysctl: Sendable, Equatable {
    /// Dotted: `net.ipv4.ip_forward`.
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// A socket that listens here.
  public struct Socket: Sendable, Equatable {
    public enum Transport: String, Sendable, Equatable { case tcp, udp }
    public var name: String
    public var transport: Transport
    public var port: UInt16
    /// The address it is bound to; any when nil.
    public var address: String?
    /// `IP_TRANSPARENT` is set.
    public var isTransparent: Bool

    public init(name: String, transport: Transport, port: UInt16, address: String? = nil, isTransparent: Bool = false) {
      self.name = name
      self.transport = transport
      self.port = port
      self.address = address
      self.isTransparent = isTransparent
    }
  }

  public var name: String
  /// iptables-save text; nil when the scenario has none for IPv4.
  public var rules: String?
  /// ip6tables-save text.
  public var rules6: String?
  public var steps: [ScenarioStep]
  public var mode: Mode = .sink
  public var interfaces: [Interface] = Scenario.defaultInterfaces
  /// Lines for `ip -batch`, run when the interfaces are up.
  public var setup: [String] = Scenario.defaultSetup
  public var sysctls: [Sysctl] = []
  public var sockets: [Socket] = []
  /// The verdicts that the listener of each queue gives, in order; the last repeats. A queue not named has no listener.
  public var queues: [UInt16: [QueueResponse]] = [:]
  /// The listeners ask that packets pass when their queue is full (`NFQA_CFG_F_FAIL_OPEN`).
  public var failOpen = false
  /// How many packets may wait in each queue (`NFQA_CFG_QUEUE_MAXLEN`); nil for the kernel's default.
  public var queueLength: UInt32?
  /// `ipset save` text, loaded before the rules.
  public var ipsets: String?
  /// The fingerprints of `-m osf`, as a `pf.os` has them. A kernel has them for the whole machine, so that the lab cannot ask it.
  public var fingerprints: String?
  /// What `conntrack -L` printed of connections that are there when it begins, entered behind the rules. A kernel takes neither their
  /// counters nor what is not in a listing.
  public var connectionListing: String?
  /// Conntrack entries and expectations are listed after every step.
  public var listsConntrackEachStep = false
  public var recordsTrace = true
  public var recordsHits = true
  public var recordsConntrack = true
  /// Seconds since the epoch at the start of the scenario.
  public var clock: Double?
  public var seed: UInt64?

  public init(name: String, rules: String? = nil, rules6: String? = nil, steps: [ScenarioStep] = []) {
    self.name = name
    self.rules = rules
    self.rules6 = rules6
    self.steps = steps
  }

  public static let defaultInterfaces = [
    Interface(name: "eth0", addresses: ["10.0.0.1/24"]),
    Interface(name: "eth1", addresses: ["10.0.1.1/24"]),
    Interface(name: "eth2", addresses: ["198.51.100.1/24"]),
  ]
  public static let defaultSetup = ["route add default via 198.51.100.2 dev eth2"]

  /// All rules it loads, early or late.
  public var ruleTexts: [String] {
    var texts = [rules, rules6]
    for step in steps {
      if case .load(let rules, let rules6) = step.action { texts += [rules, rules6] }
    }
    return texts.compactMap(\.self)
  }

  /// It has rules or addresses of IPv6; the host of one that has none does not speak it.
  public var usesIPv6: Bool {
    let lines = setup.lazy.flatMap { $0.split(separator: " ") } + interfaces.flatMap { $0.addresses.map { $0[...] } }
    return rules6 != nil || lines.contains { IPAddress($0.prefix { $0 != "/" })?.family == .ipv6 }
  }

  /// The hardware address of interface number `index`: 02:00:00:00:00:00 for the first. Frames leave for the same address,
  /// because an interface without ARP sends to itself.
  public static func hardwareAddress(ofInterface index: Int) -> [UInt8] {
    [0x02, 0, 0, 0, UInt8(truncatingIfNeeded: index >> 8), UInt8(truncatingIfNeeded: index)]
  }
}

extension Scenario {
  /// Reads a scenario from its JSON line. The line may also be one of a recording, `{"scenario": …, "kernel": …}`.
  public init(line: some StringProtocol) throws(ScenarioError) {
    let value: JSONValue
    do {
      value = try JSONValue(parsing: Array(line.utf8))
    } catch {
      throw ScenarioError(path: "", reason: error.description)
    }
    try self.init(value["scenario"] ?? value)
  }

  public init(_ value: JSONValue) throws(ScenarioError) {
    let reader = try ScenarioReader(value, at: "")
    try reader.allow(only: [
      "name", "rules", "rules6", "steps", "mode", "topology", "sysctl", "sockets", "queues", "fail_open", "queue_maxlen", "ipset",
      "fingerprints", "ct_from", "ct_each", "trace", "deltas", "conntrack", "clock", "seed",
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
          throw faces.error(member.name, "no name for an interface")
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
      try entry.allow(only: ["name", "proto", "port", "addr", "transparent"])
      let proto = try entry.text("proto") ?? "tcp"
      guard let transport = Socket.Transport(rawValue: proto) else { throw entry.error("proto", "expected tcp or udp, found \(proto)") }
      guard let port: UInt16 = try entry.integer("port") else { throw entry.error("port", "is missing") }
      sockets.append(Socket(
        name: try entry.text("name") ?? "\(proto)/\(port)", transport: transport, port: port, address: try entry.text("addr"),
        isTransparent: try entry.bool("transparent") ?? false))
    }
    return sockets
  }

  private static func queues(_ reader: ScenarioReader) throws(ScenarioError) -> [UInt16: [QueueResponse]] {
    guard let table = try reader.reader("queues") else { return [:] }
    var queues: [UInt16: [QueueResponse]] = [:]
    for member in table.object.members {
      guard let number = UInt16(member.name) else { throw table.error(member.name, "no number of a queue") }
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
