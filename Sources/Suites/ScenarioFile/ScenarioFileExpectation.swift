public import Diagnostics
public import Documents
import Lab
public import Notation
public import Wire

/// The expectations for a step or a whole test.
public struct TestExpectation: Sendable {
  /// One expectation with its place.
  public struct Item: Sendable {
    /// What is expected.
    public let claim: Claim
    /// The place of the expectation in the file.
    public let range: SourceRange
    /// The text in the file.
    public let text: String
    /// The site of its value; nil if it is unknown, or the value cannot be replaced.
    var site: EntrySite?
    /// The site of the surrounding member, if the expectation is one of its parts.
    var outer: EntrySite?
    /// The sites of an answer's fields.
    var fields: [(name: String, site: EntrySite)] = []
  }

  /// What is expected.
  public enum Claim: Sendable {
    case verdict(VerdictPattern)
    case decidedBy(RuleSelector)
    case matches(RuleSelector)
    case misses(RuleSelector)
    case reaches(ChainSelector)
    case never(ChainSelector)
    case leaves(by: String)
    /// Fields of the packet as it was sent or delivered, named as in the lab's protocol.
    case packet(JSONObject)
    /// Fields of a packet with which the host answered; nil if no answer is expected.
    case answer(JSONObject?)
    case mark(value: UInt32, mask: UInt32)
    case translation(Translation)
    case connection(TrackedPattern)
    /// The number of the queue; nil if the packet must not be queued.
    case queue(UInt16?)
    /// Logged text; nil if nothing must be logged.
    case log(String?)
    case counter(RuleSelector, packets: UInt64, bytes: UInt64?)
    /// The error's name; nil if no error is expected.
    case errno(String?)
    /// The packet's state in connection tracking; nil if nothing must be tracked.
    case trackingState(String?)
    /// Text in the packet's printed path.
    case report(String)
    /// Text in the reason why a rule did not match.
    case why(RuleSelector, String)
    case originalDestination(IPAddress, UInt16)
  }

  /// The expected translation; without any field, no claim.
  public struct Translation: Sendable, Hashable {
    /// True if the connection must not be translated.
    public var isNone = false
    /// The source after translation; nil for any.
    public var source: Endpoint?
    /// The destination after translation; nil for any.
    public var destination: Endpoint?
  }

  /// An address, a port, or both.
  public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// The address; nil for any.
    public var address: IPAddress?
    /// The port; nil for any.
    public var port: UInt16?

    /// The endpoint as in a scenario file, such as `10.0.0.1:80`.
    public var description: String {
      let place = address.map { port != nil && $0.family == .ipv6 ? "[\($0)]" : "\($0)" } ?? ""
      return place + (port.map { ":\($0)" } ?? "")
    }
  }

  /// The expected conntrack entry of a packet's connection. Unset fields are not checked.
  public struct TrackedPattern: Sendable, Hashable {
    /// True if there must be no connection.
    public var isNone = false
    /// The state's name, such as `ESTABLISHED`.
    public var state: String?
    /// Status bits that must be set, by name.
    public var status: [String] = []
    /// The connection mark, compared under the mask.
    public var mark: (value: UInt32, mask: UInt32)?
    /// The zone.
    public var zone: UInt16?
    /// The name of the helper.
    public var helper: String?
    /// The remaining time in seconds.
    public var timeout: UInt32?
    /// The number of expectations of the connection.
    public var expectations: Int?

    /// Compares all fields; the tuple prevents synthesis.
    public static func == (a: TrackedPattern, b: TrackedPattern) -> Bool {
      (a.isNone, a.state, a.status, a.zone, a.helper) == (b.isNone, b.state, b.status, b.zone, b.helper)
        && (a.mark?.value, a.mark?.mask, a.timeout, a.expectations) == (b.mark?.value, b.mark?.mask, b.timeout, b.expectations)
    }

    /// Hashes the state and the status.
    public func hash(into hasher: inout Hasher) {
      hasher.combine(state)
      hasher.combine(status)
    }
  }

  /// All expectations, in the order of the file.
  public var items: [Item]
  /// The place of the expectation in the file.
  public let range: SourceRange

  /// True if conntrack's entries must be listed to check it.
  var needsConnections: Bool {
    items.contains {
      switch $0.claim {
      case .translation, .connection: true
      default: false
      }
    }
  }

  /// The rules about which it says why they did not match.
  var explainedPlaces: Set<RulePlace> {
    items.reduce(into: []) { places, item in
      if case .why(let rule, _) = item.claim { places.formUnion(rule.places) }
    }
  }

  var needsCounters: Bool {
    items.contains { if case .counter = $0.claim { true } else { false } }
  }
}

