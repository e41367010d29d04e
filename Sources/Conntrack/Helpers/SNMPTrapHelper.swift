public import Wire

/// Looks after the addresses in SNMP traps under NAT; it expects nothing. Kernel: the helper of `nf_nat_snmp_basic`.
public struct SNMPTrapHelper: ConntrackHelper {
  public let name = "snmp_trap"
  public let family: AddressFamily = .ipv4
  public let proto: IPProtocol = .udp
  public let port: UInt16 = 162
  public let policies = [ExpectationPolicy(maximum: 0, timeout: 180)]

  public init() {}

  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    call.table.helperNAT?.snmp(&packet, at: offset, call) ?? .accept
  }
}
