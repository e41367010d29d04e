public import Netfilter
public import Wire

/// The state of a PPTP control connection. Kernel: `nf_ct_pptp_master` and `nf_nat_pptp`.
public struct PPTPState: Sendable, Hashable {
  /// The state of the control session. Kernel: `enum pptp_ctrlsess_state`.
  public enum Session: UInt8, Sendable, Hashable, Comparable {
    case none, error, stopRequested, requested, confirmed
    /// Compares by progress of the session.
    public static func < (a: Session, b: Session) -> Bool { a.rawValue < b.rawValue }
  }

  /// The state of the call. Kernel: `enum pptp_ctrlcall_state`.
  public enum Call: UInt8, Sendable, Hashable {
    case none, error, outRequested, outConfirmed, inRequested, inReplied, inConfirmed, clearRequested
  }

  /// The state of the control session.
  public var session = Session.none
  /// The state of the call.
  public var call = Call.none
  /// The call id that the server chose.
  public var serverCallID: UInt16 = 0
  /// The client's call id as the server sees it: under NAT the translated one.
  public var clientCallID: UInt16 = 0
  /// For NAT: the server's call id, which is never translated.
  public var natServerCallID: UInt16 = 0
  /// For NAT: the call id that the client chose.
  public var natClientCallID: UInt16 = 0

  /// Creates the state before the first message.
  public init() {}
}

/// The types of control messages (RFC 2637 §2).
public enum PPTPMessage {
  public static let startRequest: UInt16 = 1, startReply: UInt16 = 2, stopRequest: UInt16 = 3, stopReply: UInt16 = 4
  public static let echoRequest: UInt16 = 5, echoReply: UInt16 = 6, outCallRequest: UInt16 = 7, outCallReply: UInt16 = 8
  public static let inCallRequest: UInt16 = 9, inCallReply: UInt16 = 10, inCallConnect: UInt16 = 11
  public static let clearRequest: UInt16 = 12, disconnectNotify: UInt16 = 13, errorNotify: UInt16 = 14, setLinkInfo: UInt16 = 15

  /// The minimum length of a message after its header, in bytes.
  static func size(_ message: UInt16) -> Int {
    switch message {
    case startRequest, startReply: 144
    case stopRequest, stopReply: 4
    case outCallRequest: 156
    case outCallReply: 20
    case inCallRequest: 208
    case inCallReply: 12
    case inCallConnect: 16
    case clearRequest: 4
    case disconnectNotify: 136
    case errorNotify: 28
    case setLinkInfo: 12
    default: 0
    }
  }
}

