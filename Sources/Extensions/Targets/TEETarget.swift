import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Sends a copy of the packet to another host. Kernel: `xt_TEE`, revision 1.
public enum TEETarget: TargetExtension {
  /// The corresponding kernel structure is `xt_tee_tginfo`.
  public struct Info: BitwiseCopyable, Sendable {
    var gateway = InetAddress()
    var output = FixedName<16>()
    /// A pointer used by the kernel only; 0 in a rule's text.
    var state: UInt64 = 0
  }

  public static let name = "TEE"
  public static let families: Families = .both
  public static let summary = "sends a copy of the packet to another host"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option("--gateway", .host, \.gateway, .mandatory, "the host in a connected network to which the copy is sent"),
    Option(
      "--oif", .bareName(placeholder: "interface"), \.output, present: .when { !$0.output.bytes.isEmpty }, .plain,
      "the interface through which the copy is sent"),
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: Int(xt_tee_tginfo_size), userSize: 32)]
  public static let examples: [Example] = [
    .acts("--gateway 10.0.1.77", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "verdict: sent eth1, answer: udp", family: .ipv4),
    .accepts("--gateway 192.0.2.1 --oif eth0", family: .ipv4), .accepts("--gateway 2001:db8::1", family: .ipv6),
    .rejects("", family: .ipv4), .rejects("! --gateway 192.0.2.1", family: .ipv4), .rejects("--gateway ::", family: .ipv6),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    let gateway = info.gateway.bits(family)
    let name = numeric ? nil : text.names.hostName(gateway, family)
    text.word("TEE gw:\(name ?? info.gateway.address(family).description)")
    if !info.output.bytes.isEmpty { text.word("oif=\(info.output.string)") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.gateway == InetAddress() {
      throw .kernel("TEE: the gateway address is missing", hint: "give the address of a host in this network")
    }
    if info.output.storage[0] != 0, info.output.storage[15] != 0 { throw .kernel("TEE: the interface name has no terminating NUL") }
  }

  /// Requests a copy. The sender of the copy prevents copies of copies. The corresponding kernel functions are `nf_dup_ipv4` and
  /// `nf_dup_ipv6`.
  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    var copy = packet.packet
    if packet.family == .ipv4 { copy.setDontFragment() }
    if packet.hook == .prerouting || packet.hook == .input, let hops = copy.ttl { copy.setTTL(hops &- 1) }
    let output = info.output.bytes.isEmpty ? nil : packet.world.host.interface(named: info.output.string)
    if output == nil, !info.output.bytes.isEmpty {
      packet.note { _ in .note("TEE sends no copy: the host has no interface \(info.output.string)") }
      return .proceed
    }
    packet.effects.append(.duplicate(copy, gateway: info.gateway.address(packet.family), output: output))
    return .pause
  }
}

extension Packet {
  fileprivate mutating func setDontFragment() {
    guard let old = bytes.uint16(at: IPv4Header.Offset.fragment), let checksum = bytes.uint16(at: IPv4Header.Offset.checksum)
    else { return }
    bytes.setUInt16(old | 0x4000, at: IPv4Header.Offset.fragment)
    bytes.setUInt16(Checksum.updated(checksum, from: old, to: old | 0x4000), at: IPv4Header.Offset.checksum)
  }
}
