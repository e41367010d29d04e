public import Wire

/// Names a helper registered with a table.
public struct HelperID: Sendable, Hashable {
  let rawValue: UInt16
}

/// How many connections of a class a master may expect at a time, and for how long. Kernel: `nf_conntrack_expect_policy`.
public struct ExpectationPolicy: Sendable, Hashable {
  /// The name of the class; empty for a helper's only one.
  public var name: String
  /// 0 for no limit.
  public var maximum: Int
  /// Seconds.
  public var timeout: UInt32

  /// Creates a policy; parameters as the properties of the same names.
  public init(name: String = "", maximum: Int = 1, timeout: UInt32 = 300) {
    self.name = name
    self.maximum = maximum
    self.timeout = timeout
  }
}

/// What a helper remembers in a connection. Kernel: `nf_conn_help.data`.
public enum HelperState: Sendable {
  case none
  case ftp(FTPState)
  /// A scanner was asked to start, and its next answer names a port.
  case sane(isStartRequested: Bool)
  case pptp(PPTPState)
  case sip(SIPState)
  case h323(H323State)
}

/// Reads the payload of a connection and expects the connections that it announces. Kernel: `nf_conntrack_helper`.
public protocol ConntrackHelper: Sendable {
  /// The name by which the CT target and `-m helper` know it: "ftp".
  var name: String { get }
  var family: AddressFamily { get }
  var proto: IPProtocol { get }
  /// The port that automatic assignment looks for in the connection's reply source, 0 for none.
  var port: UInt16 { get }
  /// One policy a class.
  var policies: [ExpectationPolicy] { get }

  /// Looks at a packet of its connection, about to leave; may change it, through the table's `helperNAT` alone.
  /// - Parameter offset: where the transport header starts.
  /// - Returns: `.accept`; `.drop` for what must not pass.
  func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict
}

/// The circumstances of one call of a helper.
public struct HelperCall {
  /// The table in which expectations are made.
  public let table: ConntrackTable
  /// The connection whose packet is read.
  public let connection: ConnectionHandle
  /// The direction and state of the packet.
  public let info: ConnectionInfo
  /// The helper that reads.
  public let helper: HelperID
  /// For a packet that this host sends to the broadcast address of an interface: that interface's network mask.
  public let broadcastMask: IPv4Address?
  /// When the packet is read.
  public let now: Instant

  /// The connection as it is now; a helper is only called while it is there.
  public var state: Connection? { table[connection] }
  /// The direction of the packet.
  public var direction: Direction { info.direction }
  /// Packets have gone both ways, and this is one of the connection itself.
  var isEstablished: Bool { info == .established || info == .establishedReply }

  /// Calls a NAT companion where there is one and the connection is translated; else expects the connection as it is, and drops the packet
  /// when that cannot be.
  func expect(
    _ expectation: Expectation, _ translated: (any HelperNAT) -> NetfilterVerdict
  ) -> NetfilterVerdict {
    if let nat = table.helperNAT, let status = state?.status, !status.isDisjoint(with: .natMask) { return translated(nat) }
    return (try? table.expect(expectation, now: now)) == nil ? .drop : .accept
  }

  var memory: HelperState { table.details(of: connection)?.helperState ?? .none }
  func remember(_ state: HelperState) { table.update(connection) { $0.helperState = state } }
}