/// Expects the GRE tunnels of PPTP. Kernel: `nf_conntrack_pptp`.
public struct PPTPHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name = "pptp"
  /// The family whose packets it reads.
  public let family: Family = .ipv4
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol = .tcp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16 = 1723
  /// The limits of each class of expectations.
  public let policies = [ExpectationPolicy(name: "pptp", maximum: 2, timeout: 300)]

  /// Bytes of the packet header and the control header before a message's own fields.
  public static let headerLength = 12

  /// Creates the helper.
  public init() {}

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    guard call.isEstablished, let text = PayloadText(tcp: packet, at: offset), text.count >= PPTPHelper.headerLength,
      packet.bytes.uint16(at: text.start + 2) == 1, packet.bytes.uint32(at: text.start + 4) == 0x1A2B_3C4D,
      let message = packet.bytes.uint16(at: text.start + 8), (1...15).contains(message),
      text.count - PPTPHelper.headerLength >= PPTPMessage.size(message)
    else { return .accept }
    var state = PPTPState()
    if case .pptp(let known) = call.memory { state = known }
    let fields = Fields(bytes: packet.bytes, start: text.start + PPTPHelper.headerLength)
    let isValid = call.direction == .original ? outbound(&state, message, fields) : inbound(&state, message, fields, call)
    call.remember(.pptp(state))
    guard isValid, let nat = call.table.helperNAT, let status = call.state?.status, !status.isDisjoint(with: .natMask) else {
      return .accept
    }
    return nat.pptp(&packet, at: offset, call, message: message)
  }

  private struct Fields {
    let bytes: [UInt8]
    let start: Int
    /// The first 16-bit field: in most messages the sender's call id.
    var callID: UInt16 { bytes.uint16(at: start) ?? 0 }
    var peerCallID: UInt16 { bytes.uint16(at: start + 2) ?? 0 }
    func result(at offset: Int) -> UInt8 { bytes.uint8(at: start + offset) ?? 0 }
  }

  /// Processes a message of the client. False if it does not fit the state. The corresponding kernel function is `pptp_outbound_pkt`.
  private func outbound(_ state: inout PPTPState, _ message: UInt16, _ fields: Fields) -> Bool {
    switch message {
    case PPTPMessage.startRequest:
      guard state.session == .none else { return false }
      state.session = .requested
    case PPTPMessage.stopRequest:
      state.session = .stopRequested
    case PPTPMessage.outCallRequest:
      guard state.session == .confirmed else { return false }
      state.call = .outRequested
      state.clientCallID = fields.callID
    case PPTPMessage.inCallReply:
      guard state.call == .inRequested || state.call == .inReplied, state.serverCallID == fields.peerCallID else { return false }
      if fields.result(at: 4) == 1 {
        state.call = .inReplied
        state.clientCallID = fields.callID
      } else {
        state.call = .none
      }
    case PPTPMessage.clearRequest:
      guard state.session == .confirmed else { return false }
      state.call = .clearRequested
    case PPTPMessage.setLinkInfo, PPTPMessage.echoRequest, PPTPMessage.echoReply: break
    default: return false
    }
    return true
  }

  /// Processes a message of the server. The corresponding kernel function is `pptp_inbound_pkt`.
  private func inbound(_ state: inout PPTPState, _ message: UInt16, _ fields: Fields, _ call: HelperCall) -> Bool {
    switch message {
    case PPTPMessage.startReply:
      guard state.session >= .requested else { return false }
      state.session = fields.result(at: 2) == 1 ? .confirmed : .error
    case PPTPMessage.stopReply:
      guard state.session <= .stopRequested else { return false }
      state.session = fields.result(at: 0) == 1 ? .none : .error
    case PPTPMessage.outCallReply:
      guard state.session == .confirmed, state.call == .outRequested || state.call == .outConfirmed,
        state.clientCallID == fields.peerCallID
      else { return false }
      if fields.result(at: 4) == 1 {
        state.call = .outConfirmed
        state.serverCallID = fields.callID
        expectTunnel(&state, server: fields.callID, client: fields.peerCallID, call)
      } else {
        state.call = .none
      }
    case PPTPMessage.inCallRequest:
      guard state.session == .confirmed else { return false }
      state.call = .inRequested
      state.serverCallID = fields.callID
    case PPTPMessage.inCallConnect:
      guard state.session == .confirmed, state.call == .inReplied || state.call == .inConfirmed,
        state.clientCallID == fields.callID
      else { return false }
      state.call = .inConfirmed
      expectTunnel(&state, server: state.serverCallID, client: fields.callID, call)
    case PPTPMessage.disconnectNotify:
      state.call = .none
      call.table.core.forgetTunnels(call.connection, state, now: call.now)
    case PPTPMessage.errorNotify, PPTPMessage.echoRequest, PPTPMessage.echoReply: break
    default: return false
    }
    return true
  }

  /// Expects the tunnel's packets of both directions and adds their call ids to the GRE keymap. The corresponding kernel function is
  /// `exp_gre`.
  private func expectTunnel(_ state: inout PPTPState, server: UInt16, client: UInt16, _ call: HelperCall) {
    guard let connection = call.state else { return }
    func expectation(_ direction: Direction, _ source: UInt16, _ destination: UInt16) -> Expectation {
      let tuple = connection.tuple(direction)
      var expectation = Expectation(
        master: call.connection, proto: .gre, source: tuple.source, sourceID: source, destination: tuple.destination,
        destinationID: destination, maker: call.helper)
      expectation.function = .pptp
      return expectation
    }
    var original = expectation(.original, client, server)
    var reply = expectation(.reply, server, client)
    if let nat = call.table.helperNAT, !connection.status.isDisjoint(with: .natMask) {
      nat.pptpExpects(&state, original: &original, reply: &reply)
    }
    guard let first = try? call.table.expect(original, now: call.now) else { return }
    guard (try? call.table.expect(reply, now: call.now)) != nil else {
      call.table.unexpect(first, now: call.now)
      return
    }
    call.table.core.addGREKeys(call.connection, original.tuple, reply.tuple)
  }
}

extension ConntrackCore {
  /// The corresponding kernel function is `nf_ct_gre_keymap_add`.
  mutating func addGREKeys(_ master: ConnectionHandle, _ original: Tuple, _ reply: Tuple) {
    for tuple in [original, reply] where !greKeys.contains(where: { $0.tuple == tuple && $0.master == master }) {
      greKeys.append(GREKey(tuple: tuple, master: master))
    }
  }

  /// Removes the tunnel connections of a control connection and their expectations. The corresponding kernel function is
  /// `pptp_destroy_siblings`.
  mutating func forgetTunnels(_ master: ConnectionHandle, _ state: PPTPState, now: Instant) {
    greKeys.removeAll { $0.master == master }
    guard let connection = self[master] else { return }
    for direction in Direction.allCases {
      var tuple = connection.tuple(direction)
      tuple.proto = .gre
      tuple.sourceID = direction == .original ? state.clientCallID : state.serverCallID
      tuple.destinationID = direction == .original ? state.serverCallID : state.clientCallID
      if let found = find(tuple, zone: connection.zone, now: now) {
        delete(found.handle, now: now)
      } else if let expected = findExpectation(tuple, zone: connection.zone, now: now) {
        removeExpectation(expected, now: now)
      }
    }
  }

  /// Removes the expectation of a tunnel's other direction once one direction is established. The corresponding kernel function is
  /// `pptp_expectfn`.
  mutating func unexpectSibling(of expectation: Expectation, now: Instant) {
    guard let zone = self[expectation.master]?.zone, let tuple = expectation.tuple.inverted(),
      let other = findExpectation(tuple, zone: zone, now: now)
    else { return }
    removeExpectation(other, now: now)
  }

  /// Sets a connection to expire the given seconds after `now`. The corresponding kernel function is `nf_ct_refresh`.
  mutating func extendTimeout(_ handle: ConnectionHandle, seconds: UInt32, now: Instant) {
    guard let slot = slot(handle), !entries[slot].status.contains(.fixedTimeout) else { return }
    let start = entries[slot].isConfirmed ? now : Instant(nanoseconds: 0)
    entries[slot].expiry = start.adding(seconds: seconds)
  }
}
