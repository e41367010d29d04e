public import Netfilter
public import Wire

/// Names a helper registered with a table.
public struct HelperID: Sendable, Hashable {
  let rawValue: UInt16
}

/// The limit of expectations of a class and their timeout. Kernel: `nf_conntrack_expect_policy`.
public struct ExpectationPolicy: Sendable, Hashable {
  /// The name of the class; empty for a helper's only one.
  public var name: String
  /// The maximum number of expectations at a time; 0 for no limit.
  public var maximum: Int
  /// The timeout of an expectation, in seconds.
  public var timeout: UInt32

  /// Creates a policy; parameters as the properties of the same names.
  public init(name: String = "", maximum: Int = 1, timeout: UInt32 = 300) {
    self.name = name
    self.maximum = maximum
    self.timeout = timeout
  }
}

/// The state of a helper in a connection. Kernel: `nf_conn_help.data`.
public enum HelperState: Sendable {
  case none
  case ftp(FTPState)
  /// `isStartRequested`: the client sent a start request, and the next reply names the data port.
  case sane(isStartRequested: Bool)
  case pptp(PPTPState)
  case sip(SIPState)
  case h323(H323State)
}

/// Reads the payload of a connection and expects the connections that it announces. Kernel: `nf_conntrack_helper`.
public protocol ConntrackHelper: Sendable {
  /// The name that target CT and `-m helper` use, such as "ftp".
  var name: String { get }
  var family: Family { get }
  var proto: IPProtocol { get }
  /// The port that automatic assignment compares with the source port of the reply tuple; 0 for none.
  var port: UInt16 { get }
  /// One policy per class.
  var policies: [ExpectationPolicy] { get }

  /// Processes a packet of its connection at POSTROUTING or INPUT. Changes the packet only through the table's `helperNAT`.
  /// - Parameter offset: the position of the transport header.
  /// - Returns: `.accept`, or `.drop` for a packet that must not pass.
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
  /// The network mask of the output interface, for a packet that this host sends to the interface's broadcast address; else nil.
  public let broadcastMask: IPv4Address?
  /// The current time.
  public let now: Instant

  /// The current data of the connection. A helper is called only while the connection exists.
  public var state: Connection? { table[connection] }
  /// The direction of the packet.
  public var direction: Direction { info.direction }
  /// True if packets have been seen in both directions and this packet belongs to the connection itself.
  var isEstablished: Bool { info == .established || info == .establishedReply }

  /// Calls the NAT companion if there is one and the connection is translated. Otherwise adds the expectation unchanged, and drops the
  /// packet if it is refused.
  func expect(
    _ expectation: Expectation, _ translated: (any HelperNAT) -> NetfilterVerdict
  ) -> NetfilterVerdict {
    if let nat = table.helperNAT, let status = state?.status, !status.isDisjoint(with: .natMask) { return translated(nat) }
    return (try? table.expect(expectation, now: now)) == nil ? .drop : .accept
  }

  var memory: HelperState { table.details(of: connection)?.helperState ?? .none }
  func remember(_ state: HelperState) { table.update(connection) { $0.helperState = state } }
}

