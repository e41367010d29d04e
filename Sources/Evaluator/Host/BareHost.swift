import Wire

extension Host {
  /// A host of which nothing is known but that it has these interfaces: no address, no route. What depends on them is unknown.
  public convenience init(interfaces: [String]) {
    self.init()
    for name in interfaces where device(named: name) == nil {
      addDevice(named: name, hardwareAddress: MACAddress(rawValue: 0x0200_0000_0000 + UInt64(devices.count)))
    }
    knowsAllRoutes = false
  }
}
