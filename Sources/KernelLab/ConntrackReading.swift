internal import Kernel
internal import Lab
internal import Wire

/// Parses ctnetlink's messages into the lab's records. Returns nil for truncated or invalid messages.
enum ConntrackReading {
  private enum Attribute {
    static let original: UInt16 = 1, reply: UInt16 = 2, status: UInt16 = 3, protocolInfo: UInt16 = 4, helper: UInt16 = 5
    static let timeout: UInt16 = 7, mark: UInt16 = 8, originalCounters: UInt16 = 9, replyCounters: UInt16 = 10
    static let master: UInt16 = 14, originalAdjustment: UInt16 = 15, replyAdjustment: UInt16 = 16, zone: UInt16 = 18
  }

  private enum Expectation {
    static let master: UInt16 = 1, tuple: UInt16 = 2, mask: UInt16 = 3, timeout: UInt16 = 4, helper: UInt16 = 6
    static let zone: UInt16 = 7, flags: UInt16 = 8, policyClass: UInt16 = 9, nat: UInt16 = 10, function: UInt16 = 11
  }

  static let originalTuple = Attribute.original, zone = Attribute.zone

  static func connection(_ message: NetlinkMessage) -> LabConnection? {
    let attributes = message.attributes(from: 4)
    guard let (proto, original) = attributes.nested(Attribute.original).flatMap({ tuple($0) }),
      let (_, reply) = attributes.nested(Attribute.reply).flatMap({ tuple($0) })
    else { return nil }
    var connection = LabConnection(
      proto: proto, original: original, reply: reply,
      status: LabConnectionStatus(rawValue: attributes.network32(Attribute.status) ?? 0))
    connection.state = attributes.nested(Attribute.protocolInfo).flatMap { state($0) }
    connection.timeout = attributes.network32(Attribute.timeout)
    connection.mark = attributes.network32(Attribute.mark)
    connection.zone = attributes.network16(Attribute.zone) ?? 0
    connection.helper = attributes.nested(Attribute.helper)?.text(1)
    connection.originalCount = attributes.nested(Attribute.originalCounters).flatMap { count($0) }
    connection.replyCount = attributes.nested(Attribute.replyCounters).flatMap { count($0) }
    connection.master = attributes.nested(Attribute.master).flatMap { tuple($0)?.1 }
    connection.originalAdjustment = attributes.nested(Attribute.originalAdjustment).flatMap { adjustment($0) }
    connection.replyAdjustment = attributes.nested(Attribute.replyAdjustment).flatMap { adjustment($0) }
    return connection
  }

  static func expectation(_ message: NetlinkMessage) -> LabExpectation? {
    let attributes = message.attributes(from: 4)
    guard let (proto, wanted) = attributes.nested(Expectation.tuple).flatMap({ tuple($0) }),
      let (_, mask) = attributes.nested(Expectation.mask).flatMap({ tuple($0) }),
      let (_, master) = attributes.nested(Expectation.master).flatMap({ tuple($0) })
    else { return nil }
    var expectation = LabExpectation(proto: proto, tuple: wanted, mask: mask, master: master)
    expectation.timeout = attributes.network32(Expectation.timeout)
    expectation.flags = attributes.network32(Expectation.flags) ?? 0
    expectation.policyClass = attributes.network32(Expectation.policyClass) ?? 0
    expectation.zone = attributes.network16(Expectation.zone) ?? 0
    expectation.helper = attributes.text(Expectation.helper)
    expectation.function = attributes.text(Expectation.function)
    if let nat = attributes.nested(Expectation.nat), let direction = nat.network32(1),
      let (_, target) = nat.nested(2).flatMap({ tuple($0) })
    {
      expectation.nat = LabExpectation.NAT(direction: Int(direction), tuple: target)
    }
    return expectation
  }

  private static func tuple(_ attributes: NetlinkAttributes) -> (IPProtocol, LabTuple)? {
    guard let ends = attributes.nested(1), let transport = attributes.nested(2), let number = transport.uint8(1) else { return nil }
    let source: IPAddress
    let destination: IPAddress
    if let from = ends.network32(1), let to = ends.network32(2) {
      (source, destination) = (.v4(IPv4Address(rawValue: from)), .v4(IPv4Address(rawValue: to)))
    } else if let from = ends[3]?.uint128(at: 0), let to = ends[4]?.uint128(at: 0) {
      (source, destination) = (.v6(IPv6Address(rawValue: from)), .v6(IPv6Address(rawValue: to)))
    } else {
      return nil
    }
    var kind = LabTuple.Transport.none
    if let from = transport.network16(2), let to = transport.network16(3) {
      kind = .ports(source: from, destination: to)
    } else if let identifier = transport.network16(4) ?? transport.network16(7), let type = transport.uint8(5) ?? transport.uint8(8),
      let code = transport.uint8(6) ?? transport.uint8(9)
    {
      kind = .icmp(identifier: identifier, type: type, code: code)
    }
    return (
      IPProtocol(rawValue: number),
      LabTuple(source: source, destination: destination, transport: kind, zone: attributes.network16(3) ?? 0)
    )
  }

  private static func count(_ attributes: NetlinkAttributes) -> LabCount? {
    guard let packets = attributes.network64(1), let bytes = attributes.network64(2) else { return nil }
    return LabCount(packets, bytes)
  }

  private static func adjustment(_ attributes: NetlinkAttributes) -> LabConnection.SequenceAdjustment? {
    guard let position = attributes.network32(1), let before = attributes.network32(2), let after = attributes.network32(3) else {
      return nil
    }
    return LabConnection.SequenceAdjustment(position: position, before: Int32(bitPattern: before), after: Int32(bitPattern: after))
  }

  private static let states: [UInt16: [String]] = [
    1: ["NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2"],
    2: ["NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT", "IGNORE", "INVALID"],
    3: [
      "NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT",
      "HEARTBEAT_SENT",
    ],
  ]

  /// The state's name, from the protocol-specific attributes of TCP, DCCP or SCTP.
  private static func state(_ attributes: NetlinkAttributes) -> String? {
    for (proto, names) in states {
      guard let number = attributes.nested(proto)?.uint8(1) else { continue }
      return Int(number) < names.count ? names[Int(number)] : "\(number)"
    }
    return nil
  }
}
