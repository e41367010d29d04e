public import Documents
public import Notation
import Wire

extension ScenarioStep {
  /// Reads a step from JSON.
  ///
  /// - Parameter path: the path of the step, for errors.
  /// - Throws: `ScenarioError` with the path of the faulty member.
  public init(_ value: JSONValue, at path: String) throws(ScenarioError) {
    let reader = try ScenarioReader(value, at: path)
    self.init(try ScenarioStep.action(reader))
    at = try reader.seconds("t")
    sleep = try reader.seconds("sleep") ?? 0
    repetitions = try reader.integer("repeat") ?? 1
    guard (0...100_000).contains(repetitions) else { throw reader.error("repeat", "must be from 0 to 100000") }
  }

  private static func action(_ reader: ScenarioReader) throws(ScenarioError) -> Action {
    let timing: Set<String> = ["t", "sleep", "repeat"]
    if let interface = try reader.text("in") {
      try reader.allow(only: timing.union(PacketSpec.memberNames).union(["in", "smac", "dmac", "ethertype"]))
      return .receive(
        Frame(
          interface: interface, source: try ScenarioStep.hardwareAddress("smac", reader),
          destination: try ScenarioStep.hardwareAddress("dmac", reader), etherType: try reader.integer("ethertype"),
          packet: try PacketSpec(reader)))
    } else if let sender = try reader.reader("local") {
      try reader.allow(only: timing.union(PacketSpec.memberNames).union(["local"]))
      return .local(try LocalSender(sender), try PacketSpec(reader))
    } else if let socket = try reader.text("send") {
      try reader.allow(only: timing.union(["send", "payload"]))
      return .send(socket: socket, payload: try PacketSpec.payload(reader))
    } else if let socket = try reader.text("close") {
      try reader.allow(only: timing.union(["close", "fin"]))
      return .close(socket: socket, fin: try reader.bool("fin") ?? true)
    } else if reader.has("snapshot") {
      try reader.allow(only: timing.union(["snapshot"]))
      return .snapshot
    } else if let rules = try reader.reader("load") {
      try reader.allow(only: timing.union(["load"]))
      try rules.allow(only: ["rules", "rules6"])
      return .load(rules: try rules.text("rules"), rules6: try rules.text("rules6"))
    } else if reader.has("flush") {
      try reader.allow(only: timing.union(["flush"]))
      return .flush
    } else if let command = try reader.text("ip") {
      try reader.allow(only: timing.union(["ip"]))
      return .configure(ipCommand: command)
    } else if reader.has("sleep") || reader.has("t") {
      try reader.allow(only: timing)
      return .wait
    } else {
      throw ScenarioError(path: reader.path, reason: "a step needs exactly one of in, local, send, close, snapshot, load, flush, ip, sleep")
    }
  }

  private static func hardwareAddress(_ name: String, _ reader: ScenarioReader) throws(ScenarioError) -> [UInt8]? {
    guard let text = try reader.text(name) else { return nil }
    guard let address = MACAddress(text) else { throw reader.error(name, "`\(text)' is not a MAC address") }
    return address.octets
  }
}

extension ScenarioStep.LocalSender {
  init(_ reader: ScenarioReader) throws(ScenarioError) {
    try reader.allow(only: ["uid", "gid", "groups", "cgroup", "mark", "dev", "prio", "broadcast", "via", "name"])
    self.init()
    uid = try reader.integer("uid") ?? 0
    gid = try reader.integer("gid") ?? 0
    for (index, group) in try (reader.list("groups") ?? []).enumerated() {
      groups.append(try ScenarioReader.integer(group, at: reader.path("groups[\(index)]")))
    }
    cgroup = try reader.text("cgroup")
    mark = try reader.integer("mark") ?? 0
    device = try reader.text("dev")
    priority = try reader.integer("prio")
    mayBroadcast = try reader.bool("broadcast") ?? false
    name = try reader.text("name")
    if let text = try reader.text("via") {
      guard let way = Way(rawValue: text) else { throw reader.error("via", "expected raw, udp, tcp or ping, found \(text)") }
      self.way = way
    }
  }
}
