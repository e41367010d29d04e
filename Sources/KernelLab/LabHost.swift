internal import Evaluator
internal import Kernel
internal import Scenarios
internal import Wire

/// The host of a scenario in the calling thread's network namespace: its interfaces, addresses, routes and sysctls.
struct LabHost {
  let taps: [TapInterface]
  let interfaceNames: [UInt32: String]
  let loopback: UInt32
  /// The addresses of the scenario's interfaces and of its setup, with their prefixes.
  let addresses: [(address: IPAddress, prefixLength: Int)]

  /// The defaults of every scenario: a router that neither checks sources nor limits errors. The largest receive buffer determines TCP's window
  /// scale; the kernel's default depends on the machine's memory.
  private static let sysctls: [(String, String)] = [
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.conf.all.rp_filter", "0"), ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.conf.all.send_redirects", "0"), ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.icmp_ratelimit", "0"), ("net.ipv4.icmp_ratemask", "0"),
    ("net.ipv4.tcp_timestamps", "0"), ("net.ipv4.tcp_rmem", "4096 131072 33554432"),
  ]
  /// The groups that may open ping sockets.
  private static let pingGroups = "net.ipv4.ping_group_range"
  /// Interfaces that forward from the start would join the all-routers group, and send a report after a delay. A bridge or dummy joins groups anyway.
  /// With version 1 of MLD it sends a report at once, and repeats it at a random time within the interval of unsolicited reports: 23 days, so that
  /// none falls into a scenario. Version 2 sends the first one 8 to 12 ms later. Kernel: `igmp6_join_group`, `mld_ifc_event`.
  private static let sysctls6: [(String, String)] = [
    ("net.ipv6.conf.all.forwarding", "0"), ("net.ipv6.conf.default.forwarding", "0"), ("net.ipv6.auto_flowlabels", "0"),
    ("net.ipv6.conf.all.accept_ra", "0"), ("net.ipv6.conf.default.accept_ra", "0"),
    ("net.ipv6.conf.all.accept_dad", "0"), ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.addr_gen_mode", "1"), ("net.ipv6.conf.all.addr_gen_mode", "1"),
    ("net.ipv6.conf.default.router_solicitations", "0"),
    ("net.ipv6.conf.default.force_mld_version", "1"), ("net.ipv6.conf.default.mldv1_unsolicited_report_interval", "2000000000"),
    ("net.ipv6.icmp.ratelimit", "0"), ("net.ipv6.icmp.ratemask", "0"),
  ]

  /// Sets the sysctls that must be set before interfaces exist.
  static func prepare(usesIPv6: Bool) throws(KernelError) {
    for (name, value) in sysctls { try set(name, value) }
    do throws(KernelError) {
      try set(pingGroups, "0 2147483647")
    } catch {
      // A user namespace maps only one group.
      try set(pingGroups, "0 0")
    }
    if usesIPv6 {
      for (name, value) in sysctls6 { try set(name, value) }
    } else {
      for place in ["all", "default"] { try? set("net.ipv6.conf.\(place).disable_ipv6", "1") }
    }
  }

  static func set(_ name: String, _ value: String) throws(KernelError) { try LabSwitch(name, value).set() }

  init(_ plan: LabPlan) throws(KernelError) {
    let scenario = plan.scenario
    var links = try HostInterfaces()
    guard let loopback = HostInterfaces.index(of: "lo") else { throw KernelError(.malformed("the network namespace has no interface lo")) }
    try links.bringUp(loopback)
    var taps: [TapInterface] = []
    var addresses: [(IPAddress, Int)] = []
    for (position, interface) in scenario.interfaces.enumerated() {
      taps.append(try TapInterface(name: interface.name))
      guard let index = HostInterfaces.index(of: interface.name) else {
        throw KernelError(.malformed("there is no interface \(interface.name)"))
      }
      try links.bringUpDirect(
        index, hardwareAddress: Scenario.hardwareAddress(ofInterface: position), isMulticast: !scenario.usesIPv6)
      for given in plan.addresses[position] {
        try links.add(given.address, prefixLength: given.prefixLength, peer: given.peer, to: index)
        addresses.append((given.address, given.peer == nil ? given.prefixLength : given.address.family.addressBits))
      }
    }
    if scenario.usesIPv6 {
      guard try LabHost.awaitLocalRoutes(addresses.map(\.0), tries: 2000) else {
        throw KernelError(.malformed("the kernel did not create the routes to its IPv6 addresses in time"))
      }
      try LabHost.set("net.ipv6.conf.all.forwarding", "1")
    }
    if !plan.setup.isEmpty {
      var network = try LabNetwork()
      for line in plan.setup { try network.apply(line) }
      for case .address(let change) in plan.setup.map(\.command) {
        let given = change.address
        addresses.removeAll { $0.0 == given.address }
        guard change.verb != .delete else { continue }
        addresses.append((given.address, given.peer == nil ? given.prefixLength : given.address.family.addressBits))
      }
      // Addresses of an interface that is down get no routes.
      _ = try LabHost.awaitLocalRoutes(LabHost.addresses(plan.setup), tries: 50)
    }
    self.taps = taps
    self.addresses = addresses
    self.loopback = loopback
    interfaceNames = HostInterfaces.names()
    for value in plan.switches { try value.set() }
  }

  /// The addresses that the lines add.
  private static func addresses(_ lines: [LabPlan.Line]) -> [IPAddress] {
    lines.compactMap { line in
      if case .address(let change) = line.command, change.verb != .delete { change.address.address } else { nil }
    }
  }

  /// Waits for the routes to local IPv6 addresses. The kernel adds them shortly after the addresses; until then packets to them are forwarded.
  ///
  /// - Parameter tries: the milliseconds to wait.
  /// - Returns: true if all routes exist.
  private static func awaitLocalRoutes(_ addresses: [IPAddress], tries: Int) throws(KernelError) -> Bool {
    let wanted = addresses.filter { $0.family == .ipv6 }.map { address in
      let digits = String(address.bits, radix: 16)
      return String(repeating: "0", count: 32 - digits.utf8.count) + digits + " 80 "
    }
    guard !wanted.isEmpty else { return true }
    for _ in 0..<tries {
      let routes = try HostFile.read("/proc/thread-self/net/ipv6_route")
      if wanted.allSatisfy({ routes.contains($0) }) { return true }
      NetworkNamespace.sleepThread(seconds: 0.001)
    }
    return false
  }

  /// True if the packet's destination is an address of the host or a broadcast address of its networks.
  func isLocal(_ packet: Packet) -> Bool {
    guard let destination = packet.destination else { return false }
    return destination.isLoopback
      || addresses.contains { address, prefixLength in
        guard address.family == destination.family else { return false }
        if address == destination { return true }
        guard case .v4(let own) = address, case .v4(let four) = destination, prefixLength < 31 else { return false }
        return four.rawValue == own.rawValue | (UInt32.max >> UInt32(prefixLength))
      }
  }

  func tap(named name: String) -> TapInterface? { taps.first { $0.name == name } }
}

extension String {
  /// The lines of an error message, joined.
  var oneLine: String { split(separator: "\n").joined(separator: "; ") }
}
