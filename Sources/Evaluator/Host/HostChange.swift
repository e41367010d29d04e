import Conntrack
import NAT
import Wire
import XTables

/// A host that is changed while packets pass.
extension Simulator {
  /// Does what a line for `ip -batch` says. Connections that were masqueraded by an address or an interface which is gone afterwards are
  /// forgotten. The corresponding kernel functions are `masq_device_event` and `masq_inet_event`.
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
