import Conntrack
import Evaluator
package import Scenarios
import Wire
import XTables

extension Host {
  /// Creates the host of a scenario, with the sysctls that the lab sets on a kernel.
  package convenience init(_ scenario: Scenario) throws(ScenarioError) {
    self.init()
    addsLinkLocalAddresses = false
    neighbours.areAll = true
    // Scenarios cannot describe IPsec policies.
    usesIPsec = false
    setDescribedDefaults()
    try setUp(scenario)
  }

  private func setUp(_ scenario: Scenario) throws(ScenarioError) {
    minutesWest = scenario.minutesWest
    usesNfTables = scenario.usesNfTables
    otherChains = scenario.otherChains
    if !scenario.usesIPv6 { sysctls["net.ipv6.conf.all.disable_ipv6"] = 1 }
    for (index, face) in scenario.interfaces.enumerated() {
      guard let hardware = MACAddress(Scenario.hardwareAddress(ofInterface: index)) else { continue }
      var addresses: [Address] = []
      for text in face.addresses {
        guard var address = Address(text) else {
          throw ScenarioError(path: "topology.ifaces.\(face.name)", reason: "`\(text)' is not an address")
        }
        // The lab sets the last address of the prefix as the broadcast address.
        if case .v4(let own) = address.address, address.peer == nil, address.prefixLength < 31 {
          address.broadcast = .v4(IPv4Address(rawValue: own.rawValue | UInt32.max >> UInt32(address.prefixLength)))
        }
        addresses.append(address)
      }
      addDevice(named: face.name, hardwareAddress: hardware, hasNoARP: true)
      updateDevice(named: face.name) { device in
        for address in addresses { device.add(address) }
      }
    }
    for device in devices { updateDevice(named: device.name) { $0.group = 0 } }
    for (index, line) in scenario.setup.enumerated() {
      do throws(HostError) {
        try apply(ipCommand: line)
      } catch {
        throw ScenarioError(path: "topology.setup[\(index)]", reason: error.reason)
      }
    }
    for sysctl in scenario.sysctls where ConntrackSettings()[sysctl: sysctl.name] == nil {
      // Other sysctls with text or list values have no effect here.
      _ = sysctls.assign(sysctl.name, sysctl.value)
    }
    for socket in scenario.sockets {
      var address: IPAddress?
      if let text = socket.address {
        guard let given = IPAddress(text) else { throw ScenarioError(path: "sockets", reason: "`\(text)' is not an address") }
        address = given
      }
      sockets.append(
        HostSocket(
          name: socket.name, proto: socket.transport == .tcp ? .tcp : .udp, port: socket.port, address: address,
          facts: SocketFacts(isTransparent: socket.isTransparent, cgroupClass: 0)))
    }
  }
}

extension ConntrackSettings {
  /// The conntrack sysctls of a scenario, on top of the lab's: accounting and events are on.
  init(_ scenario: Scenario) {
    self.init()
    accounting = true
    events = 1
    for sysctl in scenario.sysctls {
      if let value = Int(sysctl.value) { self[sysctl: sysctl.name] = value }
    }
  }
}
