import Wire
import XTables

extension Host {
  /// Creates a host with these interfaces, of which nothing else is known. Answers that depend on anything else are unknown.
  public convenience init(interfaces: [String]) {
    self.init()
    missing = [.addresses, .routes, .sysctls, .sockets, .multicastGroups]
    addUnknownInterfaces(interfaces)
  }

  /// Adds the interfaces on which packets arrive, if it is not known which interfaces the host has.
  public func addUnknownInterfaces(_ names: [String]) {
    for name in names where missing.contains(.addresses) && device(named: name) == nil {
      addDevice(named: name, hardwareAddress: MACAddress(rawValue: 0x0200_0000_0000 + UInt64(devices.count)))
      updateDevice(named: name) { $0.isHardwareAddressStated = false }
    }
  }
}
