/// The places in packet notation where details such as `mark=1` stand, and which detail belongs to which.
enum DetailPlace: CaseIterable {
  /// Behind the interface on which a packet arrives.
  case frame
  /// Behind `local`.
  case sender
  /// Behind the addresses.
  case packet

  /// The details of this place, in the order in which messages list them.
  var names: [String] {
    switch self {
    case .frame: ["smac", "dmac"]
    case .sender: ["uid", "gid", "cgroup", "classid", "mark", "prio", "dev", "broadcast"]
    case .packet: ["ttl", "tos", "dscp", "ipid", "seq", "ack", "win", "opts", "id", "iseq", "mtu", "payload", "data", "len", "l4", "frag"]
    }
  }

  /// Where the details of this place stand.
  private var explanation: String {
    switch self {
    case .frame: "behind the interface: `eth0 smac=02:00:00:00:00:01 tcp …'"
    case .sender: "behind `local', for a packet sent by a process of this host; a packet that arrives has no such detail"
    case .packet: "behind the addresses"
    }
  }

  /// The error for a detail that does not stand in this place.
  func refuse(_ name: String, _ word: NotationWord) -> NotationError {
    if let right = Self.allCases.first(where: { $0 != self && $0.names.contains(name) }) {
      return NotationError("`\(name)=' is in the wrong place", at: word.range, hint: "write it \(right.explanation)")
    }
    return NotationError("there is no detail `\(name)'", at: word.range, hint: "the details here are \(names.joined(separator: ", "))")
  }
}
