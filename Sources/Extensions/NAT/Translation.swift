import Conntrack
import NAT
import Netfilter
import Wire
import XTables

/// The common parts of the NAT targets.
extension TranslationRangeHolder {
  /// Refuses an address for a target that chooses it itself, as the kernel does.
  func checkNoAddresses(_ target: String) throws(OptionError) {
    if range.flags.contains(.addresses) { throw .kernel("\(target): an address is not allowed") }
  }

  /// Requires an address for all other targets.
  func checkAddresses(_ target: String) throws(OptionError) {
    if !range.flags.contains(.addresses) { throw .kernel("\(target): needs an address") }
  }

  /// Refuses a base port: only DNAT has a revision with one.
  func refuseBasePort() throws(OptionError) {
    guard range.flags.contains(.portOffset) else { return }
    throw OptionError("bad-value", "Shifted portmap ranges not supported with this kernel", hint: "leave out /base")
  }
}

extension IPv4TranslationRange {
  func checkCount(_ target: String) throws(OptionError) {
    if count != 1 { throw .kernel("\(target): multiple ranges are not supported") }
  }
}

extension Layout where Info: TranslationRangeHolder {
  /// The layout of a revision with another structure for the same range.
  static func translation<Old: TranslationRangeHolder>(revision: UInt8, _: Old.Type, abiSize: Int) -> Layout {
    Layout(
      revision: revision, Old.self, abiSize: abiSize, upgrade: { Info($0.range) }, downgrade: { Old($0.range) })
  }
}

/// The actions of the NAT targets on a packet's connection.
enum Translation {
  static let services = KernelServices.conntrack

  /// The corresponding kernel function is `xt_snat_target_v1`.
  static func source(_ range: TranslationRange, of packet: inout PacketContext) -> TargetOutcome {
    setUp(range, &packet) { handle, range, table, packet in
      .verdict(table.setUpNAT(handle, range, .source, random: &packet.world.random, now: packet.world.instant))
    }
  }

  /// The corresponding kernel function is `xt_dnat_target_v2`.
  static func destination(_ range: TranslationRange, of packet: inout PacketContext) -> TargetOutcome {
    setUp(range, &packet) { handle, range, table, packet in
      .verdict(table.setUpNAT(handle, range, .destination, random: &packet.world.random, now: packet.world.instant))
    }
  }

  /// The corresponding kernel functions are `nf_nat_masquerade_ipv4` and `nf_nat_masquerade_ipv6`.
  static func masquerade(_ range: TranslationRange, _ packet: inout PacketContext) -> TargetOutcome {
    guard let output = packet.output, let destination = packet.packet.destination else {
      return .unknown(UnknownReason("-j MASQUERADE", needs: "the interface through which the packet leaves"))
    }
    let host = packet.world.host
    let route = host.route(to: destination, from: packet.packet.source, mark: packet.mark, input: packet.input, output: output)
    let near = packet.family == .ipv4 ? route?.gateway ?? destination : destination
    let address: IPAddress
    switch host.sourceAddress(through: output, to: near, onLink: false) {
    case .address(let found): address = found
    case .none: return .verdict(.drop)
    case .unknown: return .unknown(UnknownReason("-j MASQUERADE", lacking: .addresses))
    }
    return setUp(range, &packet) { handle, range, table, packet in
      .verdict(
        table.masquerade(
          handle, range, to: address, interface: output.index, random: &packet.world.random, now: packet.world.instant))
    }
  }

  /// The corresponding kernel functions are `nf_nat_redirect_ipv4` and `nf_nat_redirect_ipv6`.
  static func redirect(_ range: TranslationRange, _ packet: inout PacketContext) -> TargetOutcome {
    let hook = packet.hook
    var address: IPAddress?
    // A local packet goes to the loopback address.
    if hook != .output, let input = packet.input, let destination = packet.packet.destination {
      guard let own = packet.world.host.addresses(of: input, packet.family) else {
        return .unknown(UnknownReason("-j REDIRECT", lacking: .addresses))
      }
      address = own.first { isUsable($0, insteadOf: destination) }
      if address == nil { return .verdict(.drop) }
    }
    return setUp(range, &packet) { handle, range, table, packet in
      .verdict(
        table.redirect(handle, range, to: address, hook: hook, random: &packet.world.random, now: packet.world.instant))
    }
  }

  /// True if a packet for `destination` can be redirected to an address of its interface. Kernel: `nf_nat_redirect_ipv6_usable`.
  private static func isUsable(_ address: IPAddress, insteadOf destination: IPAddress) -> Bool {
    guard case .v6(let own) = address, case .v6(let asked) = destination else { return true }
    return !own.isIPv4Mapped && (asked.scopeBits == 0 || asked.scopeBits & own.scopeBits != 0)
  }

  /// The corresponding kernel functions are `netmap_tg4` and `netmap_tg6`.
  static func map(_ range: TranslationRange, _ packet: inout PacketContext) -> TargetOutcome {
    let manip = Manip(packet.hook)
    guard let address = manip == .source ? packet.packet.source : packet.packet.destination else { return .verdict(.accept) }
    return setUp(range, &packet) { handle, range, table, packet in
      .verdict(
        table.setUpNAT(handle, range.netmapped(address), manip, random: &packet.world.random, now: packet.world.instant))
    }
  }

  private static func setUp(
    _ range: TranslationRange, _ packet: inout PacketContext,
    _ body: (ConnectionHandle, NATRange, ConntrackTable, inout PacketContext) -> TargetOutcome
  ) -> TargetOutcome {
    // The nat table is traversed only by packets with a connection.
    guard let handle = packet.attachment.connection, let table = packet.world.conntrack else { return .verdict(.accept) }
    guard let range = range.range(packet.family) else {
      return .unknown(UnknownReason("an address range whose end is less than its start", needs: "a valid range"))
    }
    return body(handle, range, table, &packet)
  }
}

extension TranslationRange {
  /// Converts the range for the NAT module.
  fileprivate func range(_ family: Family) -> NATRange? {
    let (first, last) = (firstAddress.bits(family), lastAddress.bits(family))
    guard first <= last else { return nil }
    return NATRange(
      flags: NATRange.Flags(rawValue: flags.rawValue), addresses: first...last, minimumID: firstPort.value,
      maximumID: lastPort.value, baseID: basePort.value)
  }
}
