import Conntrack
import NAT
import Netfilter
import Wire
import XTables

/// The effects of the NAT targets on the packet and its connection.
extension FieldEffect {
  /// What NAT setup changes of a connection.
  static let translation: [FieldEffect] =
    [.change(.connectionState, .bits(UInt128(ConntrackState.sourceNAT | ConntrackState.destinationNAT)))]
    + Field.translation.map { .change($0, .unknown) }
}

extension TranslationRange {
  /// - Parameter addressIsChosen: true if the target chooses an address that the rule does not name.
  func effects(_ end: Manip, _ site: EffectSite, addressIsChosen: Bool = false) -> [FieldEffect] {
    var effects = FieldEffect.translation
    let address: Field = end == .source ? .sourceAddress : .destinationAddress
    if addressIsChosen {
      effects.append(.change(address, .unknown))
    } else if flags.contains(.addresses) {
      let (first, last) = (firstAddress.bits(site.family), lastAddress.bits(site.family))
      effects.append(.change(address, first <= last ? .range(first...last) : .unknown))
    }
    return effects + [portEffect(end)].compactMap { $0 }
  }

  /// A source port may change if another connection has it. A destination port changes only if the rule names ports.
  private func portEffect(_ end: Manip) -> FieldEffect? {
    let port: Field = end == .source ? .sourcePort : .destinationPort
    guard flags.contains(.ports) else { return end == .source ? .change(port, .unknown) : nil }
    if flags.contains(.portOffset) || firstPort.value > lastPort.value { return .change(port, .unknown) }
    return .change(port, .range(UInt128(firstPort.value)...UInt128(lastPort.value)))
  }

  /// Packets of this host are redirected to the loopback address, others to an address of their input interface.
  func redirectionEffects(_ site: EffectSite) -> [FieldEffect] {
    let loopback: UInt128 = site.family == .ipv4 ? 0x7f00_0001 : 1
    let address: FieldChange = site.hook == .output ? .masked(keep: 0, flip: loopback) : .ownAddress
    return effects(.destination, site) + [.change(.destinationAddress, address)]
  }

  /// Replaces the bits in which the ends of the range agree.
  func mappingEffects(_ site: EffectSite) -> [FieldEffect] {
    let end = Manip(site.hook)
    let first = firstAddress.bits(site.family)
    let free = first ^ lastAddress.bits(site.family)
    var addressless = self
    addressless.flags.remove(.addresses)
    return addressless.effects(end, site)
      + [.change(end == .source ? .sourceAddress : .destinationAddress, .masked(keep: free, flip: first & ~free))]
  }
}
