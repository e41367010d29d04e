import Documents
import Lab
import Notation
import Scenarios
import TestSupport
import Testing
import Wire
import XTables

@Suite struct ScenarioTests {
  @Test(.needsSharedFolder) func recordedScenariosBuildTheRecordedPackets() throws {
    var built = 0
    for recording in try LabRecording.all() {
      var progress = TCPProgress()
      let answers = recording.kernel["steps"]?.elements ?? []
      #expect(answers.count == recording.scenario.steps.count)
      for (step, answer) in zip(recording.scenario.steps, answers) {
        let spec: PacketSpec
        switch step.action {
        case .receive(let frame): spec = frame.packet
        case .local(let sender, let packet) where sender.way == .raw: spec = packet
        default: continue
        }
        let packet = try spec.packet(after: progress)
        let place: Comment = "\(recording.scenario.name) step \(answer["i"] ?? .null)"
        #expect(Hex.string(packet.bytes) == answer["injected"]?["hex"]?.text, place)
        #expect(packet.brief == answer["injected"]?["brief"]?.text, place)
        progress.see(packet)
        for frame in answer["egress"]?.elements ?? [] {
          let left = Packet(bytes: try #require(frame["hex"]?.text.flatMap { Hex.bytes($0) }))
          progress.see(left)
          #expect(left.brief == frame["brief"]?.text, place)
          #expect(Set(members(left.labFields)) == Set(members(frame["pkt"])), place)
        }
        built += 1
      }
    }
    #expect(built > 80)
  }

  private func members(_ value: JSONValue?) -> [String] {
    guard case .object(let object)? = value else { return [] }
    return object.members.flatMap { member in
      member.name == "inner" ? members(member.value).map { "inner.\($0)" } : ["\(member.name)=\(member.value)"]
    }
  }

  @Test func defaultsAreThoseOfTheProtocol() throws {
    let scenario = try Scenario(line: #"{"name": "x", "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9"}, {"snapshot": 1}]}"#)
    #expect(scenario.mode == .sink)
    #expect(scenario.interfaces.map(\.name) == ["eth0", "eth1", "eth2"])
    guard case .receive(let frame) = scenario.steps[0].action else {
      Issue.record("not a frame")
      return
    }
    let packet = try frame.packet.packet(after: TCPProgress())
    #expect(packet.brief == "udp 10.0.0.9:0>10.0.1.9:0")
    #expect(scenario.steps[1].action == .snapshot)
  }

  @Test(arguments: [
    (#"{"steps": [{"in": 1}]}"#, "steps[0].in: expected a text, found a number"),
    (#"{"steps": [{"in": "e", "src": "10.0.0.9"}]}"#, "steps[0].dst: is missing"),
    (#"{"steps": [{"in": "e", "src": "10.0.0.9", "dst": "::1"}]}"#, "steps[0].dst: must be of the same address family as src"),
    (
      #"{"steps": [{"in": "e", "src": "1.1.1.1", "dst": "1.1.1.2", "sport": 65536}]}"#,
      "steps[0].sport: 65536 is not a whole number from 0 to 65535"
    ),
    (#"{"steps": [{"in": "e", "src": "1.1.1.1", "dst": "1.1.1.2", "sprot": 1}]}"#, "steps[0].sprot: unknown member"),
    (#"{"steps": [{"in": "e", "src": "1.1.1.1", "dst": "1.1.1.2", "inner": {"src": "1.1.1.1"}}]}"#, "steps[0].inner.dst: is missing"),
    (#"{"steps": [{}]}"#, "steps[0]: a step needs exactly one of in, local, send, close, snapshot, load, flush, ip, sleep"),
    (#"{"queues": {"x": {}}}"#, "queues.x: is not a queue number"),
    (#"{"queues": {"1": [{"verdict": "maybe"}]}}"#, "queues.1[0].verdict: expected accept, drop, repeat, hold or queue:N, found maybe"),
    (#"{"mode": "loud"}"#, "mode: expected sink or stack, found loud"),
    (#"{"name": "x"#, "not JSON at byte 11: the text has no end"),
    (#"[1]"#, "expected an object, found a list"),
    (#"{"steps": [{"sleep": -1}]}"#, "steps[0].sleep: -1 is not a number of seconds"),
    (#"{"topology": {"ifaces": {"a/b": []}}}"#, "topology.ifaces.a/b: is not a valid interface name"),
  ])
  func mistakesAreNamedWithTheirPlace(line: String, message: String) {
    #expect(throws: ScenarioError.self) { try Scenario(line: line) }
    do { _ = try Scenario(line: line) } catch { #expect(error.description == message) }
  }

  /// Broken lines end in an error or a scenario, never in a trap.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func brokenLinesDoNotTrap(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let seeds = try PackageFolder.fixture("path-scenarios.jsonl").map(\.description)
    let values = [
      "-1", "1e308", "99999999999999999999", "null", "\"\"", "[]", "{}", "true", "4294967296", "65536", "\"auto\"", "[[[[", "\"\\ud800\"",
    ]
    for _ in 0..<150 {
      var bytes = Array((seeds.randomElement(using: &random) ?? "").utf8.prefix(3000))
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: at)
        case 2: bytes.insert(contentsOf: (values.randomElement(using: &random) ?? "").utf8, at: at)
        default: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 0..<40, using: &random)))
        }
        if bytes.isEmpty { bytes = [0x7B] }
      }
      guard let scenario = try? Scenario(line: String(decoding: bytes, as: UTF8.self)) else { continue }
      for step in scenario.steps {
        if case .receive(let frame) = step.action, let packet = try? frame.packet.packet(after: TCPProgress()) { _ = packet.labFields }
      }
    }
    // Values of the wrong kind at every place of a whole scenario.
    for source in try PackageFolder.fixture("path-scenarios.jsonl").shuffled(using: &random).prefix(2) {
      for _ in 0..<200 {
        let replacement = try JSONValue(parsing: values.prefix(11).randomElement(using: &random) ?? "null")
        let changed = replace(source, by: replacement, using: &random)
        guard let scenario = try? Scenario(changed) else { continue }
        for step in scenario.steps {
          if case .receive(let frame) = step.action { _ = try? frame.packet.packet(after: TCPProgress()) }
        }
      }
    }
  }

  private func replace(_ value: JSONValue, by new: JSONValue, using random: inout SeededRandom) -> JSONValue {
    if Int.random(in: 0..<5, using: &random) == 0 { return new }
    switch value {
    case .array(var elements) where !elements.isEmpty:
      let at = Int.random(in: 0..<elements.count, using: &random)
      elements[at] = replace(elements[at], by: new, using: &random)
      return .array(elements)
    case .object(var object) where !object.members.isEmpty:
      let at = Int.random(in: 0..<object.members.count, using: &random)
      object.members[at].value = replace(object.members[at].value, by: new, using: &random)
      return .object(object)
    default: return new
    }
  }

  @Test(.needsSharedFolder) func jsonIsReadAndWrittenTheSame() throws {
    for recording in try LabRecording.all() {
      let value = recording.source
      #expect(try JSONValue(parsing: value.description) == value)
    }
    let odd = JSONValue.string("\u{1}\"\\\n\u{7F}é\u{1F600}")
    #expect(try JSONValue(parsing: odd.description) == odd)
    #expect(try JSONValue(parsing: #""\ud83d\ude00\u00e9""#) == .string("\u{1F600}é"))
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 100_000)) }
  }
}
