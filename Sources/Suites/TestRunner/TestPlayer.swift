package import Diagnostics
package import Evaluator
package import Lab
import Notation
package import Scenarios
import Wire
import XTables

/// The result of one event of a step.
struct Observation {
  let step: LabStep
  /// The engine's reports; empty if a kernel answered.
  let reports: [PathReport]
  /// The rules that were loaded.
  let rulesets: [ScenarioRuleset]

  /// The step's packets, with those that passed no hook: a frame that a bridge forwarded, a packet without a route.
  var packets: [LabPacket] {
    var seen = step.packets[...]
    let ordered = reports.lazy.flatMap(\.packets).compactMap { report in
      report.passages.isEmpty ? LabPacket(report, tracing: false) : seen.popFirst()
    }
    return Array(ordered) + seen
  }

  /// The step's own packets, without those made by the host.
  var own: [LabPacket] { packets.filter { $0.origin == .own } }

  /// The packets made by the host that left it or reached a socket of it.
  var answers: [LabPacket] { packets.filter { $0.origin == .kernel && ($0.verdict.kind == .sent || $0.verdict.kind == .local) } }

  /// What connection tracking found out about the step's own packet; nil if nothing is tracked, or a kernel answered.
  var tracking: TrackingReport? { reports.first?.packets.first { $0.origin == .own }?.tracking }

  /// The lines that LOG wrote; unavailable from a kernel.
  var logLines: [String] {
    var lines: [String] = []
    for report in reports {
      for packet in report.packets {
        for case .line(_, let text) in packet.logs { lines.append(text) }
      }
    }
    return lines
  }

  /// The family of a packet.
  func family(of packet: LabPacket) -> Family { Packet(bytes: packet.final).family ?? .ipv4 }
}

/// The result of a whole step.
package struct StepOutcome {
  var observations: [Observation] = []
  /// The reason why the step could not be completed; nil if it was.
  package var obstacle: (reason: String, range: SourceRange)?
}

/// Plays a test in the engine step by step. Later packets depend on the results of earlier ones.
package struct TestPlayer {
  private var run: LabEngineRun
  package private(set) var rulesets: [ScenarioRuleset]
  private var ground = ReplyGround()
  /// The sockets of the host with established peers.
  private var conversations: SocketConversations
  /// The resolved steps, which a kernel can play too.
  private(set) var resolved: Scenario

  package init(_ test: ScenarioTest, engine: LabEngine) throws(ScenarioError) {
    run = try LabEngineRun(test.base, test.rulesets.map(\.ruleset), try engine.addressSets(test.base), engine: engine)
    rulesets = test.rulesets
    resolved = test.base
    conversations = SocketConversations(isStack: test.base.mode == .stack)
  }

  package var simulator: Simulator { run.simulator }

  /// The engine's answer to the steps played so far, in the form of the lab's protocol.
  func result(_ steps: [LabStep]) -> LabResult { run.result(steps) }

  package mutating func play(_ step: TestStep) -> StepOutcome {
    var outcome = StepOutcome()
    for part in step.parts {
      do throws(ReplyBuilder.Impossible) {
        guard let next = try resolve(part, in: step) else { continue }
        outcome.observations.append(try play(next, part, in: step))
      } catch {
        outcome.obstacle = (error.reason, error.range)
        return outcome
      }
    }
    return outcome
  }

  /// Resolves a part of a step; nil if the host has already sent the reply.
  private mutating func resolve(_ part: TestStep.Part, in step: TestStep) throws(ReplyBuilder.Impossible) -> ScenarioStep? {
    switch part {
    case .step(let step): return step
    case .reply(let spec):
      let isAnswered = ground.isAnswered && !spec.text.hasPrefix("again")
      if isAnswered { ground.isAnswered = false }
      // The host may send more after its own answer.
      let more = isAnswered ? try? ReplyBuilder(ground: ground.answered).step(spec.again) : nil
      if isAnswered, more == nil { return nil }
      let reply: ScenarioStep
      if let more { reply = more } else { reply = try ReplyBuilder(ground: ground).step(spec) }
      switch conversations.way(of: reply) {
      case .socket(let step): return step
      case .packet: return isAnswered ? nil : reply
      case .bySelf(let packet):
        ground.pretend(packet)
        return nil
      }
    case .announced: return try ReplyBuilder(ground: ground).announced(at: step.range)
    case .load(let rulesets):
      return ScenarioStep(
        .load(
          rules: rulesets.first { $0.family == .ipv4 }?.text, rules6: rulesets.first { $0.family == .ipv6 }?.text))
    }
  }

  private mutating func play(_ next: ScenarioStep, _ part: TestStep.Part, in step: TestStep) throws(ReplyBuilder.Impossible) -> Observation
  {
    do throws(ScenarioError) {
      let record: LabStep
      if case .load(let loaded) = part {
        record = try run.play(loading: loaded.map(\.ruleset), resolved.steps.count)
        for ruleset in loaded {
          let old = rulesets.first { $0.family == ruleset.family }
          rulesets = rulesets.filter { $0.family != ruleset.family } + [ruleset.onTop(of: old)]
        }
      } else {
        record = try run.play(next, resolved.steps.count)
      }
      resolved.steps.append(next)
      let reports = run.reports
      conversations.note(record.sockets)
      let observation = Observation(step: record, reports: reports, rulesets: rulesets)
      if !observation.packets.isEmpty { ground = ReplyGround(after: next, observation) }
      return observation
    } catch {
      throw ReplyBuilder.Impossible(reason: error.description, range: step.range)
    }
  }
}