/// The NAT companions of the helpers. They choose addresses and ports for expected connections and rewrite them in the payload.
/// Kernel: the `nf_nat_*_hook` pointers.
public protocol HelperNAT: AnyObject {
  /// Sets NAT up for a connection that was expected. Kernel: `nf_conntrack_expect.expectfn`.
  func expected(_ connection: ConnectionHandle, by expectation: Expectation, in table: ConntrackTable, now: Instant)
  /// Kernel: `nf_nat_ftp_hook`.
  /// - Parameter match: the range of the address and port, from the start of the payload.
  func ftp(
    _ packet: inout Packet, at offset: Int, _ call: HelperCall, _ form: FTPAddressForm, _ match: Range<Int>, _ expectation: Expectation
  ) -> NetfilterVerdict
  /// Kernel: `nf_nat_tftp_hook`.
  func tftp(_ call: HelperCall, _ expectation: Expectation) -> NetfilterVerdict
  /// Kernel: `nf_nat_irc_hook`.
  func irc(_ packet: inout Packet, at offset: Int, _ call: HelperCall, _ match: Range<Int>, _ expectation: Expectation) -> NetfilterVerdict
  /// Kernel: `nf_nat_amanda_hook`.
  func amanda(_ packet: inout Packet, at offset: Int, _ call: HelperCall, _ match: Range<Int>, _ expectation: Expectation)
    -> NetfilterVerdict
  /// Kernel: `nf_nat_pptp_hook`.
  func pptp(_ packet: inout Packet, at offset: Int, _ call: HelperCall, message: UInt16) -> NetfilterVerdict
  /// Kernel: `nf_nat_snmp_hook`.
  func snmp(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict
  /// Kernel: `nfct_h323_nat_hooks.set_h225_addr`.
  /// - Returns: false, here and in the following functions, if the packet must be dropped.
  func h323(_ exchange: inout H323Exchange, set endpoint: H323Endpoint, to address: IPAddress, _ port: UInt16) -> Bool
  /// Rewrites this connection's signalling address. Kernel: `nfct_h323_nat_hooks.set_sig_addr`.
  func h323(_ exchange: inout H323Exchange, signal endpoints: [H323Endpoint?]) -> Bool
  /// Rewrites the sender's own address. Kernel: `nfct_h323_nat_hooks.set_ras_addr`.
  func h323(_ exchange: inout H323Exchange, ras endpoints: [H323Endpoint?]) -> Bool
  /// Expects a stream and its control channel. Kernel: `nfct_h323_nat_hooks.nat_rtp_rtcp`.
  func h323(_ exchange: inout H323Exchange, _ media: Expectation, _ control: Expectation, _ endpoint: H323Endpoint) -> Bool
  /// Expects a channel. Kernel: `nfct_h323_nat_hooks.nat_t120`, `.nat_h245` and `.nat_callforwarding`.
  func h323(_ exchange: inout H323Exchange, _ expectation: Expectation, _ endpoint: H323Endpoint, _ kind: H323Channel) -> Bool
  /// Expects calls to one of the registered addresses. Kernel: `nfct_h323_nat_hooks.nat_q931`.
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
  /// Rewrites the session-level addresses of the description. Kernel: `nf_nat_sip_hooks.sdp_session`.
  func session(_ exchange: inout SIPExchange, from place: Int, _ address: IPAddress) -> Bool
  /// Expects a stream and its control channel on a pair of ports, and rewrites the port of the medium. Kernel:
  /// `nf_nat_sip_hooks.sdp_media`.
  /// - Parameter address: the translated address of the stream.
  func sessionMedia(
    _ exchange: inout SIPExchange, _ media: Expectation, _ control: Expectation, _ place: Range<Int>, _ address: inout IPAddress
  ) -> NetfilterVerdict
  /// Kernel: `nf_nat_pptp_hook.exp_gre`.
  func pptpExpects(_ state: inout PPTPState, original: inout Expectation, reply: inout Expectation)
}

extension ConntrackCore {
  /// Registers a helper. Replaces an earlier helper of the same name, family, protocol and port.
  @discardableResult
  mutating func register(_ helper: any ConntrackHelper) -> HelperID {
    if let index = helpers.firstIndex(where: {
      $0.name == helper.name && $0.family == helper.family && $0.proto == helper.proto && $0.port == helper.port
    }) {
      helpers[index] = helper
      return HelperID(rawValue: UInt16(truncatingIfNeeded: index))
    }
    helpers.append(helper)
    return HelperID(rawValue: UInt16(truncatingIfNeeded: helpers.count - 1))
  }

  /// The helper of a name for a family and protocol; nil if there is none. The corresponding kernel function is
  /// `nf_conntrack_helper_try_module_get`.
  func helper(named name: String, _ family: Family, _ proto: IPProtocol) -> HelperID? {
    helpers.firstIndex { $0.name == name && $0.family == family && $0.proto == proto }
      .map { HelperID(rawValue: UInt16(truncatingIfNeeded: $0)) }
  }

  func helperName(_ id: HelperID) -> String? {
    Int(id.rawValue) < helpers.count ? helpers[Int(id.rawValue)].name : nil
  }

  /// Assigns a helper to a new connection: the template's or, if automatic assignment is on, the helper of its port.
  /// The corresponding kernel function is `__nf_ct_try_assign_helper`.
  mutating func assignHelper(_ slot: Int, _ template: Template?) {
    if let id = template?.helper {
      entries[slot].status.insert(.helper)
      if Int(id.rawValue) < helpers.count, helpers[Int(id.rawValue)].proto == entries[slot].original.proto {
        extend(slot) { $0.helper = id }
      }
    } else if settings.automaticHelpers {
      let reply = reply(slot)
      let found = helpers.firstIndex {
        $0.port != 0 && $0.port == reply.sourceID && $0.proto == reply.proto && $0.family == reply.family
      }
      if let found { extend(slot) { $0.helper = HelperID(rawValue: UInt16(truncatingIfNeeded: found)) } }
    }
  }

  /// True if the connection has a helper or adjusted sequence numbers.
  ///
  /// `mutating`: a nonmutating method would copy the table.
  mutating func mayNeedHelp(_ handle: ConnectionHandle) -> Bool {
    guard let slot = slot(handle) else { return false }
    return entries[slot].features.contains(.extended)
  }

  /// `mutating` as `mayNeedHelp`.
  mutating func isSettled(_ handle: ConnectionHandle) -> Bool {
    guard let slot = slot(handle) else { return true }
    let status = entries[slot].status
    return status.contains(.confirmed) && !status.contains(.dying) && !entries[slot].features.contains(.extended)
      && entries[slot].pendingEvents.isEmpty
  }

  func helper(of handle: ConnectionHandle) -> (HelperID, any ConntrackHelper)? {
    guard let slot = slot(handle), let id = extensions[UInt32(slot)]?.helper, Int(id.rawValue) < helpers.count else { return nil }
    return (id, helpers[Int(id.rawValue)])
  }
}
