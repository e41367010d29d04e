internal import Kernel
internal import Lab
internal import Wire

/// The host of a scenario, in the network namespace of the calling thread: its interfaces, addresses, routes and sysctls.
struct LabHost {
  let taps: [TapInterface]
  let interfaceNames: [UInt32: String]
  let loopback: UInt32
  /// The addresses of the scenario's interfaces, with their prefixes.
  let addresses: [(address: IPAddress, prefixLength: Int)]

  /// What every scenario starts from: a router that checks no sources and limits no errors. The largest receive buffer gives TCP its window
  /// scale; the kernel's default follows from how much memory the machine has.
  private static let sysctls: [(String, String)] = [
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.conf.all.rp_filter", "0"), ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.conf.all.send_redirects", "0"), ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.icmp_ratelimit", "0"), ("net.ipv4.icmp_ratemask", "0"),
    ("net.ipv4.tcp_timestamps", "0"), ("net.ipv4.tcp_rmem", "4096 131072 33554432"),
  ]
  /// The groups that may open ping sockets.
  private static let pingGroups = "net.ipv4.ping_group_range"
  /// Interfaces that forward from the start would join the group of all routers, and say so after a while.
  private static let sysctls6: [(String, String)] = [
    ("net.ipv6.conf.all.forwarding", "0"), ("net.ipv6.conf.default.forwarding", "0"), ("net.ipv6.auto_flowlabels", "0"),
    ("net.ipv6.conf.all.accept_ra", "0"), ("net.ipv6.conf.default.accept_ra", "0"),
    ("net.ipv6.conf.all.accept_dad", "0"), ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.addr_gen_mode", "1"), ("net.ipv6.conf.all.addr_gen_mode", "1"),
    ("net.ipv6.conf.default.router_solicitations", "0"),
    ("net.ipv6.icmp.ratelimit", "0"), ("net.ipv6.icmp.ratemask", "0"),
  ]

  /// Sets what must be set before interfaces exist.
  static func prepare(usesIPv6: Bool) throws(KernelError) {
    for (name, value) in sysctls { try set(name, value) }
    do throws(KernelError) {
      try set(pingGroups, "0 2147483647")
    } catch {
      // A user namespace has one group.
      try set(pingGroups, "0 0")
    }
    if usesIPv6 {
      for (name, value) in sysctls6 { try set(name, value) }
    } else {
      for place in ["all", "default"] { try? set("net.ipv6.conf.\(place).disable_ipv6", "1") }
    }
  }

  /// Sets a sysctl by its dotted name; a dot within an interface's name is written as a slash, as `sysctl(8)` has it.
  static func set(_ name: String, _ value: String) throws(KernelError) {
    // Only those under net belong to the namespace: all others are the machine's.
    guard name.hasPrefix("net."), !name.contains(".."), !name.contains("//") else {
      throw KernelError(.malformed("no sysctl of a network namespace: \(name)"))
    }
    let path = "/proc/sys/" + String(name.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
    // Some are the machine's and can only be read; those of a snapshot are right as they are.
    if let present = try? HostFile.read(path), present.split(whereSeparator: \.isWhitespace) == value.split(whereSeparator: \.isWhitespace) { return }
    try HostFile.write(value, to: path)
  }

  init(_ scenario: Scenario) throws(KernelError) {
    var links = try HostInterfaces()
    guard let loopback = HostInterfaces.index(of: "lo") else { throw KernelError(.malformed("this namespace has no lo")) }
    try links.bringUp(loopback)
    var taps: [TapInterface] = []
    var addresses: [(IPAddress, Int)] = []
    for (position, interface) in scenario.interfaces.enumerated() {
      taps.append(try TapInterface(name: interface.name))
      guard let index = HostInterfaces.index(of: interface.name) else { throw KernelError(.malformed("no interface \(interface.name)")) }
      try links.bringUpDirect(
        index, hardwareAddress: Scenario.hardwareAddress(ofInterface: position), isMulticast: !scenario.usesIPv6)
      for text in interface.addresses {
        let (address, prefix) = try LabHost.parse(text)
        try links.add(address, prefixLength: prefix, to: index)
        addresses.append((address, prefix))
      }
    }
    if scenario.usesIPv6 {
      try LabHost.awaitLocalRoutes(addresses.map(\.0))
      try LabHost.set("net.ipv6.conf.all.forwarding", "1")
    }
    if !scenario.setup.isEmpty {
      try LabHost.configure(scenario.setup, what: "topology.setup")
    }
    self.taps = taps
    self.addresses = addresses
    self.loopback = loopback
    interfaceNames = HostInterfaces.names()
    for sysctl in scenario.sysctls { try LabHost.set(sysctl.name, sysctl.value) }
  }

  /// Runs lines for `ip -batch`. A family may stand before a line, which `ip` takes for a whole batch only.
  static func configure(_ lines: [String], what: String) throws(KernelError) {
    // Named namespaces are files of the machine's.
    guard !lines.contains(where: { $0.contains("netns") }) else { throw KernelError(.malformed("\(what): netns is not for scenarios")) }
    var batches: [(family: [String], lines: [Substring])] = []
    for line in lines {
      let first = line.prefix { $0 != " " }
      let family = first == "-4" || first == "-6" ? [String(first)] : []
      if batches.last?.family != family { batches.append((family, [])) }
      batches[batches.count - 1].lines.append(silent(family.isEmpty ? line[...] : line.dropFirst(3)))
    }
    for batch in batches {
      let ip = try HostProcess.run("ip", batch.family + ["-batch", "-"], input: batch.lines.joined(separator: "\n") + "\n")
      guard ip.status == 0 else { throw KernelError(.malformed("\(what): \(ip.output.oneLine)")) }
    }
  }

  /// A bridge that listens for multicast joins groups, and says so at times of its own choosing.
  private static func silent(_ line: Substring) -> Substring {
    let words = line.split(separator: " ")
    let makesBridge = words.starts(with: ["link", "add"]) && words.last == "bridge"
    return makesBridge ? line + " mcast_snooping 0" : line
  }

  /// The kernel takes IPv6 addresses at once, and routes to them a little later: until then their packets would be forwarded.
  private static func awaitLocalRoutes(_ addresses: [IPAddress]) throws(KernelError) {
    let wanted = addresses.filter { $0.family == .ipv6 }.map { address in
      let digits = String(address.bits, radix: 16)
      return String(repeating: "0", count: 32 - digits.utf8.count) + digits + " 80 "
    }
    for _ in 0..<2000 {
      let routes = try HostFile.read("/proc/thread-self/net/ipv6_route")
      if wanted.allSatisfy({ routes.contains($0) }) { return }
      NetworkNamespace.sleepThread(seconds: 0.001)
    }
    throw KernelError(.malformed("the kernel makes no routes to its IPv6 addresses"))
  }

  private static func parse(_ text: String) throws(KernelError) -> (IPAddress, Int) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let address = IPAddress(parts[0]), parts.count <= 2 else { throw KernelError(.malformed("no address: \(text)")) }
    guard parts.count == 2 else { return (address, address.family.addressBits) }
    guard let prefix = Int(parts[1]), (0...address.family.addressBits).contains(prefix) else {
      throw KernelError(.malformed("no address: \(text)"))
    }
    return (address, prefix)
  }

  /// The packet's destination is an address of the host, or a broadcast address of its networks.
  func isLocal(_ packet: Packet) -> Bool {
    guard let destination = packet.destination else { return false }
    return destination.isLoopback || addresses.contains { address, prefixLength in
      guard address.family == destination.family else { return false }
      if address == destination { return true }
      guard case .v4(let own) = address, case .v4(let four) = destination, prefixLength < 31 else { return false }
      return four.rawValue == own.rawValue | (UInt32.max >> UInt32(prefixLength))
    }
  }

  func tap(named name: String) -> TapInterface? { taps.first { $0.name == name } }
}

extension String {
  /// The lines of a program's complaint on one.
  var oneLine: String { split(separator: "\n").joined(separator: "; ") }
}