/// The NAT companions of the helpers: they choose addresses and ports for expected connections, and rewrite what the payload says of
/// them. Kernel: the `nf_nat_*_hook` pointers.
public protocol HelperNAT: AnyObject {
  /// Sets NAT up for a connection that was expected. Kernel: `nf_conntrack_expect.expectfn`.
  func expected(_ connection: ConnectionHandle, by expectation: Expectation, in table: ConntrackTable, now: Instant)
  /// Kernel: `nf_nat_ftp_hook`. - Parameter match: where the address and port stand, from the start of the payload.
  func ftp(_ packet: inout Packet, at offset: Int, _ call: HelperCall, _ form: FTPAddressForm, _ match: Range<Int>, _ expectation: Expectation) -> NetfilterVerdict
  /// Kernel: `nf_nat_tftp_hook`.
  func tftp(_ call: HelperCall, _ expectation: Expectation) -> NetfilterVerdict
  /// Kernel: `nf_nat_irc_hook`.
  func irc(_ packet: inout Packet, at offset: Int, _ call: HelperCall, _ match: Range<Int>, _ expectation: Expectation) -> NetfilterVerdict
  /// Kernel: `nf_nat_amanda_hook`.
  func amanda(_ packet: inout Packet, at offset: Int, _ call: HelperCall, _ match: Range<Int>, _ expectation: Expectation) -> NetfilterVerdict
  /// Kernel: `nf_nat_pptp_hook`.
  func pptp(_ packet: inout Packet, at offset: Int, _ call: HelperCall, message: UInt16) -> NetfilterVerdict
  /// Kernel: `nf_nat_snmp_hook`.
  func snmp(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict
  /// Kernel: `nfct_h323_nat_hooks.set_h225_addr`. - Returns: false, as of the following, when the message cannot pass.
  func h323(_ exchange: inout H323Exchange, set endpoint: H323Endpoint, to address: IPAddress, _ port: UInt16) -> Bool
  /// Rewrites the signalling address that is of this connection. Kernel: `nfct_h323_nat_hooks.set_sig_addr`.
  func h323(_ exchange: inout H323Exchange, signal endpoints: [H323Endpoint?]) -> Bool
  /// Rewrites the address of the sender itself. Kernel: `nfct_h323_nat_hooks.set_ras_addr`.
  func h323(_ exchange: inout H323Exchange, ras endpoints: [H323Endpoint?]) -> Bool
  /// Expects a stream and its control channel. Kernel: `nfct_h323_nat_hooks.nat_rtp_rtcp`.
  func h323(_ exchange: inout H323Exchange, _ media: Expectation, _ control: Expectation, _ endpoint: H323Endpoint) -> Bool
  /// Expects a channel. Kernel: `nfct_h323_nat_hooks.nat_t120`, `.nat_h245` and `.nat_callforwarding`.
  func h323(_ exchange: inout H323Exchange, _ expectation: Expectation, _ endpoint: H323Endpoint, _ kind: H323Channel) -> Bool
  /// Expects calls to one of the addresses that are registered. Kernel: `nfct_h323_nat_hooks.nat_q931`.
  func h323(_ exchange: inout H323Exchange, _ expectation: Expectation, registered endpoints: [H323Endpoint?], _ index: Int) -> Bool
  /// Rewrites the addresses of a SIP message's headers. Kernel: `nf_nat_sip_hooks.msg`.
  func sip(_ exchange: inout SIPExchange) -> NetfilterVerdict
  /// Expects calls at an address of the message, and rewrites it. Kernel: `nf_nat_sip_hooks.expect`.
  func sipExpects(_ exchange: inout SIPExchange, _ expectation: Expectation, _ place: Range<Int>) -> NetfilterVerdict
  /// Rewrites the address of the next line of a kind, before the next medium. False when the message cannot pass.
  /// Kernel: `nf_nat_sip_hooks.sdp_addr`.
  func sessionAddress(_ exchange: inout SIPExchange, _ line: SIPSessionLine, from place: Int, _ address: IPAddress) -> Bool
  /// Rewrites the port of a medium. Kernel: `nf_nat_sip_hooks.sdp_port`.
  func sessionPort(_ exchange: inout SIPExchange, _ place: Range<Int>, _ port: UInt16) -> Bool
  /// Rewrites the addresses of the description's head. Kernel: `nf_nat_sip_hooks.sdp_session`.
  func session(_ exchange: inout SIPExchange, from place: Int, _ address: IPAddress) -> Bool
  /// Expects a stream and its control channel on a pair of ports, and rewrites the port of the medium. Kernel: `nf_nat_sip_hooks.sdp_media`.
  /// - Parameter address: the address that the stream seems to go to.
  func sessionMedia(
    _ exchange: inout SIPExchange, _ media: Expectation, _ control: Expectation, _ place: Range<Int>, _ address: inout IPAddress
  ) -> NetfilterVerdict
  /// Kernel: `nf_nat_pptp_hook.exp_gre`.
  func pptpExpects(_ state: inout PPTPState, original: inout Expectation, reply: inout Expectation)
}

extension ConntrackCore {
  /// Registers a helper. Of two of one name, family and protocol the later one counts.
  @discardableResult
  mutating func register(_ helper: any ConntrackHelper) -> HelperID {
    if let index = helpers.firstIndex(where: { $0.name == helper.name && $0.family == helper.family && $0.proto == helper.proto && $0.port == helper.port }) {
      helpers[index] = helper
      return HelperID(rawValue: UInt16(truncatingIfNeeded: index))
    }
    helpers.append(helper)
    return HelperID(rawValue: UInt16(truncatingIfNeeded: helpers.count - 1))
  }

  /// The helper of a name for connections of a family and protocol; nil when there is none. The corresponding kernel function is
  /// `nf_conntrack_helper_try_module_get`.
  func helper(named name: String, _ family: AddressFamily, _ proto: IPProtocol) -> HelperID? {
    helpers.firstIndex { $0.name == name && $0.family == family && $0.proto == proto }
      .map { HelperID(rawValue: UInt16(truncatingIfNeeded: $0)) }
  }

  func helperName(_ id: HelperID) -> String? {
    Int(id.rawValue) < helpers.count ? helpers[Int(id.rawValue)].name : nil
  }

  /// Gives a new connection its helper: the template's, or, where the switch for it is on, the one of its port.
  /// The corresponding kernel function is `__nf_ct_try_assign_helper`.
  mutating func assignHelper(_ slot: Int, _ template: Template?) {
    if let id = template?.helper {
      entries[slot].status.insert(.helper)
      if Int(id.rawValue) < helpers.count, helpers[Int(id.rawValue)].proto == entries[slot].original.proto {
        extend(slot) { $0.helper = id }
      }
    } else if settings.automaticHelpers {
      let reply = entries[slot].reply
      let found = helpers.firstIndex {
        $0.port != 0 && $0.port == reply.sourceID && $0.proto == reply.proto && $0.family == reply.family
      }
      if let found { extend(slot) { $0.helper = HelperID(rawValue: UInt16(truncatingIfNeeded: found)) } }
    }
  }

  /// Whether a packet's connection has a helper or adjusted numbers.
  func mayNeedHelp(_ handle: ConnectionHandle) -> Bool {
    guard let slot = slot(handle) else { return false }
    return entries[slot].features.contains(.extended)
  }

  func isSettled(_ handle: ConnectionHandle) -> Bool {
    guard let slot = slot(handle) else { return true }
    return entries[slot].status.contains(.confirmed) && !entries[slot].features.contains(.extended) && entries[slot].pendingEvents.isEmpty
  }

  func helper(of handle: ConnectionHandle) -> (HelperID, any ConntrackHelper)? {
    guard let slot = slot(handle), let id = extensions[UInt32(slot)]?.helper, Int(id.rawValue) < helpers.count else { return nil }
    return (id, helpers[Int(id.rawValue)])
  }
}
