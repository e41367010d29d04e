import Diagnostics
import Documents
import Evaluator
import Lab
import Netfilter
import Notation
import Scenarios
import Wire
import XTables

/// Creates the connections that exist when a test begins.
///
/// They are created by packets before the test's rules are loaded, under rules that accept everything and perform the requested translations.
/// Engine and kernel thereby get the same connections, including sequence numbers.
struct PreludeReader {
  private struct Item {
    let step: ScenarioStep
    let fields: PacketFields
    var replySource: (IPAddress, UInt16)?
    var replyDestination: (IPAddress, UInt16)?
    var state: String?
    var mark: UInt32 = 0
    let node: FileNode
  }

  let surroundings: Surroundings
  let base: Scenario
  let reader: ScenarioFileReader

  func steps() throws(ScenarioFileError) -> [TestStep] {
    guard let first = surroundings.connections.first else { return [] }
    let host: Host
    do throws(ScenarioError) {
      host = try Host(base)
    } catch {
      throw first.error("the host is invalid: \(error)")
    }
    var items: [Item] = []
    for node in surroundings.connections { items.append(try item(node, host)) }
    var steps = [step(first, "rules for connections", [.load(try rules(items, first))])]
    for item in items { steps.append(step(item.node, "connection", try parts(item))) }
    let families = [Family.ipv4, .ipv6].filter { family in items.contains { $0.fields.source.family == family } }
    steps.append(step(first, "the rules themselves", [.load(try ownRules(families, first))]))
    return steps
  }

  private func step(_ node: FileNode, _ text: String, _ parts: [TestStep.Part]) -> TestStep {
    TestStep(text: text, range: node.range, parts: parts, scope: .sequence, expectation: nil, form: .mapping)
  }

  // MARK: Reading

  private func item(_ node: FileNode, _ host: Host) throws(ScenarioFileError) -> Item {
    if node.isText { return try flow(node, host) }
    let object = try FileObject(node, .connection)
    guard let flowNode = object["flow"] else { throw node.error("a connection needs a flow") }
    var item = try flow(flowNode, host)
    item.state = try object["state"]?.text()
    item.mark = try object["mark"]?.integer() ?? 0
    if let translated = object["translated"] {
      let ends = try translated.text().split(separator: ">").map { String($0.filter { $0 != " " }) }
      guard ends.count == 2, let source = end(ends[0]), let destination = end(ends[1]) else {
        throw translated.error("expected `SOURCE > DESTINATION', the addresses of the replies")
      }
      item.replySource = source
      item.replyDestination = destination
    }
    return item
  }

  private func end(_ text: String) -> (IPAddress, UInt16)? {
    if text.hasPrefix("["), let close = text.lastIndex(of: "]") {
      let rest = text[text.index(after: close)...].drop { $0 == ":" }
      return IPAddress(text[text.index(after: text.startIndex)..<close]).flatMap { address in (UInt16(rest) ?? 0, address) }.map {
        ($1, $0)
      }
    }
    let parts = text.split(separator: ":", maxSplits: 1)
    guard text.filter({ $0 == ":" }).count <= 1, let address = parts.first.flatMap({ IPAddress($0) }) else {
      return IPAddress(text).map { ($0, 0) }
    }
    return (address, parts.count == 2 ? UInt16(parts[1]) ?? 0 : 0)
  }

  /// Parses `tcp 10.0.0.9:1000 > 10.0.1.9:80`. Without an interface, the first packet arrives on the interface of the route to its source.
  private func flow(_ node: FileNode, _ host: Host) throws(ScenarioFileError) -> Item {
    let line = NotationLine(node: node, users: surroundings.host.users, groups: surroundings.host.groups)
    let text = try node.text()
    let first = text.prefix { $0 != " " }
    let step: ScenarioStep
    if NotationReader.number(ofProtocol: String(first)) != nil {
      step = try line.step(arriving: { source in
        if host.devices.contains(where: { $0.addresses.contains { $0.address == source } }) { return "local" }
        return host.outputRoute(Flow(to: source))?.output?.name
      })
    } else {
      step = try line.step().0
    }
    let spec: PacketSpec
    switch step.action {
    case .receive(let frame): spec = frame.packet
    case .local(_, let packet): spec = packet
    default: throw node.error("expected a packet")
    }
    guard case .fields(let fields) = spec.content else { throw node.error("expected a packet given by its fields") }
    return Item(step: step, fields: fields, node: node)
  }

  // MARK: Packets

