import Documents
import Wire
import XTables

/// A packet being drawn, and its form as a step of a scenario.
@dynamicMemberLookup
struct DrawnPacket {
  var draft: PacketDraft
  /// Further members of the step: `badsum`, `seq`.
  var extras: [JSONObject.Member] = []

  init(interface: String?, source: IPAddress, destination: IPAddress, proto: IPProtocol) {
    var fields = PacketFields(source, destination, proto: proto)
    (fields.sourcePort, fields.destinationPort) = (1000, 80)
    draft = PacketDraft(fields, input: interface)
  }

  /// A field of the packet.
  subscript<Value>(dynamicMember path: WritableKeyPath<PacketFields, Value>) -> Value {
    get { draft.fields[keyPath: path] }
    set { draft.fields[keyPath: path] = newValue }
  }

  var isIPv4: Bool { draft.family == .ipv4 }
  var isLocal: Bool { draft.input == nil }

  /// The packet as a step; nil if the packet cannot be expressed.
  var step: JSONValue? {
    var step: JSONObject = [:]
    if let interface = draft.input {
      step["in"] = .string(interface)
      if let source = draft.hardwareSource { step["smac"] = .string("\(source)") }
    } else {
      var sender: JSONObject = [:]
      if draft.uid != 0 { sender["uid"] = JSONValue(draft.uid) }
      if draft.gid != 0 { sender["gid"] = JSONValue(draft.gid) }
      if draft.mark != 0 { sender["mark"] = JSONValue(draft.mark) }
      step["local"] = .object(sender)
    }
    guard self.extensions.isEmpty else {
      guard let bytes = try? draft.fields.packet().bytes else { return nil }
      step["hex"] = .string(Hex.string(bytes))
      return .object(step)
    }
    step["src"] = .string("\(self.source)")
    step["dst"] = .string("\(self.destination)")
    addTransport(&step)
    if self.ttl != 64 { step["ttl"] = JSONValue(self.ttl) }
    if self.tos != 0 { step["tos"] = JSONValue(self.tos) }
    if self.dontFragment, isIPv4 { step["df"] = true }
    if !self.ipOptions.isEmpty, isIPv4 { step["ipopts"] = .string(Hex.string(self.ipOptions)) }
    if let fragment = self.fragment {
      var piece: JSONObject = ["off": .integer(fragment.offset)]
      if let length = fragment.length { piece["len"] = .integer(length) }
      if fragment.moreFragments { piece["mf"] = true }
      step["frag"] = .object(piece)
    }
    step.members += extras
    return .object(step)
  }

  private func addTransport(_ step: inout JSONObject) {
    let names: [IPProtocol: JSONValue] = [.tcp: "tcp", .udp: "udp", .icmp: "icmp", .icmpv6: "icmpv6", .udplite: "udplite", .sctp: "sctp"]
    step["proto"] = names[self.proto] ?? JSONValue(self.proto.rawValue)
    if let transport = self.transportBytes {
      step["l4"] = .string(Hex.string(transport))
      return
    }
    switch self.proto {
    case .icmp, .icmpv6:
      if let type = self.icmpType { step["type"] = JSONValue(type) }
      if self.icmpCode != 0 { step["code"] = JSONValue(self.icmpCode) }
      step["id"] = JSONValue(self.icmpIdentifier)
    default:
      step["sport"] = JSONValue(self.sourcePort)
      step["dport"] = JSONValue(self.destinationPort)
      if self.proto == .sctp, let type = self.icmpType { step["type"] = JSONValue(type) }
      if self.proto == .tcp {
        step["flags"] = .string("\(self.tcpFlags)")
        if !self.tcpOptions.isEmpty { step["opts"] = .string(Hex.string(self.tcpOptions)) }
      }
    }
    guard !self.payload.isEmpty else { return }
    let isFiller = self.payload.allSatisfy { $0 == UInt8(ascii: "x") }
    step["payload"] = isFiller ? ["len": .integer(self.payload.count)] : ["hex": .string(Hex.string(self.payload))]
  }
}
