public import Diagnostics
public import Documents
public import Evaluator
import Wire
public import XTables

extension Host {
  /// Reads a host from a YAML file, such as
  ///
  ///     interfaces:
  ///       eth0: {addresses: [10.0.0.1/24], mac: "02:00:00:00:00:01", mtu: 1500, up: true}
  ///     routes: [default via 10.0.0.254 dev eth0]
  ///     policy: [from 10.0.0.0/8 table 100]
  ///     neighbours: {eth0: {10.0.0.9: "02:00:00:00:00:09", 10.0.0.10: none}}
  ///     sysctls: {net.ipv4.ip_forward: 1}
  ///     sockets:
  ///       - {name: web, proto: tcp, port: 80, uid: 33}
  ///
  /// Sysctls that are not given have the values of ``setDescribedDefaults()``. Everything else that is not given is unknown; an empty list
  /// means that there is none.
  ///
  /// - Parameter registry: its extensions know what rules of nf_tables can compare; what none knows is unknown.
  /// - Throws: `ScenarioFileError` for an unknown member or a value of the wrong kind.
  public convenience init(yaml file: SourceFile, registry: Registry = Registry()) throws(ScenarioFileError) {
    let document = try HostDocument(file, registry: registry)
    var scenario = Scenario(name: file.name)
    document.fill(alone: &scenario)
    do throws(ScenarioError) {
      try self.init(scenario)
    } catch {
      throw document.placed(error)
    }
    withdrawLabFacts(of: scenario)
  }

  /// Creates the host of a scenario, with the sysctls that the lab sets on a kernel.
  package convenience init(_ scenario: Scenario) throws(ScenarioError) {
    self.init()
    addsLinkLocalAddresses = false
    neighbours.areAll = true
    // Scenarios cannot describe IPsec policies.
    usesIPsec = false
    setDescribedDefaults()
    missing = scenario.unstated
    try setUp(scenario)
  }

  /// Withdraws what only the lab knows of a host and no description states: that it has no IPsec policies, that neighbours which are not
  /// listed do not answer, and that IPv6 is off if nothing uses it.
  package func withdrawLabFacts(of scenario: Scenario) {
    neighbours.areAll = false
    usesIPsec = nil
    if !scenario.sysctls.contains(where: { $0.name == Self.ipv6Switch }) { sysctls[Self.ipv6Switch] = nil }
  }

  private static let ipv6Switch = "net.ipv6.conf.all.disable_ipv6"

  private func setUp(_ scenario: Scenario) throws(ScenarioError) {
    minutesWest = scenario.minutesWest
    joinedGroups = scenario.multicastGroups
    usesNfTables = scenario.usesNfTables
    otherChains = scenario.otherChains
    if !scenario.usesIPv6 { sysctls[Self.ipv6Switch] = 1 }
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
        device.isHardwareAddressStated = false
      }
    }
    if !missing.contains(.interfaceGroups) { for device in devices { updateDevice(named: device.name) { $0.group = 0 } } }
    for (index, line) in scenario.setup.enumerated() {
      do throws(HostError) {
        try apply(ipCommand: line)
      } catch {
        var failure = ScenarioError(path: "topology.setup[\(index)]", reason: error.reason)
        failure.line = index
        throw failure
      }
    }
    for sysctl in scenario.sysctls {
      // Those of connection tracking, and those with texts as values, have no effect here.
      _ = sysctls.assign(sysctl.name, sysctl.value)
    }
    for socket in scenario.sockets {
      var address: IPAddress?
      if let text = socket.address {
        guard let given = IPAddress(text) else { throw ScenarioError(path: "sockets", reason: "`\(text)' is not an address") }
        address = given
      }
      var bound = HostSocket(
        name: socket.name, proto: socket.transport == .tcp ? .tcp : .udp, port: socket.port, address: address,
        facts: SocketFacts(uid: socket.uid, gid: socket.gid, mark: socket.mark, isTransparent: socket.isTransparent, cgroupClass: 0))
      (bound.device, bound.isIPv6Only) = (socket.device, socket.isIPv6Only)
      sockets.append(bound)
    }
  }
}

extension HostDocument {
  /// Reads a file for `--host`, whose root is the description.
  ///
  /// - Throws: `ScenarioFileError` for another kind of file, an unknown member or a value of the wrong kind.
  package init(_ file: SourceFile, registry: Registry) throws(ScenarioFileError) {
    self.init(registry: registry)
    try file.check(is: .hostDescription)
    try read(try FileDocument(file).root(of: .host))
  }
}
