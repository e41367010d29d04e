package import Wire

/// A SIP message in a packet while the helper and its NAT companion process it, with the connection's state.
public struct SIPExchange {
  package var packet: Packet
  /// Where the transport header starts.
  package let offset: Int
  package let call: HelperCall
  package private(set) var message: SIPMessage
  package var state: SIPState
  /// The position of the message in the packet.
  private let start: Int
  package private(set) var count: Int

  init?(_ packet: Packet, at offset: Int, _ call: HelperCall, from start: Int, count: Int, _ helper: SIPHelper) {
    guard let text = PayloadText(packet, from: start, atMost: count) else { return nil }
    self.packet = packet
    self.offset = offset
    self.call = call
    self.start = start
    self.count = count
    message = SIPMessage(text: text, family: helper.family, isTCP: helper.proto == .tcp)
    state = SIPState()
    if case .sip(let known) = call.memory { state = known }
  }

  var connection: Connection? { call.state }

  /// The NAT companion, if there is one and the connection is translated.
  var companion: (any HelperNAT)? {
    guard let nat = call.table.helperNAT, let status = connection?.status, !status.isDisjoint(with: .natMask) else { return nil }
    return nat
  }

  /// Converts a range of the message to a range of the packet's payload.
  package func placeInPayload(_ range: Range<Int>, payload: Int) -> Range<Int> {
    (range.lowerBound + start - payload)..<(range.upperBound + start - payload)
  }

  /// Parses the message again after it has grown.
  package mutating func reread(grownBy growth: Int) {
    count += growth
    if let text = PayloadText(packet, from: start, atMost: count) {
      message = SIPMessage(text: text, family: message.family, isTCP: message.isTCP)
    }
  }
}