/// Parses expectations; rules are resolved among those loaded at that point.
struct ExpectationReader {
  let finder: RuleFinder

  func read(_ node: FileNode) throws(ScenarioFileError) -> TestExpectation {
    if node.isText {
      let text = try node.text()
      let site = node.extent.map { EntrySite(alone: $0) }
      let item = TestExpectation.Item(claim: try verdict(node), range: node.range, text: text, site: site)
      return TestExpectation(items: [item], range: node.range)
    }
    let object = try FileObject(node, .expectation)
    var items: [TestExpectation.Item] = []
    let members = try node.members()
    for (index, name) in object.names.enumerated() {
      guard let value = object[name] else { continue }
      let member = EntrySite(member: index, of: members, isFlow: node.isFlow)
      let parts = try self.parts(name, value)
      for (place, part) in parts.enumerated() {
        let claims = try claims(name, part.node)
        for (number, claim) in claims.enumerated() {
          var item = TestExpectation.Item(
            claim: claim.0, range: (part.value ?? claim.1).range, text: "\(part.name): \(try describe(part.value ?? claim.1))")
          if part.value != nil {
            item.site = EntrySite(member: place, of: try value.members(), isFlow: value.isFlow)
            item.outer = member
          } else if name == "counters" || name == "why" {
            item.site = EntrySite(member: number, of: try value.members(), isFlow: value.isFlow)
          } else {
            item.site = value.isList ? EntrySite(element: number, of: try value.list(), isFlow: value.isFlow) : member
          }
          if name == "answer", value.isMapping { item.fields = try fieldSites(value) }
          items.append(item)
        }
      }
    }
    return TestExpectation(items: items, range: node.range)
  }

  private func fieldSites(_ node: FileNode) throws(ScenarioFileError) -> [(name: String, site: EntrySite)] {
    let members = try node.members()
    return members.indices.compactMap { index in
      EntrySite(member: index, of: members, isFlow: node.isFlow).map { (members[index].name, $0) }
    }
  }

  /// Splits an expectation of several fields into one for each, so that each is reported and updated separately.
  private func parts(_ name: String, _ node: FileNode) throws(ScenarioFileError) -> [(name: String, node: FileNode, value: FileNode?)] {
    guard ["packet", "nat", "conntrack"].contains(name), node.isMapping else { return [(name, node, nil)] }
    return try node.singles().map { ("\(name) \($0.name)", $0.mapping, $0.value) }
  }

  private func describe(_ node: FileNode) throws(ScenarioFileError) -> String {
    node.isText ? try node.text() : try node.json().description
  }

  private func claims(_ name: String, _ node: FileNode) throws(ScenarioFileError) -> [(TestExpectation.Claim, FileNode)] {
    switch name {
    case "verdict": return [(try verdict(node), node)]
    case "rule": return [(.decidedBy(try finder.rule(node)), node)]
    case "matches", "misses", "reaches", "never", "log", "report": return try several(name, node)
    case "out": return [(.leaves(by: try node.text()), node)]
    case "packet": return [(.packet(try fields(node)), node)]
    case "answer": return [(.answer(try answer(node)), node)]
    case "mark":
      let (value, mask) = try mark(node)
      return [(.mark(value: value, mask: mask), node)]
    case "nat": return [(.translation(try translation(node)), node)]
    case "conntrack": return [(.connection(try tracked(node)), node)]
    case "queue": return [(.queue(try isNone(node) ? nil : try node.integer()), node)]
    case "counters": return try counters(node)
    case "ctstate": return [(.trackingState(try isNone(node) ? nil : try state(node)), node)]
    case "why":
      return try node.members().map { member throws(ScenarioFileError) in
        (.why(try finder.rule(member.key), try member.value.text()), member.value)
      }
    case "errno": return [(.errno(try isNone(node) ? nil : try node.text()), node)]
    default:
      let end = try endpoint(node)
      guard let address = end.address, let port = end.port else { throw node.error("expected an address and a port") }
      return [(.originalDestination(address, port), node)]
    }
  }

