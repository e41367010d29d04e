import Diagnostics
import Documents
import Evaluator
import Lab
import Notation
import Wire
import XTables

/// Checks the result of a step or test against expectations.
///
/// Works on answers of the lab's protocol, so that engine and kernel are judged the same way.
struct TestJudge {
  /// What happened, in order; for a sequence, one entry for each packet.
  let observations: [Observation]
  let scope: TestStep.Scope
  /// The reason why a sequence ended early.
  var obstacle: (reason: String, range: SourceRange)?
  /// Counters since the test began.
  var counts: [RulePlace: LabCount] = [:]
  /// Why rules that a claim names did not match, in sentences.
  var explanations: [RulePlace: [String]] = [:]

  func failures(_ expectation: TestExpectation) -> [TestFailure] {
    expectation.items.compactMap { item in
      complaint(item.claim).map {
        TestFailure(
          item.text, actual: $0.actual, range: item.range, rule: $0.rule, changes: TestCorrection(judge: self).changes(for: item))
      }
    }
  }

  private typealias Complaint = (actual: String, rule: RuleSelector?)

  /// The reason why a claim does not hold; nil if it holds.
  private func complaint(_ claim: TestExpectation.Claim) -> Complaint? {
    switch claim {
    case .verdict(let pattern): return verdict(pattern).map { ($0, nil) }
    case .decidedBy(let rule): return decided(by: rule).map { ($0, rule) }
    case .matches(let rule):
      return observations.contains { $0.hits(rule) } ? nil : (traceText.isEmpty ? "no rule matched" : "matched: \(traceText)", rule)
    case .misses(let rule): return observations.contains { $0.hits(rule) } ? ("the rule matched", nil) : nil
    case .reaches(let chain): return observations.contains { $0.enters(chain) } ? nil : ("reached: " + chainText, nil)
    case .never(let chain): return observations.contains { $0.enters(chain) } ? ("reached: " + chainText, nil) : nil
    case .counter(let rule, let packets, let bytes):
      let count = count(of: rule)
      let isMet = count.packets == packets && (bytes == nil || bytes == count.bytes)
      return isMet ? nil : ("\(count.packets) packets, \(count.bytes) bytes", packets > count.packets ? rule : nil)
    case .log(let text): return log(text).map { ($0, nil) }
    case .report(let text): return report(text).map { ($0, nil) }
    case .why(let rule, let text): return why(rule, text).map { ($0, rule) }
    default: return ofPacket(claim).map { ($0, nil) }
    }
  }

  /// A rule's counters since the test began.
  func count(of rule: RuleSelector) -> LabCount { rule.places.reduce(LabCount()) { $0 + (counts[$1] ?? LabCount()) } }

  private var traceText: String { Self.list(observations.lazy.flatMap(\.step.packets).flatMap(\.labels)) }

  private var chainText: String {
    var known: Set<String> = []
    var chains: [String] = []
    for label in observations.lazy.flatMap(\.step.packets).flatMap(\.labels).compactMap({ TraceLabel($0) }) {
      let name = "\(label.table) \(label.chain)"
      if known.insert(name).inserted { chains.append(name) }
    }
    return chains.isEmpty ? "no chain" : Self.list(chains)
  }

  /// Names for a message; a long list is cut.
  private static func list(_ names: some Sequence<String>, separator: String = ", ") -> String {
    let shown = Array(names.prefix(Limits.listedNames + 1))
    return shown.count <= Limits.listedNames
      ? shown.joined(separator: separator) : shown.dropLast().joined(separator: separator) + separator + "…"
  }

  // MARK: Verdicts

  /// The actual verdict of the step's packets, or of the first packet that stopped a sequence.
  var metPattern: VerdictPattern? {
    let packets = observations.flatMap { observation in observation.own.map { (observation, $0) } }
    let passing = VerdictPattern(.accept)
    let stopped = packets.first { !passing.holds($0.1.verdict, in: $0.0) }
    guard scope == .sequence else { return packets.first.map { VerdictPattern($0.1, in: $0.0) } }
    if let stopped { return VerdictPattern(stopped.1, in: stopped.0) }
    return obstacle == nil && !packets.isEmpty ? passing : nil
  }

