public import Netfilter
public import Wire

/// Expects replies from any host of a network to a broadcast of this host. Kernel: `nf_conntrack_netbios_ns`, `nf_conntrack_snmp`.
public struct BroadcastHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name: String
  /// The family whose packets it reads.
  public let family: Family = .ipv4
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol = .udp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16
  /// The limits of each class of expectations.
  public let policies: [ExpectationPolicy]
  private let timeout: UInt32

  private init(name: String, port: UInt16, timeout: UInt32) {
    self.name = name
    self.port = port
    self.timeout = timeout
    policies = [ExpectationPolicy(name: name, maximum: 1, timeout: timeout)]
  }

  /// The NetBIOS name service.
  public static let netbios = BroadcastHelper(name: "netbios-ns", port: 137, timeout: 3)
  /// SNMP requests to a broadcast address.
  public static let snmp = BroadcastHelper(name: "snmp", port: 161, timeout: 30)

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    expectAnswers(call)
    guard port == 161, let nat = call.table.helperNAT, let status = call.state?.status, !status.isDisjoint(with: .natMask) else {
      return .accept
    }
    return nat.snmp(&packet, at: offset, call)
  }

  /// The corresponding kernel function is `nf_conntrack_broadcast_help`.
  private func expectAnswers(_ call: HelperCall) {
    guard call.direction == .original, let mask = call.broadcastMask, mask != .any, let reply = call.state?.reply else { return }
    var expectation = Expectation(
      master: call.connection, proto: .udp, source: reply.source, sourceID: port, destination: reply.destination,
      destinationID: reply.destinationID, maker: call.helper)
    expectation.sourceMask = UInt128(mask.rawValue)
    expectation.flags = .permanent
    // If the limit is reached, no replies are expected; the packet passes.
    _ = try? call.table.expect(expectation, now: call.now)
    call.table.extendTimeout(call.connection, seconds: timeout, now: call.now)
  }
}