  private func several(_ name: String, _ node: FileNode) throws(ScenarioFileError) -> [(TestExpectation.Claim, FileNode)] {
    var claims: [(TestExpectation.Claim, FileNode)] = []
    for element in try node.oneOrMore() {
      switch name {
      case "matches": claims.append((.matches(try finder.rule(element)), element))
      case "misses": claims.append((.misses(try finder.rule(element)), element))
      case "reaches": claims.append((.reaches(try finder.chain(element)), element))
      case "never": claims.append((.never(try finder.chain(element)), element))
      case "report": claims.append((.report(try element.text()), element))
      default: claims.append((.log(try isNone(element) ? nil : try element.text()), element))
      }
    }
    return claims
  }

  private func state(_ node: FileNode) throws(ScenarioFileError) -> String {
    let states = ["NEW", "ESTABLISHED", "RELATED", "UNTRACKED", "INVALID"]
    let text = try node.text()
    guard states.contains(text) else {
      throw node.error("`\(text)' is not a state", hint: "the states are " + states.joined(separator: ", ") + ", and none")
    }
    return text
  }

  private func isNone(_ node: FileNode) throws(ScenarioFileError) -> Bool { node.isText ? try node.text() == "none" : false }

  private func verdict(_ node: FileNode) throws(ScenarioFileError) -> TestExpectation.Claim {
    do throws(VerdictPattern.Malformed) {
      return .verdict(try VerdictPattern(try verdictText(node)))
    } catch {
      throw node.error(error.message)
    }
  }

  private func verdictText(_ node: FileNode) throws(VerdictPattern.Malformed) -> String { (try? node.text()) ?? "" }

  private func fields(_ node: FileNode) throws(ScenarioFileError) -> JSONObject {
    guard case .object(let object) = try node.json() else {
      throw node.error("expected a mapping with fields of a packet, found \(node.kind)")
    }
    for member in object.members where !ExpectationReader.fieldNames.contains(member.name) {
      let near = Spelling.nearest(to: member.name, in: ExpectationReader.fieldNames)
      throw node.error(
        "a packet has no field `\(member.name)'",
        hint: near.map { "did you mean \($0)?" } ?? "the fields are " + ExpectationReader.fieldNames.joined(separator: ", "))
    }
    return object
  }

  private static let fieldNames = [
    "src", "dst", "proto", "ttl", "tos", "len", "ipid", "df", "flow", "frag", "sport", "dport", "seq", "ack", "win", "flags", "opts",
    "payload", "type", "code", "id", "iseq", "mtu", "inner",
  ]

  /// Parses `icmp 3/3`, `tcp RA`, `none`, or fields.
  private func answer(_ node: FileNode) throws(ScenarioFileError) -> JSONObject? {
    guard node.isText else { return try fields(node) }
    let text = try node.text()
    if text == "none" { return nil }
    let words = text.split(separator: " ")
    guard let proto = words.first, words.count <= 2, let number = NotationReader.number(ofProtocol: String(proto)) else {
      throw node.error("`\(text)' is not an answer", hint: "write `tcp RA', `icmp 3/3', `udp', or fields of a packet")
    }
    var object: JSONObject = ["proto": .string("\(number)")]
    guard words.count == 2 else { return object }
    if number == .tcp {
      guard let flags = TCPFlags(words[1]) else { throw node.error("`\(words[1])' is not a set of TCP flags") }
      object["flags"] = .string("\(flags)")
    } else {
      let parts = words[1].split(separator: "/").compactMap { Int($0) }
      guard parts.count == 2 else { throw node.error("`\(words[1])' is not TYPE/CODE") }
      object["type"] = .integer(parts[0])
      object["code"] = .integer(parts[1])
    }
    return object
  }

