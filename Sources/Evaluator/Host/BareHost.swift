import Wire

extension Host {
  /// Creates a host with these interfaces, without addresses or routes. Answers that depend on those are unknown.
  public convenience init(interfaces: [String]) {
    self.init()
    for name in interfaces where device(named: name) == nil {
      addDevice(named: name, hardwareAddress: MACAddress(rawValue: 0x0200_0000_0000 + UInt64(devices.count)))
    }
    knowsAllAddresses = false
    knowsAllRoutes = false
  }
}
