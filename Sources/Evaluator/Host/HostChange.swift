import Conntrack
import NAT
import Wire
import XTables

/// Changes to the host between packets.
extension Simulator {
  /// Applies a line of `ip -batch`.
  ///
  /// Connections masqueraded to an interface or address that no longer exists are removed. The corresponding kernel functions are
  /// `masq_device_event` and `masq_inet_event`.
  /// - Throws: `HostError` if the line cannot be parsed or applied.
  public func configure(ipCommand line: String) throws(HostError) {
    let before = host.devices
    try host.apply(ipCommand: line)
    for (old, new) in zip(before, host.devices) {
      let interface = new.interface.index
      if old.isUp, !new.isUp {
        world.conntrack?.flushMasqueraded(interface: interface, now: world.instant)
        continue
      }
      for gone in old.addresses where !new.addresses.contains(where: { $0.address == gone.address }) {
        world.conntrack?.flushMasqueraded(interface: interface, address: gone.address, now: world.instant)
      }
    }
  }
}