  private func parts(_ item: Item) throws(ScenarioFileError) -> [TestStep.Part] {
    func reply(_ text: String) -> TestStep.Part { .reply(ReplySpec(text, at: item.node.range)) }
    let first = TestStep.Part.step(item.step)
    guard item.fields.proto == .tcp else { return item.state == "UNREPLIED" ? [first] : [first, reply("")] }
    let established = [first, reply("SA"), reply("A")]
    switch item.state {
    case "SYN_SENT": return [first]
    case "SYN_RECV": return [first, reply("SA")]
    case nil, "ESTABLISHED", "ASSURED": return established
    case "FIN_WAIT": return established + [reply("again FA")]
    case "CLOSE_WAIT": return established + [reply("again FA"), reply("A")]
    case "LAST_ACK": return established + [reply("again FA"), reply("A"), reply("again FA")]
    case "TIME_WAIT": return established + [reply("again FA"), reply("FA"), reply("A")]
    case let state?:
      throw item.node.error(
        "a connection cannot start in the state \(state)",
        hint:
          "the states are SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK and TIME_WAIT for TCP; UNREPLIED for other protocols"
      )
    }
  }

  // MARK: Rules

  private static let tables = ["raw", "mangle", "nat", "filter"]

  private func rules(_ items: [Item], _ node: FileNode) throws(ScenarioFileError) -> [ScenarioRuleset] {
    var loaded: [ScenarioRuleset] = []
    for family in [Family.ipv4, .ipv6] where items.contains(where: { $0.fields.source.family == family }) {
      var lines: [String: [String]] = ["filter": ["-A FORWARD -m conntrack --ctstate NEW"]]
      for item in items where item.fields.source.family == family { add(item, to: &lines) }
      let text = PreludeReader.tables.map { table in
        let chains = (TableName(rawValue: table)?.hooks ?? []).map { ":\($0.name) ACCEPT [0:0]" }
        return (["*\(table)"] + chains + (lines[table] ?? []) + ["COMMIT", ""]).joined(separator: "\n")
      }.joined()
      loaded.append(try reader.ruleset(text: text, family, named: "the rules for connections", node))
    }
    return loaded
  }

  private func add(_ item: Item, to lines: inout [String: [String]]) {
    let fields = item.fields
    func match(_ source: (IPAddress, UInt16), _ destination: (IPAddress, UInt16)) -> String {
      var text = "-s \(source.0) -d \(destination.0) -p \(fields.proto)"
      if fields.proto.hasPorts { text += " -m \(fields.proto) --sport \(source.1) --dport \(destination.1)" }
      return text
    }
    func end(_ end: (IPAddress, UInt16)) -> String {
      guard fields.proto.hasPorts, end.1 != 0 else { return "\(end.0)" }
      return end.0.family == .ipv6 ? "[\(end.0)]:\(end.1)" : "\(end.0):\(end.1)"
    }
    let source = (fields.source, fields.sourcePort)
    let destination = (fields.destination, fields.destinationPort)
    var arrived = destination
    if let target = item.replySource, target != destination {
      for chain in ["PREROUTING", "OUTPUT"] {
        lines["nat", default: []].append("-A \(chain) \(match(source, destination)) -j DNAT --to-destination \(end(target))")
      }
      arrived = target
    }
    if let hidden = item.replyDestination, hidden != source {
      for chain in ["POSTROUTING", "INPUT"] {
        lines["nat", default: []].append("-A \(chain) \(match(source, arrived)) -j SNAT --to-source \(end(hidden))")
      }
    }
    if item.mark != 0 {
      for chain in ["PREROUTING", "OUTPUT"] {
        lines["mangle", default: []].append("-A \(chain) \(match(source, destination)) -j CONNMARK --set-mark \(item.mark)")
      }
    }
  }

  /// The test's rules, and empty versions of the other tables that the prelude used.
  private func ownRules(_ families: [Family], _ node: FileNode) throws(ScenarioFileError) -> [ScenarioRuleset] {
    var loaded: [ScenarioRuleset] = []
    for family in families {
      let own = surroundings.rulesets[family]
      let missing = PreludeReader.tables.compactMap { TableName(rawValue: $0) }
        .filter { name in own.map { $0.ruleset[table: name] == nil } ?? true }
      let empty = missing.map { table in
        "*\(table.rawValue)\n" + table.hooks.map { ":\($0.name) ACCEPT [0:0]\n" }.joined() + "COMMIT\n"
      }.joined()
      let blank = try reader.ruleset(text: empty, family, named: "empty tables", node)
      guard let own else {
        loaded.append(blank)
        continue
      }
      let text = own.text.hasSuffix("\n") ? own.text + empty : own.text + "\n" + empty
      loaded.append(own.with(text: text).onTop(of: blank))
    }
    return loaded
  }
}
