import Wire

/// How much of a TCP or UDP checksum the kernel has computed. Kernel: `sk_buff.ip_summed`.
public enum ChecksumState: Sendable, Hashable {
  /// All of it.
  case complete
  /// The sum of the pseudo-header only; the network card computes the rest. ``PacketContext/packet`` has the complete checksum nevertheless.
  /// Kernel: `CHECKSUM_PARTIAL`.
  case started
  /// As ``started``, with the sum of a pseudo-header of other addresses, which is in ``PacketContext/packet``.
  case startedElsewhere
  /// ``complete`` or ``started``, depending on what the network card can do.
  case either
}

extension PacketContext {
  /// The answer to a question about the bytes that the kernel has in memory; nil if it depends on whether the checksum is complete there.
  public func asked<Answer: Equatable>(_ question: (PacketContext) -> Answer) -> Answer? {
    switch checksum {
    case .complete, .startedElsewhere: return question(self)
    case .started: return question(beforeCompletion)
    case .either:
      let answer = question(self)
      return answer == question(beforeCompletion) ? answer : nil
    }
  }

  /// The bytes that the kernel has in memory, which an ICMP error quotes. Where that depends on the network card, those of the complete packet.
  var bytesInMemory: [UInt8] { checksum == .started ? beforeCompletion.packet.bytes : packet.bytes }

  /// Bytes of the packet as one number.
  func number(_ place: Range<Int>) -> FieldValue {
    asked { asked in asked.packet.bytes[place].reduce(0) { $0 << 8 | UInt128($1) } }.map { .value($0) }
      ?? .unknown(PacketContext.unknownChecksum("the value of the bytes"))
  }

  /// The reason why a match on bytes has no answer.
  public static func unknownChecksum(_ subject: String) -> UnknownReason {
    UnknownReason(subject, needs: "knowing whether the network card completes the checksum of a packet of this host")
  }

  /// The packet with the sum of its pseudo-header in place of the checksum. The corresponding kernel function is `__tcp_v4_send_check`.
  private var beforeCompletion: PacketContext {
    var result = self
    result.checksum = .complete
    guard let at = packet.transport, at.fragmentOffset == 0, let field = Packet.checksumOffset(of: at.proto),
      let sum = packet.pseudoHeaderSum(protocol: at.proto, length: packet.count - at.offset)
    else { return result }
    result.packet.bytes.setUInt16(Checksum.fold(sum), at: at.offset + field)
    return result
  }

  /// Completes the checksum. The corresponding kernel function is `skb_checksum_help`.
  public mutating func completeChecksum() {
    if checksum == .startedElsewhere, let at = packet.transport, let field = Packet.checksumOffset(of: at.proto) {
      packet.bytes.setUInt16(Checksum.compute(packet.bytes, in: at.offset..<packet.count), at: at.offset + field)
    }
    checksum = .complete
  }
}
