public import Documents
import Lab
import Scenarios
import Wire
public import XTables

/// A drawn scenario in the lab's protocol. The same seed, number and family give the same bytes.
public struct FuzzCase: Sendable {
  /// The number of the case.
  public let number: Int
  /// The seed of the run.
  public let seed: UInt64
  /// The scenario as a line of the protocol.
  public let line: JSONValue

  /// Draws cases for one family.
  public struct Source: Sendable {
    let registry: Registry
    let host: FuzzHost
    let seed: UInt64
    let extensions: Set<String>
    let corpus: [String]
    private let engine: LabEngine

    /// - Parameters:
    ///   - extensions: the matches and targets that may be drawn.
    ///   - corpus: hand-written rulesets of this family; some cases are mutations of them.
    public init(registry: Registry, host: FuzzHost, seed: UInt64, extensions: Set<String>, corpus: [String]) {
      self.registry = registry
      self.host = host
      self.seed = seed
      self.extensions = extensions
      self.corpus = corpus
      engine = LabEngine(registry: registry)
    }

    /// Draws the case with this number.
    public func drawCase(_ number: Int) -> FuzzCase {
      // The multiplier decorrelates the generators of consecutive numbers.
      var draw = Draw(seed: seed &+ UInt64(number) &* 0xd6e8_feb8_6659_fd93 &+ (host.family == .ipv6 ? 1 << 40 : 0))
      let ownSeed = draw.word()
      var hosts = HostDrawing(family: host.family, draw: Draw(seed: draw.word()))
      let host = hosts.host()
      let usesSets = draw.chance(0.08)
      let usable = usesSets ? extensions : extensions.subtracting(registry.names(with: .usesAddressSets))
      var rulesets = RulesetDrawing(registry: registry, host: host, extensions: usable, seed: draw.word())
      var drawn = draw.chance(0.2) ? draw.any(of: corpus).map { rulesets.mutated($0) } ?? rulesets.drawn() : rulesets.drawn()
      // Hand-written rules may use what belongs to the whole machine.
      if drawn.rules.contains(where: { $0.has(.machineWide) }) { drawn = rulesets.drawn() }
      var sockets = SocketDrawing(host: host, draw: Draw(seed: draw.word()))
      var frame = frame(drawn, on: host, usesSets: usesSets, number, &draw, &sockets)
      var packets = PacketDrawing(drawn, host: host, drawsFragments: draw.chance(0.08), seed: draw.word())
      var conversation = Conversation(host: host, seed: draw.word())
      let drafts = (0..<24).map { _ in packets.packet() }
      var steps = drafts.compactMap(\.step)
      for most in [12, 8] {
        frame["steps"] = .array(steps)
        guard let scenario = try? Scenario(.object(frame)) else { break }
        var answer = engine.play(scenario)
        // Only new packets are answered.
        answer.steps = Array(answer.steps.suffix(most == 12 ? 24 : 12))
        steps += conversation.steps(after: answer, of: drafts, most: most)
      }
      let isSlow = drawn.rules.contains { $0.has(.collectsOnceATick) }
      if frame["mode"] != nil, draw.chance(0.5) { steps += sockets.connection(isSlow: isSlow) }
      if isSlow { steps = steps.map { FuzzCase.delayed($0, by: 0.009) } }
      frame["steps"] = .array(steps)
      return FuzzCase(number: number, seed: ownSeed, line: .object(frame))
    }

    /// The scenario without its steps.
    private func frame(
      _ drawn: DrawnRuleset, on host: FuzzHost, usesSets: Bool, _ number: Int, _ draw: inout Draw, _ sockets: inout SocketDrawing
    ) -> JSONObject {
      var frame: JSONObject = [
        "name": .string("fuzz-\(host.family == .ipv4 ? "v4" : "v6")-\(seed)-\(number)"),
        host.family == .ipv4 ? "rules" : "rules6": .string(drawn.text), "topology": host.topology,
      ]
      if draw.chance(0.3) {
        frame["mode"] = "stack"
        frame["sockets"] = .array(sockets.listeners())
      }
      if !host.sysctls.isEmpty {
        frame["sysctl"] = .object(JSONObject(host.sysctls.map { JSONObject.Member($0.name, .integer($0.value)) }))
      }
      if drawn.rules.contains(where: { $0.hostUses.contains { if case .queues = $0 { true } else { false } } }) {
        frame["queues"] = [
          "1": "accept", "2": ["drop", "accept"], "3": ["verdict": "accept", "mark": 5], "4": ["verdict": "accept", "mark": 5],
        ]
      }
      if usesSets { frame["ipset"] = .string(host.sets) }
      return frame
    }
  }

  private static func delayed(_ step: JSONValue, by seconds: Double) -> JSONValue {
    guard case .object(var step) = step else { return step }
    step["sleep"] = .number(seconds)
    return .object(step)
  }
}
