import Conntrack
import Wire

/// What would have to stand in a file for an expectation to hold, where one value says it.
struct TestCorrection {
  let judge: TestJudge

  private var observation: Observation? { judge.observations.first { !$0.own.isEmpty } ?? judge.observations.first }

  /// Nil where no single value would do: what a rule or chain should have seen cannot be made up.
  func text(for claim: Expectation.Claim) -> String? {
    guard let observation else { return nil }
    let packet = observation.own.first
    switch claim {
    case .verdict:
      // That of a sequence is no packet's alone.
      return judge.scope == .sequence ? nil : packet.map { "\(VerdictPattern($0, in: observation.step))" }
    case .decidedBy(let rule): return decider(of: rule, observation)?.text
    case .leaves: return packet?.verdict.out
    case .packet(let fields):
      guard fields.members.count == 1, let name = fields.members.first?.name, let packet else { return nil }
      return Packet(bytes: observation.leaving(packet)).labFields[name].flatMap(plain)
    case .answer: return answer(observation)
    case .mark(_, let mask): return packet.map { hexadecimal($0.mark & mask) + (mask == .max ? "" : "/" + hexadecimal(mask)) }
    case .queue: return observation.own.flatMap(\.queued).first.map { "\($0.queue)" } ?? "none"
    case .errno: return observation.step.errno ?? "none"
    case .counter(let rule, _, nil): return "\(judge.count(of: rule).packets)"
    case .originalDestination: return judge.observations.flatMap(\.step.sockets).lazy.compactMap(\.original).first.map { end($0.0, $0.1) }
    case .translation(let wanted): return ConnectionJudge(judge.observations).correction(of: wanted).map { quoted("\($0)") }
    case .connection(let wanted): return ConnectionJudge(judge.observations).correction(of: wanted)
    case .counter, .matches, .misses, .reaches, .never, .log: return nil
    }
  }

  /// The rule or policy that decided in the table of the one that was expected to.
  private func decider(of rule: RuleReference, _ observation: Observation) -> RulePlace? {
    guard let packet = observation.own.first else { return nil }
    let family = observation.family(of: packet)
    guard let meant = rule.places.first(where: { $0.family == family }) else { return nil }
    // A table is asked at several hooks.
    let places = Decisions(packet.trace).deciders.filter { $0.table == meant.table }.compactMap { $0.place(family) }
    return places.first { $0.chain == meant.chain } ?? places.first
  }

  private func answer(_ observation: Observation) -> String? {
    guard let first = observation.step.packets.first(where: { $0.origin == .kernel }) else { return "none" }
    let packet = Packet(bytes: first.final)
    if let tcp = packet.tcp { return "tcp \(tcp.flags)" }
    guard let proto = packet.transport?.proto else { return nil }
    return (packet.icmp ?? packet.icmpv6).map { "\(proto) \($0.type)/\($0.code)" } ?? "\(proto)"
  }

  private func hexadecimal(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }

  private func end(_ address: IPAddress, _ port: UInt16) -> String { quoted("\(Expectation.Endpoint(address, port))") }

  private func plain(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): quoted(text)
    case .integer, .bool: value.description
    default: nil
    }
  }

  /// In quotes where YAML would take it for something else.
  private func quoted(_ text: String) -> String {
    let isPlain = text.first.map { $0.isLetter || $0.isNumber } ?? false
      && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"[]{},#&*!|>'\"%@`".utf8.contains($0) } && !text.hasSuffix(":")
    return isPlain ? text : JSONValue.string(text).description
  }
}

extension ConnectionJudge {
  /// The end that its source or destination became.
  func correction(of wanted: Expectation.Translation) -> Expectation.Endpoint? {
    guard let connection, !wanted.isNone, (wanted.source == nil) != (wanted.destination == nil) else { return nil }
    let asked = wanted.source ?? wanted.destination
    let end = wanted.source != nil
      ? Expectation.Endpoint(connection.reply.destination, connection.reply.destinationPort)
      : Expectation.Endpoint(connection.reply.source, connection.reply.sourcePort)
    // No more is said than was.
    return Expectation.Endpoint(address: asked?.address == nil ? nil : end.address, port: asked?.port == nil ? nil : end.port)
  }

  /// What conntrack knows of the one thing that was expected.
  func correction(of wanted: Expectation.TrackedPattern) -> String? {
    guard let connection else { return wanted.isNone || wanted.state != nil ? "none" : nil }
    if wanted.isNone || wanted.state != nil { return connection.state }
    if wanted.mark != nil { return "0x" + String(connection.mark ?? 0, radix: 16) }
    if wanted.zone != nil { return "\(connection.zone)" }
    if wanted.helper != nil { return connection.helper }
    if wanted.timeout != nil { return connection.timeout.map { "\($0)" } }
    if wanted.expectations != nil { return "\(listedExpectations)" }
    return nil
  }
}
