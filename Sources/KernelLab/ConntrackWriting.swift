internal import Conntrack
internal import Kernel
internal import Wire

/// Builds the messages with which ctnetlink creates connections. Kernel: `ctnetlink_new_conntrack`.
///
/// The kernel accepts neither counters nor TCP windows. A translation is given by its result, from which the kernel computes the reply tuple.
enum ConntrackWriting {
  private enum Attribute {
    static let original: UInt16 = 1, reply: UInt16 = 2, status: UInt16 = 3, protocolInfo: UInt16 = 4, helper: UInt16 = 5
    static let sourceNAT: UInt16 = 6, timeout: UInt16 = 7, mark: UInt16 = 8, destinationNAT: UInt16 = 13, zone: UInt16 = 18
    static let labels: UInt16 = 22
  }

  /// The status bits that may be set; those of NAT follow from the translation.
  private static let given: ConnectionStatus = [.seenReply, .assured, .confirmed]

  static func message(_ connection: ConnectionSnapshot) -> NetlinkMessage {
    let (original, zone) = (connection.original, connection.zone)
    var message = NetlinkMessage(
      subsystem: 1, 0, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.excluding, family: original.family == .ipv4 ? 2 : 10)
    message.add(Attribute.original) { add(original, zone.directions == .original ? zone.id : 0, to: &$0) }
    let plain = original.inverted() ?? connection.reply
    message.add(Attribute.reply) { add(plain, zone.directions == .reply ? zone.id : 0, to: &$0) }
    if zone.directions == .both, zone.id != 0 { message.add(Attribute.zone, network16: zone.id) }
    message.add(Attribute.status, network32: connection.status.intersection(given).rawValue)
    message.add(Attribute.timeout, network32: connection.timeout)
    message.add(Attribute.mark, network32: connection.mark)
    add(state: connection.state, original.proto, to: &message)
    if let helper = connection.helper { message.add(Attribute.helper) { $0.add(1, text: helper) } }
    if connection.labels != 0 { message.add(Attribute.labels, littleEndian(connection.labels)) }
    let reply = connection.reply
    message.add(Attribute.sourceNAT) {
      add(range: reply.destinationBits, original.isICMP ? reply.sourceID : reply.destinationID, reply, to: &$0)
    }
    message.add(Attribute.destinationNAT) { add(range: reply.sourceBits, original.isICMP ? nil : reply.sourceID, reply, to: &$0) }
    return message
  }

  private static func littleEndian(_ bits: UInt128) -> [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: bits >> UInt128($0 * 8)) } }

  private static func bytes(_ bits: UInt128) -> [UInt8] { (0..<16).reversed().map { UInt8(truncatingIfNeeded: bits >> UInt128($0 * 8)) } }

  private static func add(_ tuple: Tuple, _ zone: UInt16, to message: inout NetlinkMessage) {
    message.add(1) {
      for (place, bits) in [tuple.sourceBits, tuple.destinationBits].enumerated() {
        let number = UInt16(truncatingIfNeeded: place + 1)
        if tuple.family == .ipv4 {
          $0.add(number, network32: UInt32(truncatingIfNeeded: bits))
        } else {
          $0.add(number + 2, bytes(bits))
        }
      }
    }
    message.add(2) {
      $0.add(1, [tuple.proto.rawValue])
      switch tuple.proto {
      case .icmp, .icmpv6:
        let first: UInt16 = tuple.proto == .icmp ? 4 : 7
        $0.add(first, network16: tuple.icmpIdentifier)
        $0.add(first + 1, [tuple.icmpType])
        $0.add(first + 2, [tuple.icmpCode])
      case .tcp, .udp, .udplite, .sctp, .gre:
        $0.add(2, network16: tuple.sourceID)
        $0.add(3, network16: tuple.destinationID)
      default: break
      }
    }
    if zone != 0 { message.add(3, network16: zone) }
  }

  private static func add(state: String?, _ proto: IPProtocol, to message: inout NetlinkMessage) {
    if proto == .tcp, let number = state.flatMap({ TCPConntrackState(name: $0) })?.rawValue {
      message.add(Attribute.protocolInfo) { $0.add(1) { $0.add(1, [number]) } }
    } else if proto == .sctp, let number = SCTPConntrackState.allCases.first(where: { $0.name == state })?.rawValue {
      message.add(Attribute.protocolInfo) {
        $0.add(3) {
          $0.add(1, [number])
          $0.add(2, network32: 0)
          $0.add(3, network32: 0)
        }
      }
    }
  }

  private static func add(range bits: UInt128, _ port: UInt16?, _ tuple: Tuple, to message: inout NetlinkMessage) {
    if tuple.family == .ipv4 {
      message.add(1, network32: UInt32(truncatingIfNeeded: bits))
      message.add(2, network32: UInt32(truncatingIfNeeded: bits))
    } else {
      message.add(4, bytes(bits))
      message.add(5, bytes(bits))
    }
    guard let port, tuple.proto.hasPorts || tuple.isICMP || tuple.proto == .gre else { return }
    message.add(3) {
      $0.add(1, network16: port)
      $0.add(2, network16: port)
    }
  }
}
