import Capture
import Diagnostics
import Documents
import Evaluator
import Notation
import Scenarios
import Wire
import XTables

/// Parses the steps of a test in order. A swap changes the rules that later expectations refer to.
struct ScriptReader {
  let reader: ScenarioFileReader
  private var rulesets: [Family: ScenarioRuleset]
  private let surroundings: Surroundings
  private var host: HostDocument { surroundings.host }
  /// The host's addresses, to recognise captured packets that the host itself sent.
  private let ownAddresses: [IPAddress]

  init(reader: ScenarioFileReader, surroundings: Surroundings) {
    self.reader = reader
    rulesets = surroundings.rulesets
    self.surroundings = surroundings
    let interfaces = surroundings.host.interfaces ?? Scenario.defaultInterfaces
    ownAddresses = interfaces.flatMap(\.addresses).compactMap { Host.Address($0)?.address }
  }

  var expectations: ExpectationReader {
    ExpectationReader(finder: RuleFinder(rulesets: [Family.ipv4, .ipv6].compactMap { rulesets[$0] }))
  }

  mutating func step(_ node: FileNode) throws(ScenarioFileError) -> TestStep {
    if node.isText { return try line(node) }
    let object = try FileObject(node, .step)
    var scope = TestStep.Scope.each
    let (parts, text) = try self.parts(object, &scope)
    let expectation = try object["expect"].map { node throws(ScenarioFileError) in try expectations.read(node) }
    return TestStep(
      text: text, range: node.range, parts: parts, scope: scope, expectation: expectation, form: .mapping)
  }

  /// Parses a packet in notation, with its expectation after `=>`.
  private func line(_ node: FileNode) throws(ScenarioFileError) -> TestStep {
    let text = try node.text()
    guard !text.contains("\n") else { throw node.error("a packet must be on one line") }
    let notation = NotationLine(node: node, users: host.users, groups: host.groups)
    let (step, expected, end) = try notation.step()
    var expectation: TestExpectation?
    if let (pattern, range) = expected {
      expectation = TestExpectation(items: [TestExpectation.Item(claim: .verdict(pattern), range: range, text: "\(pattern)")], range: range)
    }
    let tail = SourceRange(end..<(node.isVerbatim ? node.textStart + text.utf8.count : end))
    return TestStep(
      text: text, range: node.range, parts: [.step(step)], scope: .each, expectation: expectation, form: .line(tail))
  }

  private mutating func parts(_ object: FileObject, _ scope: inout TestStep.Scope) throws(ScenarioFileError) -> ([TestStep.Part], String) {
    let kind = try StepKind(object)
    guard let node = object[kind.rawValue] else { throw object.node.error("the step has no action") }
    let text = node.isText ? try node.text() : ""
    let notation = NotationLine(node: node, users: host.users, groups: host.groups)
    switch kind {
    case .packet:
      var (step, expected, _) = try notation.step()
      if expected != nil, object["expect"] != nil { throw node.error("the expectation is given twice: after `=>' and in `expect'") }
      try timing(object, &step)
      return ([.step(step)], text)
    case .reply: return ([.reply(ReplySpec(text, at: node.range))], "reply \(text)")
    case .handshake, .exchange, .udp, .ping, .ftp:
      scope = .sequence
      let isActive = try object["active"]?.bool() ?? false
      return (try PacketMacro(notation, node).parts(kind.rawValue, active: isActive), "\(kind.rawValue) \(text)")
    case .close where text.contains(">"):
      for name in object.names where !["close", "expect"].contains(name) {
        throw object.key(name).error(
          "`\(name)' means nothing if `close' names a connection", hint: "it belongs to `close' with the name of a socket")
      }
      scope = .sequence
      return (try PacketMacro(notation, node).parts(kind.rawValue, active: false), "close \(text)")
    case .pcap: return (try capture(node), "pcap \(try FileObject(node, .pcap)["file"]?.text() ?? "")")
    case .swap: return ([.load(try swap(node))], "swap the rules")
    case .wait:
      var step = ScenarioStep(.wait)
      step.sleep = try node.seconds()
      return ([.step(step)], "wait \(text)")
    case .flush where try !node.bool(): throw node.error("`flush' can only be true")
    default:
      var step = try protocolStep(object)
      try timing(object, &step)
      return ([.step(step)], "\(kind.rawValue) \(text.isEmpty ? "packet" : text)")
    }
  }

