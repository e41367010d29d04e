import Diagnostics
import Notation
import Wire

/// The state after the previous step, from which replies are built.
struct ReplyGround {
  /// Where a packet was sent from or received.
  enum Place: Equatable {
    case interface(String)
    /// A process of this host.
    case local
  }

  /// The last packet as it was sent, and its origin.
  var sent: (packet: Packet, place: Place)?
  /// The last packet as it was received; nil if it was not delivered.
  var arrived: (packet: Packet, place: Place)?
  /// True if the host already sent the reply itself; `arrived` is then that reply.
  var isAnswered = false
  /// The reason why the packet was not delivered.
  var obstacle = "there is no previous packet"
}

/// Builds packets that answer other packets.
struct ReplyBuilder {
  let ground: ReplyGround

  /// The reason why a reply cannot be built.
  struct Impossible: Error {
    let reason: String
    let range: SourceRange
  }

  // MARK: Replies

  func step(_ spec: ReplySpec) throws(Impossible) -> ScenarioStep {
    let words: [NotationWord]
    do throws(NotationError) {
      let source = SourceFile(name: "", bytes: Array(spec.text.utf8))
      words = try NotationLexer.words(source, 0..<source.bytes.count)
    } catch {
      throw Impossible(reason: error.message, range: spec.range)
    }
    var rest = words[...]
    var isAgain = false
    if rest.first?.text == "again" {
      isAgain = true
      rest = rest.dropFirst()
    }
    var sender = ScenarioStep.LocalSender()
    while let word = rest.first, let (name, value) = word.setting, ["uid", "gid", "mark"].contains(name) {
      guard let number = UInt32(value) else { throw Impossible(reason: "`\(value)' is not a number", range: spec.range) }
      switch name {
      case "uid": sender.uid = number
      case "gid": sender.gid = number
      default: sender.mark = number
      }
      rest = rest.dropFirst()
    }
    let (base, place) = try isAgain ? previous(spec) : answered(spec)
    if !isAgain, let first = rest.first, ["icmp", "icmpv6", "icmp6"].contains(first.text) {
      return step(try error(about: base, rest.dropFirst(), spec), place, sender)
    }
    var fields = try self.fields(base, isAgain: isAgain, spec)
    return step(try complete(&fields, rest, spec), place, sender)
  }

  private func answered(_ spec: ReplySpec) throws(Impossible) -> (Packet, ReplyGround.Place) {
    guard let arrived = ground.arrived else {
      throw Impossible(reason: "there is no host that can reply: \(ground.obstacle)", range: spec.range)
    }
    return arrived
  }

  private func previous(_ spec: ReplySpec) throws(Impossible) -> (Packet, ReplyGround.Place) {
    guard let sent = ground.sent else { throw Impossible(reason: "there is no previous packet", range: spec.range) }
    return sent
  }

  private func step(_ packet: PacketSpec, _ place: ReplyGround.Place, _ sender: ScenarioStep.LocalSender) -> ScenarioStep {
    switch place {
    case .interface(let name): ScenarioStep(.receive(ScenarioStep.Frame(interface: name, packet: packet)))
    case .local: ScenarioStep(.local(sender, packet))
    }
  }

  /// The fields of a reply, or of another packet in the same direction.
  private func fields(_ packet: Packet, isAgain: Bool, _ spec: ReplySpec) throws(Impossible) -> PacketFields {
    guard let source = packet.source, let destination = packet.destination, let at = packet.transport else {
      throw Impossible(reason: "the protocol of the previous packet has no reply", range: spec.range)
    }
    var fields = PacketFields(isAgain ? source : destination, isAgain ? destination : source, proto: at.proto)
    if at.proto.hasPorts, let first = packet.bytes.uint16(at: at.offset), let second = packet.bytes.uint16(at: at.offset &+ 2) {
      fields.sourcePort = isAgain ? first : second
      fields.destinationPort = isAgain ? second : first
    }
    if let icmp = packet.icmp ?? packet.icmpv6 {
      fields.icmpIdentifier = icmp.identifier
      fields.icmpSequence = isAgain ? icmp.sequence &+ 1 : icmp.sequence
      if !isAgain, icmp.type == 8 { fields.icmpType = 0 }
      if !isAgain, icmp.type == 128 { fields.icmpType = 129 }
    }
    fields.tcpFlags = .ack
    return fields
  }