  private func verdict(_ pattern: VerdictPattern) -> String? {
    let packets = observations.flatMap { observation in observation.own.map { (observation, $0) } }
    guard let first = packets.first else { return obstacle?.reason ?? observations.first?.step.errno ?? "there was no packet" }
    func text(_ packet: LabPacket) -> String { "\(VerdictText(packet.verdict))" }
    switch scope {
    case .each:
      guard let other = packets.first(where: { !pattern.holds($0.1.verdict, in: $0.0) }) else { return nil }
      let number = packets.count > 1 ? "packet \((packets.firstIndex { $0.1 == other.1 } ?? 0) + 1): " : ""
      return number + text(other.1)
    case .sequence:
      let passing = VerdictPattern(.accept)
      let stopped = packets.first { !passing.holds($0.1.verdict, in: $0.0) }
      if pattern.isPassing {
        if let stopped { return "\(Packet(bytes: stopped.1.final).brief): \(text(stopped.1))" }
        if let obstacle { return obstacle.reason }
        return pattern.holds(first.1.verdict, in: first.0) ? nil : text(first.1)
      }
      guard let stopped else { return obstacle?.reason ?? text(first.1) }
      return pattern.holds(stopped.1.verdict, in: stopped.0) ? nil : text(stopped.1)
    }
  }

  private func decided(by rule: RuleSelector) -> String? {
    guard let observation = observations.first(where: { !$0.own.isEmpty }) else { return "there was no packet" }
    for packet in observation.own {
      let family = observation.family(of: packet)
      let table = rule.places.first { $0.family == family }?.table
      let deciders = Decisions(packet.trace).deciders.filter { $0.table == table }
      let places = deciders.compactMap { $0.place(family) }
      if rule.places.isDisjoint(with: places) {
        return places.isEmpty ? "no rule of \(table ?? "its") table decided" : places.map(\.text).joined(separator: ", ") + " decided"
      }
    }
    return nil
  }

  // MARK: Logs

  private func log(_ text: String?) -> String? {
    let lines = observations.flatMap(\.logLines) + observations.flatMap(\.step.packets).flatMap(\.logs).map(\.prefix)
    guard let text else { return lines.isEmpty ? nil : "logged: \(Self.list(lines, separator: "; "))" }
    if lines.contains(where: { $0.contains(text) }) { return nil }
    return lines.isEmpty ? "nothing was logged" : "logged: \(Self.list(lines, separator: "; "))"
  }

  // MARK: Explanations

  private func report(_ text: String) -> String? {
    let texts = observations.flatMap { observation in
      observation.reports.map { report in report.text { family in observation.rulesets.first { $0.family == family }?.file } }
    }
    if texts.contains(where: { $0.contains(text) }) { return nil }
    return texts.isEmpty ? "there was no packet" : "the path of the packet does not contain the text"
  }

  private func why(_ rule: RuleSelector, _ text: String) -> String? {
    let lines = rule.places.flatMap { explanations[$0] ?? [] }
    if lines.contains(where: { $0.contains(text) }) { return nil }
    return lines.isEmpty ? "no packet reached the rule's table" : Self.list(lines, separator: "; ")
  }

  // MARK: The packet itself

  private func ofPacket(_ claim: TestExpectation.Claim) -> String? {
    guard let observation = observations.first(where: { !$0.own.isEmpty }) ?? observations.first else {
      return obstacle?.reason ?? "there was no packet"
    }
    let packet = observation.own.first
    switch claim {
    case .errno(let name): return observation.step.errno == name ? nil : observation.step.errno ?? "none"
    case .trackingState(let wanted):
      let tracking = observation.tracking
      return tracking?.state == wanted ? nil : tracking?.sentence ?? "nothing is tracked"
    case .leaves(let interface):
      return packet?.verdict.out == interface ? nil : packet.map { "\(VerdictText($0.verdict))" } ?? "there was no packet"
    case .packet(let fields):
      guard let packet else { return "there was no packet" }
      return difference(fields, Packet(bytes: observation.leaving(packet)).labFields)
    case .answer(let fields): return answer(fields, observation)
    case .mark(let value, let mask):
      let mark = packet?.mark ?? 0
      return mark & mask == value & mask ? nil : "0x" + String(mark, radix: 16)
    case .queue(let number):
      let stays = observation.own.flatMap(\.queued).map(\.queue)
      if number == nil ? stays.isEmpty : stays.contains(where: { $0 == number }) { return nil }
      return stays.isEmpty ? "none" : stays.map { "\($0)" }.joined(separator: ", ")
    case .originalDestination(let address, let port):
      let found = observations.flatMap(\.step.sockets).compactMap(\.original)
      if found.contains(where: { $0 == (address, port) }) { return nil }
      return found.isEmpty ? "no connection with another destination was accepted" : found.map { "\($0.0):\($0.1)" }.joined(separator: ", ")
    case .translation(let translation): return ConnectionJudge(observations).translation(translation)
    case .connection(let pattern): return ConnectionJudge(observations).tracked(pattern)
    default: return nil
    }
  }

