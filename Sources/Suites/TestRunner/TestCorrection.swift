import Conntrack
import Documents
import Evaluator
import Lab
import Wire

/// A change to a scenario file.
enum TestChange: Sendable {
  /// Writes a new value. A literal is written unchanged; other text is quoted if YAML requires it.
  case write(Range<Int>, String, isLiteral: Bool)
  /// Removes an expectation that no value would satisfy.
  case remove(EntrySite)
}

/// Computes the change with which an expectation would hold.
struct TestCorrection {
  let judge: TestJudge

  private var observation: Observation? { judge.observations.first { !$0.own.isEmpty } ?? judge.observations.first }

  /// Empty if no value would hold, for example if there was no packet.
  func changes(for item: TestExpectation.Item) -> [TestChange] {
    guard let observation, let site = item.site else { return [] }
    switch item.claim {
    case .translation, .connection: return ofConnection(item, site)
    case .answer: return ofAnswer(item, site, observation)
    case .counter(let rule, _, let bytes):
      let count = judge.count(of: rule)
      return [.write(site.value, bytes == nil ? "\(count.packets)" : "[\(count.packets), \(count.bytes)]", isLiteral: true)]
    case .matches, .misses, .reaches, .never, .log:
      return [text(for: item.claim, observation).map { .write(site.value, $0, isLiteral: false) } ?? .remove(site)]
    case .verdict: return text(for: item.claim, observation).map { [.write(site.value, $0, isLiteral: false)] } ?? []
    default:
      guard observation.own.first != nil || item.claim.isOfStep else { return [] }
      return [text(for: item.claim, observation).map { .write(site.value, $0, isLiteral: false) } ?? .remove(site)]
    }
  }

  /// The value that would hold; nil if there is none.
  private func text(for claim: TestExpectation.Claim, _ observation: Observation) -> String? {
    let packet = observation.own.first
    switch claim {
    case .verdict: return judge.metPattern.map { "\($0)" }
    case .decidedBy(let rule), .matches(let rule): return decider(of: rule, observation)?.text
    case .reaches(let chain): return reached(insteadOf: chain)
    case .log: return logged
    case .leaves: return packet?.verdict.out
    case .packet(let fields):
      guard let name = fields.members.first?.name, let packet else { return nil }
      return Packet(bytes: observation.leaving(packet)).labFields[name].map(plain)
    case .mark(_, let mask): return packet.map { hexadecimal($0.mark, under: mask) }
    case .queue: return observation.own.flatMap(\.queued).first.map { "\($0.queue)" } ?? "none"
    case .trackingState: return observation.tracking?.state ?? "none"
    case .errno: return observation.step.errno ?? "none"
    case .originalDestination:
      return judge.observations.flatMap(\.step.sockets).lazy.compactMap(\.original).first.map { "\(TestExpectation.Endpoint($0.0, $0.1))" }
    default: return nil
    }
  }

  /// The rule or policy that actually decided, in the table of the expected one.
  private func decider(of rule: RuleSelector, _ observation: Observation) -> RulePlace? {
    guard let packet = observation.own.first else { return nil }
    let family = observation.family(of: packet)
    guard let meant = rule.places.first(where: { $0.family == family }) else { return nil }
    // A packet passes a table at several hooks.
    let places = Decisions(packet.trace).deciders.filter { $0.table == meant.table }.compactMap { $0.place(family) }
    return places.first { $0.chain == meant.chain } ?? places.first
  }

  /// The last chain that the packet entered in the same table.
  private func reached(insteadOf chain: ChainSelector) -> String? {
    let labels = judge.observations.flatMap(\.own).flatMap(\.trace).compactMap { TraceLabel($0) }
    return labels.last { chain.table == nil || $0.table == chain.table }.map { "\($0.table) \($0.chain)" }
  }

  /// The prefix of the first logged line, or the beginning of the packet if there is no prefix.
  private var logged: String? {
    let prefixes = judge.observations.flatMap(\.step.packets).flatMap(\.logs).map(\.prefix)
    guard let line = (judge.observations.flatMap(\.logLines) + prefixes).first(where: { !$0.isEmpty }) else { return "none" }
    guard let start = line.firstRange(of: "IN=")?.lowerBound else { return line }
    let prefix = String(line[..<start])
    return prefix.allSatisfy(\.isWhitespace) ? String(line[start...].prefix { $0 != " " }) : prefix
  }

  // MARK: Answers

