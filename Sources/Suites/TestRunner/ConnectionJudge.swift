import Evaluator
import Lab
import Wire

/// Checks the connection of a step's packets against expectations.
struct ConnectionJudge {
  private let observations: [Observation]

  init(_ observations: [Observation]) { self.observations = observations }

  /// The connection of the first packet, in its state after the last packet.
  var connection: LabConnection? {
    guard let listed = observations.last(where: { $0.step.connections != nil })?.step.connections else { return nil }
    for observation in observations {
      let sent: [[UInt8]]
      switch observation.step.injected {
      case .frame(_, let bytes), .raw(let bytes): sent = [bytes]
      default: sent = []
      }
      for bytes in sent + observation.own.map(\.final) {
        let packet = Packet(bytes: bytes)
        if let found = listed.first(where: { $0.original.carries(packet) || $0.reply.carries(packet) }) { return found }
      }
    }
    return nil
  }

  /// True if connection tracking attached the packets to no connection: they are INVALID or UNTRACKED, whatever their addresses.
  private var isOutside: Bool {
    let states = observations.flatMap(\.reports).compactMap { $0.packets.first { $0.origin == .own }?.tracking?.state }
    return !states.isEmpty && states.allSatisfy { $0 == "INVALID" || $0 == "UNTRACKED" }
  }

  var listedExpectations: Int { observations.last?.step.expectations?.count ?? 0 }

  func translation(_ wanted: TestExpectation.Translation) -> String? {
    guard let connection else { return "the packet belongs to no connection" }
    let source = TestExpectation.Endpoint(connection.reply.destination, connection.reply.destinationPort)
    let destination = TestExpectation.Endpoint(connection.reply.source, connection.reply.sourcePort)
    let isSame =
      source == TestExpectation.Endpoint(connection.original.source, connection.original.sourcePort)
      && destination == TestExpectation.Endpoint(connection.original.destination, connection.original.destinationPort)
    let actual = isSame ? "the connection is not translated" : "source \(source), destination \(destination)"
    if wanted.isNone { return isSame ? nil : actual }
    let fits = (wanted.source?.covers(source) ?? true) && (wanted.destination?.covers(destination) ?? true)
    return fits ? nil : actual
  }

  func tracked(_ wanted: TestExpectation.TrackedPattern) -> String? {
    if wanted.isNone, isOutside { return nil }
    guard let connection else { return wanted.isNone ? nil : "the packet belongs to no connection" }
    if wanted.isNone { return "the packet belongs to a connection" + (connection.state.map { " in \($0)" } ?? "") }
    if let state = wanted.state, state != connection.state, !connection.status.names.contains(state) {
      return "state \(connection.state ?? "none"), status " + connection.status.names.joined(separator: ",")
    }
    if wanted.status.contains(where: { !connection.status.names.contains($0) }) {
      return "status " + connection.status.names.joined(separator: ",")
    }
    if let mark = wanted.mark, (connection.mark ?? 0) & mark.mask != mark.value & mark.mask {
      return "mark 0x" + String(connection.mark ?? 0, radix: 16)
    }
    if let zone = wanted.zone, zone != connection.zone { return "zone \(connection.zone)" }
    if let helper = wanted.helper, helper != connection.helper { return "helper \(connection.helper ?? "none")" }
    if let timeout = wanted.timeout, timeout != connection.timeout { return "timeout \(connection.timeout.map { "\($0)" } ?? "unknown")" }
    if let count = wanted.expectations {
      if listedExpectations != count { return "\(listedExpectations) expectations" }
    }
    return nil
  }
}

extension LabTuple {
  var sourcePort: UInt16? { if case .ports(let source, _) = transport { source } else { nil } }
  var destinationPort: UInt16? { if case .ports(_, let destination) = transport { destination } else { nil } }

  /// True if a packet belongs to this direction.
  func carries(_ packet: Packet) -> Bool {
    guard let at = packet.transport, packet.source == source, packet.destination == destination else { return false }
    switch transport {
    case .ports(let first, let second):
      return at.proto.hasPorts && packet.bytes.uint16(at: at.offset) == first && packet.bytes.uint16(at: at.offset &+ 2) == second
    case .icmp(let identifier, _, _): return (packet.icmp ?? packet.icmpv6)?.identifier == identifier
    case .none: return !at.proto.hasPorts && at.proto != .icmp && at.proto != .icmpv6
    }
  }
}

extension TestExpectation.Endpoint {
  init(_ address: IPAddress, _ port: UInt16?) {
    self.address = address
    self.port = port
  }

  /// True if the other endpoint matches the fields that this one sets.
  func covers(_ other: TestExpectation.Endpoint) -> Bool {
    (address == nil || address == other.address) && (port == nil || port == other.port)
  }
}