  private func mark(_ node: FileNode) throws(ScenarioFileError) -> (UInt32, UInt32) {
    let parts = try node.text().split(separator: "/", maxSplits: 1).map { text in
      text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
    }
    guard let first = parts.first, let value = first else { throw node.error("expected a mark, found \(node.kind)") }
    guard parts.count == 2 else { return (value, .max) }
    guard let mask = parts[1] else { throw node.error("expected a mask after the mark") }
    return (value, mask)
  }

  private func translation(_ node: FileNode) throws(ScenarioFileError) -> TestExpectation.Translation {
    var translation = TestExpectation.Translation()
    if node.isText {
      guard try isNone(node) else { throw node.error("expected none, or source and destination") }
      translation.isNone = true
      return translation
    }
    let object = try FileObject(node, .translation)
    translation.source = try object["source"].map { node throws(ScenarioFileError) in try endpoint(node) }
    translation.destination = try object["destination"].map { node throws(ScenarioFileError) in try endpoint(node) }
    return translation
  }

  /// Parses `10.0.0.1`, `10.0.0.1:80`, `:80`, `[2001:db8::1]:80`.
  private func endpoint(_ node: FileNode) throws(ScenarioFileError) -> TestExpectation.Endpoint {
    let text = try node.text()
    var end = TestExpectation.Endpoint()
    var host = text[...]
    if text.hasPrefix("["), let close = text.lastIndex(of: "]") {
      host = text[text.index(after: text.startIndex)..<close]
      let rest = text[text.index(after: close)...]
      if rest.hasPrefix(":") { end.port = UInt16(rest.dropFirst()) }
      guard rest.isEmpty || end.port != nil else { throw node.error("`\(rest)' is not a port") }
    } else if text.filter({ $0 == ":" }).count == 1, let colon = text.firstIndex(of: ":") {
      end.port = UInt16(text[text.index(after: colon)...])
      guard end.port != nil else { throw node.error("`\(text)' has no port") }
      host = text[..<colon]
    }
    if !host.isEmpty {
      end.address = IPAddress(host)
      guard end.address != nil else { throw node.error("`\(host)' is not an address") }
    }
    return end
  }

  private func tracked(_ node: FileNode) throws(ScenarioFileError) -> TestExpectation.TrackedPattern {
    var pattern = TestExpectation.TrackedPattern()
    if node.isText {
      pattern.isNone = try isNone(node)
      if !pattern.isNone { pattern.state = try node.text() }
      return pattern
    }
    let object = try FileObject(node, .tracked)
    pattern.state = try object["state"]?.text()
    for status in try object["status"]?.oneOrMore() ?? [] {
      let name = try status.text()
      guard LabConnectionStatus.bitNames.contains(name) else {
        throw status.error(
          "`\(name)' is not a status", hint: "the status names are " + LabConnectionStatus.bitNames.joined(separator: ", "))
      }
      pattern.status.append(name)
    }
    if let node = object["mark"] { pattern.mark = try mark(node) }
    pattern.zone = try object["zone"]?.integer()
    pattern.helper = try object["helper"]?.text()
    pattern.timeout = try object["timeout"]?.integer()
    pattern.expectations = try object["expectations"]?.integer()
    return pattern
  }

  private func counters(_ node: FileNode) throws(ScenarioFileError) -> [(TestExpectation.Claim, FileNode)] {
    var claims: [(TestExpectation.Claim, FileNode)] = []
    for member in try node.members() {
      let rule = try finder.rule(member.key)
      let values = try member.value.oneOrMore()
      guard (1...2).contains(values.count) else { throw member.value.error("expected packets, or packets and bytes") }
      let bytes: UInt64? = values.count == 2 ? try values[1].integer() : nil
      claims.append((.counter(rule, packets: try values[0].integer(), bytes: bytes), member.value))
    }
    return claims
  }
}
