public import Conntrack
public import Netfilter
public import Wire

/// The NAT companion of the PPTP helper. Replaces the client's call id by the control connection's translated port, so the tunnels of
/// two clients of one server have different call ids.
extension HelperTranslation {
  /// Rewrites the call id in a control message. The corresponding kernel functions are `pptp_outbound_pkt` and `pptp_inbound_pkt`.
  public func pptp(_ packet: inout Packet, at offset: Int, _ call: HelperCall, message: UInt16) -> NetfilterVerdict {
    guard case .pptp(var state)? = call.table.details(of: call.connection)?.helperState, let connection = call.state else {
      return .accept
    }
    var callID: UInt16
    let field: Int
    if call.direction == .original {
      callID = state.clientCallID
      switch message {
      case PPTPMessage.outCallRequest:
        state.natClientCallID = state.clientCallID
        callID = connection.reply.destinationID
        state.clientCallID = callID
        call.table.update(call.connection) { $0.helperState = .pptp(state) }
        field = 0
      case PPTPMessage.inCallReply, PPTPMessage.clearRequest: field = 0
      default: return .accept
      }
    } else {
      callID = state.natClientCallID
      switch message {
      case PPTPMessage.outCallReply: field = 2
      case PPTPMessage.inCallConnect, PPTPMessage.errorNotify, PPTPMessage.disconnectNotify, PPTPMessage.setLinkInfo: field = 0
      default: return .accept
      }
    }
    let start = PPTPHelper.headerLength + field
    let bytes = [UInt8(callID >> 8), UInt8(truncatingIfNeeded: callID)]
    return mangleTCP(&packet, at: offset, call, start..<(start + 2), with: bytes) ? .accept : .drop
  }

  /// Sets the call ids of each direction in the expectations. The corresponding kernel function is `pptp_exp_gre`.
  public func pptpExpects(_ state: inout PPTPState, original: inout Expectation, reply: inout Expectation) {
    state.natServerCallID = state.serverCallID
    original.savedID = state.clientCallID
    original.tuple.sourceID = state.natClientCallID
    original.tuple.destinationID = state.serverCallID
    original.direction = .original
    reply.savedID = state.natClientCallID
    reply.tuple.sourceID = state.natServerCallID
    reply.tuple.destinationID = state.clientCallID
    reply.direction = .reply
  }

  /// Translates a tunnel as its control connection, including call ids. The corresponding kernel function is `pptp_nat_expected`.
  func pptpExpected(
    _ connection: ConnectionHandle, _ expectation: Expectation, _ master: Connection, in table: ConntrackTable, now: Instant
  ) {
    guard case .pptp(let state)? = table.details(of: expectation.master)?.helperState else { return }
    let other = master.tuple(expectation.direction.opposite)
    // As the kernel: both cases use the reply tuple, so no sibling is found for a tunnel opened by the server.
    var sibling = master.reply
    sibling.proto = .gre
    let isOriginal = expectation.direction == .original
    sibling.sourceID = isOriginal ? state.serverCallID : state.natClientCallID
    sibling.destinationID = isOriginal ? state.clientCallID : state.natServerCallID
    if let zone = table[connection]?.zone, let expected = table.findExpectation(sibling, zone: zone, now: now) {
      table.unexpect(expected, now: now)
    }
    func range(_ address: IPAddress, fixed: Bool) -> NATRange {
      fixed ? NATRange(address: address, port: expectation.savedID) : NATRange(address: address)
    }
    table.setUpNAT(connection, range(other.destination, fixed: isOriginal), .source, random: &random, now: now)
    table.setUpNAT(connection, range(other.source, fixed: !isOriginal), .destination, random: &random, now: now)
  }
}