  private func timing(_ object: FileObject, _ step: inout ScenarioStep) throws(ScenarioFileError) {
    if let node = object["wait"] { step.sleep = try node.seconds() }
    guard let node = object["repeat"] else { return }
    step.repetitions = try node.integer()
    guard (1...100_000).contains(step.repetitions) else { throw node.error("expected a number from 1 to 100000") }
  }

  /// Parses a step in the form of the lab's protocol.
  private func protocolStep(_ object: FileObject) throws(ScenarioFileError) -> ScenarioStep {
    var members = JSONObject()
    for name in object.names where !["expect", "wait", "repeat"].contains(name) {
      guard let node = object[name] else { continue }
      members.members.append(JSONObject.Member(name, try node.json()))
    }
    do throws(ScenarioError) {
      return try ScenarioStep(.object(members), at: "")
    } catch {
      let name = error.path.prefix { $0 != "." && $0 != "[" }
      throw (object[String(name)] ?? object.node).error(error.description)
    }
  }

  private mutating func swap(_ node: FileNode) throws(ScenarioFileError) -> [ScenarioRuleset] {
    let object = try FileObject(node, .swap)
    var loaded: [ScenarioRuleset] = []
    for (name, family) in [("rules", Family.ipv4), ("rules6", .ipv6)] {
      guard let rules = object[name] else { continue }
      let ruleset = try reader.ruleset(rules, family, surroundings)
      loaded.append(ruleset)
      rulesets[family] = ruleset.onTop(of: rulesets[family])
    }
    guard !loaded.isEmpty else { throw node.error("a swap needs rules or rules6") }
    return loaded
  }

  // MARK: Captures

  private func capture(_ node: FileNode) throws(ScenarioFileError) -> [TestStep.Part] {
    let object = try FileObject(node, .pcap)
    guard let file = object["file"], let map = object["interfaces"] else { throw node.error("a capture needs file and interfaces") }
    var interfaces = CaptureInterfaces()
    for member in try map.members() {
      guard interfaces.add(member.name, try member.value.text()) else {
        throw member.key.error("`\(member.name)' is not a network", hint: CaptureInterfaces.keys)
      }
    }
    let keepsTime = try object["timing"]?.bool() ?? true
    let limit: Int = try object["limit"]?.integer() ?? 100_000
    var parts: [TestStep.Part] = []
    var last: UInt64?
    for frame in try reader.capture(file).prefix(max(limit, 0)) {
      // A frame that the host sent is a result of the packets that it received or sent, and no input.
      guard frame.direction != .outgoing, var packet = frame.packet, let source = packet.source else { continue }
      packet.completeChecksum()
      var step = ScenarioStep(.wait)
      if frame.direction == nil, ownAddresses.contains(source) {
        step.action = .local(ScenarioStep.LocalSender(), PacketSpec(.bytes(packet.bytes)))
      } else if let name = interfaces.interface(of: frame, source: source) {
        step.action = .receive(ScenarioStep.Frame(captured: packet, on: name))
      } else {
        throw map.error("packet \(parts.count + 1) " + interfaces.complaint(about: frame, source: source))
      }
      if keepsTime, let last, frame.timestamp > last { step.sleep = min(Double(frame.timestamp - last) / 1e9, 1e6) }
      last = frame.timestamp
      parts.append(.step(step))
    }
    return parts
  }
}

extension ScenarioStep.Frame {
  /// A captured packet that arrives on an interface. The sender's hardware address is kept, and the destination if it is not one station's:
  /// the address of the capturing machine is not that of the simulated one.
  init(captured packet: Packet, on interface: String) {
    let destination = packet.type.captureDestination(of: packet)
    self.init(
      interface: interface, source: packet.link.map { $0.source.octets }, destination: destination?.octets,
      packet: PacketSpec(.bytes(packet.bytes)))
  }
}
