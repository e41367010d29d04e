import Documents
import Notation
import Scenarios

/// The kinds of steps. The raw value is the key of the step's action.
enum StepKind: String, CaseIterable {
  case packet, reply, handshake, exchange, udp, ping, ftp, pcap, swap
  case arrival = "in"
  case local, send, close, flush, wait

  /// The keys that may stand beside the action.
  var companions: Set<String> {
    switch self {
    case .packet, .flush: ["wait", "repeat", "expect"]
    case .arrival: PacketSpec.memberNames.union(["wait", "repeat", "expect", "smac", "dmac", "ethertype"])
    case .local: PacketSpec.memberNames.union(["wait", "repeat", "expect"])
    case .send: ["wait", "repeat", "expect", "payload"]
    case .close: ["wait", "repeat", "expect", "fin"]
    case .ftp: ["active", "expect"]
    case .reply, .handshake, .exchange, .udp, .ping, .pcap, .swap, .wait: ["expect"]
    }
  }

  /// Determines the kind of a step.
  ///
  /// - Throws: `ScenarioFileError` if the step has no action, two actions, or a key that its kind does not use.
  init(_ step: FileObject) throws(ScenarioFileError) {
    let given = StepKind.allCases.filter { step[$0.rawValue] != nil }
    // `wait` is an action only if there is no other.
    let actions = given.filter { $0 != .wait }
    guard let kind = actions.first ?? given.first else {
      let all = StepKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw step.node.error("the step has no action", hint: "give one of " + all)
    }
    if actions.count > 1 {
      throw step.key(actions[1].rawValue).error(
        "a step has one action, and this one has `\(kind.rawValue)' already", hint: "write two steps")
    }
    self = kind
    for name in step.names where name != kind.rawValue && !companions.contains(name) {
      throw step.key(name).error("`\(name)' means nothing beside `\(kind.rawValue)'", hint: hint(for: name))
    }
  }

  /// Where else the key belongs.
  private func hint(for name: String) -> String {
    let kinds = StepKind.allCases.filter { $0.companions.contains(name) }.map { "`\($0.rawValue)'" }
    let places = "it belongs to steps with " + kinds.joined(separator: ", ")
    switch self {
    case .packet, .reply, .handshake, .exchange, .udp, .ping, .ftp:
      if name == "wait" { return places + "; before this one write a step `wait: SECONDS'" }
      return name == "repeat" ? places : places + "; a detail of a packet is written in its line: `ttl=1', `smac=02:00:00:00:00:01'"
    default: return places
    }
  }
}
