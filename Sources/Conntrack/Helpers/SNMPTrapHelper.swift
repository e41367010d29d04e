public import Wire

/// Looks after the addresses in SNMP traps under NAT; it expects nothing. Kernel: the helper of `nf_nat_snmp_basic`.
public struct SNMPTrapHelper: ConntrackHelper {
  /// The name by which target CT and `-m helper` refer to it.
  public let name = "snmp_trap"
  /// The family whose packets it reads.
  public let family: AddressFamily = .ipv4
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol = .udp
  /// The port by which the kernel would assign it by itself; 0 for none.
  public let port: UInt16 = 162
  /// How many expectations of each class a connection may have, and for how long.
  public let policies = [ExpectationPolicy(maximum: 0, timeout: 180)]

  /// Creates the helper.
  public init() {}

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    call.table.helperNAT?.snmp(&packet, at: offset, call) ?? .accept
  }
}