  private func complete(
    _ fields: inout PacketFields, _ words: ArraySlice<NotationWord>, _ spec: ReplySpec
  ) throws(Impossible) -> PacketSpec {
    var packet = PacketSpec(.fields(fields))
    packet.continuesSequence = fields.proto == .tcp
    packet.acknowledgesAll = fields.proto == .tcp
    do throws(NotationError) {
      for word in words {
        if let (name, value) = word.setting {
          try NotationDetails.set(name, value, word, &fields, &packet)
        } else {
          try NotationDetails.set(word, &fields)
        }
      }
    } catch {
      throw Impossible(reason: error.message, range: spec.range)
    }
    if !fields.tcpFlags.contains(.ack) { packet.acknowledgesAll = false }
    if fields.payload.starts(with: [UInt8(ascii: "@")]) { fields.payload = Array(ftpLine(fields).utf8) }
    fields.payload = fields.payload.replacing(Array("\\r\\n".utf8), with: Array("\r\n".utf8))
    packet.content = .fields(fields)
    return packet
  }

  // MARK: Errors

  /// An ICMP error about the packet, from its destination or from the router named by `from=`.
  private func error(
    about packet: Packet, _ words: ArraySlice<NotationWord>, _ spec: ReplySpec
  ) throws(Impossible) -> PacketSpec {
    guard let source = packet.source, let destination = packet.destination else {
      throw Impossible(reason: "no ICMP error can be sent about the previous packet", range: spec.range)
    }
    var fields = PacketFields(destination, source, proto: source.family == .ipv4 ? .icmp : .icmpv6)
    var rest: [NotationWord] = []
    for word in words {
      if let (name, value) = word.setting, name == "from" {
        guard let router = IPAddress(value), router.family == source.family else {
          throw Impossible(reason: "`\(value)' is not an address of this family", range: spec.range)
        }
        fields.source = router
      } else {
        rest.append(word)
      }
    }
    fields.quoted = Array(packet.bytes.prefix(548))
    return try complete(&fields, rest[...], spec)
  }

  // MARK: FTP

  /// The port for data connections of the FTP macro.
  private static let dataPort: UInt16 = 50000

  /// The payload; placeholders for FTP commands are replaced by a line with the sender's address.
  private func ftpLine(_ fields: PacketFields) -> String {
    let text = String(decoding: fields.payload, as: UTF8.self)
    guard text == "@PASV" || text == "@PORT" else { return text }
    let port = ReplyBuilder.dataPort
    if fields.source.family == .ipv6 {
      return text == "@PASV" ? "229 Extended passive (|||\(port)|)\r\n" : "EPRT |2|\(fields.source)|\(port)|\r\n"
    }
    let six = "\(fields.source)".replacing(".", with: ",") + ",\(port >> 8),\(port & 0xFF)"
    return text == "@PASV" ? "227 Passive (\(six))\r\n" : "PORT \(six)\r\n"
  }

  /// The first packet of the data connection that the previous packet announced: from its receiver to the announced address.
  func announced(at range: SourceRange) throws(Impossible) -> ScenarioStep {
    guard let arrived = ground.arrived else {
      throw Impossible(reason: "there is no host that can reply: \(ground.obstacle)", range: range)
    }
    let packet = arrived.packet
    guard let source = packet.source, let destination = packet.destination, let at = packet.transport, let header = packet.tcp else {
      throw Impossible(reason: "the previous packet is not an FTP packet", range: range)
    }
    let line = String(decoding: packet.bytes.slice(at: at.offset &+ header.dataOffset), as: UTF8.self)
    guard let (address, port) = ReplyBuilder.announcement(line, source) else {
      throw Impossible(reason: "`\(line)' announces no connection", range: range)
    }
    var fields = PacketFields(destination, address, proto: .tcp)
    // The server connects from its data port, a client from any port.
    fields.sourcePort = header.destinationPort == 21 ? 20 : header.destinationPort &+ 1
    fields.destinationPort = port
    var spec = PacketSpec(.fields(fields))
    spec.continuesSequence = true
    return step(spec, arrived.place, ScenarioStep.LocalSender())
  }

  /// Parses `PORT 10,0,0,9,195,80`, `227 … (10,0,0,9,195,80)`, `EPRT |2|2001:db8::1|50000|`, `229 … (|||50000|)`.
  private static func announcement(_ line: String, _ source: IPAddress) -> (IPAddress, UInt16)? {
    if line.contains("|") {
      let parts = line.split(separator: "|", omittingEmptySubsequences: false)
      guard parts.count >= 4, let port = UInt16(parts[3]) else { return nil }
      return (IPAddress(parts[2]) ?? source, port)
    }
    let start = line.firstIndex { $0 == "(" }.map { line.index(after: $0) } ?? line.firstIndex(of: " ") ?? line.startIndex
    let numbers = line[start...].split { !$0.isNumber }.prefix(6).compactMap { UInt8($0) }
    guard numbers.count == 6 else { return nil }
    return (.v4(IPv4Address(numbers[0], numbers[1], numbers[2], numbers[3])), UInt16(numbers[4]) << 8 | UInt16(numbers[5]))
  }
}