extension ReplyGround {
  /// The state from the host's view after it has answered.
  var answered: ReplyGround {
    var ground = self
    if let arrived { ground.sent = (arrived.packet, .local) }
    return ground
  }

  /// Assumes that the host sends this packet by itself; later parts continue from it.
  mutating func pretend(_ packet: Packet) {
    let place = sent?.place
    sent = (packet, .local)
    if let place { arrived = (packet, place) }
  }

  /// The state after a step with packets.
  init(after step: ScenarioStep, _ observation: Observation) {
    let record = observation.step
    switch (step.action, record.injected) {
    case (.receive(let frame), .frame(_, let bytes)): sent = (Packet(bytes: bytes), .interface(frame.interface))
    case (.local, .raw(let bytes)): sent = (Packet(bytes: bytes), .local)
    default: sent = observation.packets.first.map { (Packet(bytes: $0.final), .local) }
    }
    guard let own = observation.own.last else { return }
    // If the host has answered, the next reply answers that answer.
    if let reply = record.packets.last(where: { $0.origin == .kernel && $0.verdict.kind == .sent }), own.verdict.kind == .local {
      arrive(reply, record)
      isAnswered = arrived != nil
      return
    }
    arrive(own, record)
  }

  private mutating func arrive(_ packet: LabPacket, _ record: LabStep) {
    let final = Packet(bytes: packet.final)
    switch packet.verdict.kind {
    case .local: arrived = (final, .local)
    case .sent:
      let egress = record.egress.last { frame in
        let left = Packet(bytes: frame.packet)
        return frame.interface == packet.verdict.out && left.source == final.source && left.destination == final.destination
      }
      guard let egress = egress ?? record.egress.last else {
        obstacle = "no packet left the host"
        return
      }
      arrived = (Packet(bytes: egress.packet), .interface(egress.interface))
    default: obstacle = "the previous packet did not arrive; its verdict is \(VerdictText(packet.verdict))"
    }
  }
}

/// A verdict in words: `drop at INPUT by filter:INPUT:rule:3`.
struct VerdictText: CustomStringConvertible {
  let description: String

  init(_ verdict: LabVerdict) {
    var text = verdict.kind == .none ? "refused" : verdict.kind.rawValue
    if let out = verdict.out { text += " \(out)" }
    if let queue = verdict.queue { text += " \(queue)" }
    if let hook = verdict.hook { text += verdict.kind == .drop ? " \(hook)" : " at \(hook)" }
    if let by = verdict.by { text += verdict.kind == .unknown ? ": \(by)" : " by \(by)" }
    description = text
  }
}