  /// The first differing field with its actual value.
  private func difference(_ wanted: JSONObject, _ actual: JSONValue) -> String? {
    for member in wanted.members {
      let value = actual[member.name]
      if value.map({ isSame($0, member.value) }) ?? false { continue }
      if value == nil, member.value == .integer(0) || member.value == .bool(false) { continue }
      return "\(member.name) is \(value?.description ?? "absent")"
    }
    return nil
  }

  /// Compares texts and numbers by their written form, and addresses by value.
  private func isSame(_ a: JSONValue, _ b: JSONValue) -> Bool {
    if a == b { return true }
    func plain(_ value: JSONValue) -> String { value.text ?? (value == .bool(true) ? "1" : value.description) }
    if let left = IPAddress(plain(a)), let right = IPAddress(plain(b)) { return left == right }
    return plain(a) == plain(b)
  }

  private func answer(_ wanted: JSONObject?, _ observation: Observation) -> String? {
    let answers = observation.answers
    let briefs = Self.list(answers.lazy.map { Packet(bytes: $0.final).brief }, separator: "; ")
    guard let wanted else { return answers.isEmpty ? nil : "the host answered \(briefs)" }
    if answers.contains(where: { difference(wanted, Packet(bytes: observation.leaving($0)).labFields) == nil }) { return nil }
    return answers.isEmpty ? "the host did not answer" : "the host answered \(briefs)"
  }
}

extension LabCount {
  static func + (a: LabCount, b: LabCount) -> LabCount { LabCount(a.packets &+ b.packets, a.bytes &+ b.bytes) }
}

extension LabSocketRecord {
  /// The original destination of an accepted connection before it was redirected.
  var original: (IPAddress, UInt16)? {
    if case .accepted(_, _, _, let original, _) = self { original } else { nil }
  }
}

extension Observation {
  /// A packet as it was sent or delivered.
  func leaving(_ packet: LabPacket) -> [UInt8] {
    guard packet.verdict.kind == .sent else { return packet.final }
    let final = Packet(bytes: packet.final)
    return step.egress.last { frame in
      let left = Packet(bytes: frame.packet)
      return frame.interface == packet.verdict.out && left.source == final.source && left.destination == final.destination
    }?.packet ?? packet.final
  }

  /// True if one of the step's own packets matched a rule.
  func hits(_ rule: RuleSelector) -> Bool {
    own.contains { packet in
      let family = family(of: packet)
      return packet.labels.contains { label in
        TraceLabel(label).flatMap { $0.place(family) }.map { rule.places.contains($0) } ?? false
      }
    }
  }

  /// True if one of the step's own packets entered a chain: it hit a rule of it, its end, or a jump to it.
  func enters(_ chain: ChainSelector) -> Bool {
    own.contains { packet in
      let family = family(of: packet)
      return packet.labels.contains { text in
        guard let label = TraceLabel(text), chain.table == nil || chain.table == label.table else { return false }
        if label.chain == chain.chain { return true }
        guard let place = label.place(family) else { return false }
        return rulesets.contains { $0.rule(at: place)?.target.chain == chain.chain }
      }
    }
  }
}

extension VerdictPattern {
  /// True if the verdict means that the packet passes.
  var isPassing: Bool { kind == .accept || kind == .sent || kind == .local }

  /// True if a packet's verdict matches the pattern.
  func holds(_ verdict: LabVerdict, in observation: Observation) -> Bool {
    switch kind {
    case .accept: verdict.kind == .sent || verdict.kind == .local
    case .sent: verdict.kind == .sent && (detail == nil || verdict.out == detail)
    case .local: verdict.kind == .local
    case .drop: verdict.kind == .drop && (detail == nil || verdict.hook == detail)
    case .reject:
      verdict.kind == .drop && (detail == nil || verdict.hook == detail) && !observation.answers.isEmpty
    case .queue: verdict.kind == .queued && (detail == nil || verdict.queue.map { "\($0)" } == detail)
    case .lost: verdict.kind == .lost
    case .absorbed: verdict.kind == .absorbed
    case .refused: verdict.kind == .none
    case .unknown: verdict.kind == .unknown
    }
  }
}

/// The rules that decided in the tables that a packet passed.
struct Decisions {
  /// The last rule or policy of each pass through a table.
  private(set) var deciders: [TraceLabel] = []

  private static let builtin: Set<String> = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]

  init(_ trace: [String]) {
    var last: TraceLabel?
    var base: String?
    for label in trace.compactMap({ TraceLabel($0) }) {
      // Each pass through a table starts in a built-in chain.
      if let last, last.table != label.table || Decisions.builtin.contains(label.chain) && label.chain != base { deciders.append(last) }
      if Decisions.builtin.contains(label.chain) { base = label.chain }
      last = label
    }
    if let last { deciders.append(last) }
  }
}
