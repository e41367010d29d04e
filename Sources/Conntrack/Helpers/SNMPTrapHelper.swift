public import Netfilter
public import Wire

/// Rewrites the addresses in SNMP traps under NAT. Expects no connections. Kernel: the helper of `nf_nat_snmp_basic`.
public struct SNMPTrapHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name = "snmp_trap"
  /// The family whose packets it reads.
  public let family: Family = .ipv4
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol = .udp
  /// The port for automatic assignment; 0 for none.
  public let port: UInt16 = 162
  /// The limits of each class of expectations.
  public let policies = [ExpectationPolicy(maximum: 0, timeout: 180)]

  /// Creates the helper.
  public init() {}

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    call.table.helperNAT?.snmp(&packet, at: offset, call) ?? .accept
  }
}