  private func ofAnswer(_ item: TestExpectation.Item, _ site: EntrySite, _ observation: Observation) -> [TestChange] {
    guard let first = observation.answers.first else {
      return [.write(site.value, "none", isLiteral: true)]
    }
    let packet = Packet(bytes: observation.leaving(first))
    guard item.fields.isEmpty else {
      return item.fields.map { field in
        packet.labFields[field.name].map { .write(field.site.value, plain($0), isLiteral: false) } ?? .remove(field.site)
      }
    }
    if let tcp = packet.tcp { return [.write(site.value, "tcp \(tcp.flags)", isLiteral: false)] }
    guard let proto = packet.transport?.proto else { return [] }
    let text = (packet.icmp ?? packet.icmpv6).map { "\(proto) \($0.type)/\($0.code)" } ?? "\(proto)"
    return [.write(site.value, text, isLiteral: false)]
  }

  // MARK: Connections

  /// Expectations about a connection that does not exist are removed.
  private func ofConnection(_ item: TestExpectation.Item, _ site: EntrySite) -> [TestChange] {
    let judge = ConnectionJudge(self.judge.observations)
    let whole = item.outer ?? site
    switch item.claim {
    case .translation(let wanted):
      guard let actual = judge.translation else { return [.remove(whole)] }
      if actual.isNone { return [.write(whole.value, "none", isLiteral: true)] }
      guard !wanted.isNone else { return [.write(site.value, flow(actual), isLiteral: true)] }
      return judge.correction(of: wanted).map { [.write(site.value, "\($0)", isLiteral: false)] } ?? []
    case .connection(let wanted):
      guard judge.connection != nil else { return [.write(whole.value, "none", isLiteral: true)] }
      if !wanted.status.isEmpty, let status = judge.connection?.status.names {
        return [.write(site.value, "[\(status.joined(separator: ", "))]", isLiteral: true)]
      }
      return [judge.correction(of: wanted).map { .write(site.value, $0, isLiteral: false) } ?? .remove(site)]
    default: return []
    }
  }

  private func flow(_ translation: TestExpectation.Translation) -> String {
    let ends = [("source", translation.source), ("destination", translation.destination)]
    return "{" + ends.compactMap { name, end in end.map { "\(name): \(YAMLScalar.text("\($0)", like: nil))" } }.joined(separator: ", ")
      + "}"
  }

  private func plain(_ value: JSONValue) -> String { value.text ?? value.description }
}

private func hexadecimal(_ number: UInt32, under mask: UInt32) -> String {
  func text(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }
  return text(number & mask) + (mask == .max ? "" : "/" + text(mask))
}

extension TestExpectation.Claim {
  /// True if the claim can be checked without a packet.
  fileprivate var isOfStep: Bool {
    switch self {
    case .errno, .queue, .originalDestination: true
    default: false
    }
  }
}

extension ConnectionJudge {
  /// The actual translation of both ends; ends without translation are nil.
  var translation: TestExpectation.Translation? {
    guard let connection else { return nil }
    var translation = TestExpectation.Translation()
    let (original, reply) = (connection.original, connection.reply)
    let source = TestExpectation.Endpoint(reply.destination, reply.destinationPort)
    let destination = TestExpectation.Endpoint(reply.source, reply.sourcePort)
    if source != TestExpectation.Endpoint(original.source, original.sourcePort) { translation.source = source }
    if destination != TestExpectation.Endpoint(original.destination, original.destinationPort) { translation.destination = destination }
    translation.isNone = translation.source == nil && translation.destination == nil
    return translation
  }

  /// The actual source or destination.
  func correction(of wanted: TestExpectation.Translation) -> TestExpectation.Endpoint? {
    guard let connection, !wanted.isNone, (wanted.source == nil) != (wanted.destination == nil) else { return nil }
    let asked = wanted.source ?? wanted.destination
    let end =
      wanted.source != nil
      ? TestExpectation.Endpoint(connection.reply.destination, connection.reply.destinationPort)
      : TestExpectation.Endpoint(connection.reply.source, connection.reply.sourcePort)
    // Only the fields that the expectation sets.
    return TestExpectation.Endpoint(address: asked?.address == nil ? nil : end.address, port: asked?.port == nil ? nil : end.port)
  }

  /// The actual value of the one field that was expected.
  func correction(of wanted: TestExpectation.TrackedPattern) -> String? {
    guard let connection else { return nil }
    // Protocols without states have at least a status.
    if wanted.isNone || wanted.state != nil { return connection.state ?? connection.status.names.first }
    if let mark = wanted.mark { return hexadecimal(connection.mark ?? 0, under: mark.mask) }
    if wanted.zone != nil { return "\(connection.zone)" }
    if wanted.helper != nil { return connection.helper }
    if wanted.timeout != nil { return connection.timeout.map { "\($0)" } }
    if wanted.expectations != nil { return "\(listedExpectations)" }
    return nil
  }
}
