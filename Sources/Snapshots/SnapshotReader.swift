import Conntrack
import Documents
import Evaluator
import Scenarios
public import Wire
public import XTables

/// Builds a snapshot from the output of a machine's tools and its files: `ip -j`, `/proc/net`, `/etc/passwd`. It parses text only; the caller
/// obtains it.
public struct SnapshotReader: Sendable {
  /// The snapshot built so far.
  public internal(set) var snapshot: Snapshot
  private var networks: Set<String> = []
  private let registry: Registry

  /// Creates a reader.
  ///
  /// - Parameters:
  ///   - clock: the time in seconds since 1970.
  ///   - registry: knows which options of the rules name users and groups.
  public init(clock: Int, registry: Registry) {
    snapshot = Snapshot(clock: clock)
    self.registry = registry
  }

  /// Records that something could not be read.
  public mutating func miss(_ what: String) {
    if !snapshot.gaps.contains(what) { snapshot.gaps.append(what) }
  }

  private mutating func entries(_ text: String, _ command: String) -> [JSONValue] {
    guard !text.allSatisfy(\.isWhitespace) else { return [] }
    guard let list = try? JSONValue(parsing: Array(text.utf8)).elements else {
      miss("the output of `\(command)': it is not JSON")
      return []
    }
    // iproute2 prints an empty object for an omitted entry.
    return list.filter { $0 != .object(JSONObject()) }
  }

  // MARK: Interfaces

  /// Parses the output of `ip -j -d addr`.
  public mutating func read(links text: String) {
    for link in entries(text, "ip -j -d addr") {
      guard let name = link["ifname"]?.text else { continue }
      let flags = (link["flags"]?.elements ?? []).compactMap(\.text)
      let hasCarrier = InterfaceFlags.haveCarrier(flags)
      let kind = link["linkinfo"]?["info_kind"]?.text
      let listed = (link["addr_info"]?.elements ?? []).compactMap { LinkAddress($0) }
      // `ip` lists IPv6 addresses newest first; a snapshot has all in the order of `ip addr add`.
      let addresses = listed.filter { $0.family == .ipv4 } + listed.filter { $0.family == .ipv6 }.reversed()
      for address in addresses where address.hasPrefixRoute { networks.insert("\(address.network) \(name)") }
      let plain = addresses.filter(\.isPlain).map(\.text)
      if name == "lo" {
        snapshot.interfaces.append(Snapshot.Interface(name: name, addresses: plain, isUp: flags.contains("UP")))
        snapshot.setup += addresses.filter { !$0.isPlain }.map { $0.command(on: name) }
        continue
      }
      let hardware = link["link_type"]?.text == "ether" ? link["address"]?.text : nil
      if kind == "bridge" {
        let calls = MasterKinds.calls.filter { link["linkinfo"]?["info_data"]?[$0.name]?.integer == 1 }
        snapshot.setup.append("link add \(name) type bridge" + calls.map { " \($0.name) 1" }.joined())
        if let hardware { snapshot.setup.append("link set dev \(name) address \(hardware)") }
        snapshot.setup += addresses.map { $0.command(on: name) }
        if let group = Self.group(of: link) { snapshot.setup.append("link set dev \(name) group \(group)") }
        if flags.contains("UP") { snapshot.setup.append("link set dev \(name) up") }
        if !hasCarrier { snapshot.setup.append("link set dev \(name) carrier off") }
      } else {
        var interface = Snapshot.Interface(name: name, addresses: plain, hardwareAddress: hardware, isUp: flags.contains("UP"))
        interface.mtu = link["mtu"]?.integer.flatMap { (68...65535).contains($0) && $0 != 1500 ? $0 : nil }
        interface.hasCarrier = hasCarrier
        interface.bridge = link["master"]?.text
        interface.kind = kind
        interface.group = Self.group(of: link)
        snapshot.interfaces.append(interface)
        snapshot.setup += addresses.filter { !$0.isPlain }.map { $0.command(on: name) }
      }
      if link["linkinfo"]?["info_slave_kind"]?.text == "vrf" || kind == "vrf" { miss("the effect of the VRF \(name) on routing") }
    }
    // Only bridges are simulated. The frames of a bond's members arrive on the bond.
    let bridges = self.bridges
    for index in snapshot.interfaces.indices {
      guard let master = snapshot.interfaces[index].bridge, !bridges.contains(master) else { continue }
      miss("that \(snapshot.interfaces[index].name) is part of \(master), which is no bridge")
      snapshot.interfaces[index].bridge = nil
    }
  }

  /// The number of an interface's group. `ip` prints a name for those in `/etc/iproute2/group`, of which only `default` is usual.
  private static func group(of link: JSONValue) -> Int? {
    link["group"]?.text.flatMap { $0 == "default" ? 0 : Int($0) }
  }

  // MARK: Routes

  /// Parses the output of `ip -j route show table all`, or the same for IPv6.
  public mutating func read(routes text: String, _ family: Family) {
    var (direct, gatewayed): ([String], [String]) = ([], [])
    let plain = String(decoding: ListedEncapsulation.removed(from: Array(text.utf8)), as: UTF8.self)
    for route in entries(plain, "ip -j route show table all") {
      guard let destination = route["dst"]?.text, route["table"]?.text != "local" || !isDerived(route) else { continue }
      if route["protocol"]?.text == "kernel", isDerived(route) { continue }
      guard let line = line(of: route, destination, family) else { continue }
      // The kernel accepts a gateway only if there is a route to it already.
      let needsGateway = route["gateway"] != nil || route["via"] != nil || route["nexthops"] != nil
      if needsGateway { gatewayed.append(line) } else { direct.append(line) }
    }
    snapshot.routes += (direct + gatewayed).map { (family == .ipv6 ? "-6 " : "") + $0 }
  }

  /// True for a route that the kernel derives from an address.
  private func isDerived(_ route: JSONValue) -> Bool {
    if route["table"]?.text == "local" { return route["protocol"]?.text == "kernel" }
    let family: Family = route["dst"]?.text?.contains(":") == true ? .ipv6 : .ipv4
    guard let text = route["dst"]?.text, let device = route["dev"]?.text, let prefix = Prefix(text, family) else { return false }
    return networks.contains("\(prefix.text) \(device)") || prefix.text.hasPrefix("ff00:") || prefix.text.hasPrefix("fe80:")
  }

  private mutating func line(of route: JSONValue, _ destination: String, _ family: Family) -> String? {
    var words: [String] = []
    if let type = route["type"]?.text, type != "unicast" { words.append(type) }
    words.append(destination)
    let hops = route["nexthops"]?.elements ?? []
    let hop = hops.first ?? route
    if hops.count <= 1 { words += SnapshotReader.way(hop) }
    if hops.isEmpty, hop["dev"] == nil, ["unicast", nil].contains(route["type"]?.text) {
      miss("the route to \(destination): it has no interface")
      return nil
    }
    for (key, word) in [("prefsrc", "src"), ("scope", "scope"), ("table", "table")] {
      if let value = route[key]?.text, !(key == "table" && value == "main") { words += [word, value] }
    }
    if let metric = route["metric"]?.integer { words += ["metric", "\(metric)"] }
    if let mtu = route["metrics"]?.elements?.first?["mtu"]?.integer { words += ["mtu", "\(mtu)"] }
    if let tos = route["tos"]?.text { words += ["tos", tos] }
    words += ListedRule.realms(from: hop["flow"]?["from"] ?? route["flow"]?["from"], to: hop["flow"]?["to"] ?? route["flow"]?["to"])
    if hops.count > 1 {
      words += hops.flatMap { ["nexthop"] + SnapshotReader.way($0) + ($0["weight"]?.integer.map { ["weight", "\($0)"] } ?? []) }
    } else if (hop["flags"]?.elements ?? []).contains(.string("onlink")) {
      words.append("onlink")
    }
    return words.joined(separator: " ")
  }

  /// The encapsulation, gateway and interface of a next hop.
  private static func way(_ hop: JSONValue) -> [String] {
    var words: [String] = hop["encap"]?.text.map { ["encap", $0] } ?? []
    if let gateway = hop["gateway"]?.text {
      words += ["via", gateway]
    } else if let via = hop["via"], let host = via["host"]?.text, let other = via["family"]?.text {
      words += ["via", other, host]
    }
    return words + (hop["dev"]?.text.map { ["dev", $0] } ?? [])
  }

  /// Parses the output of `ip -j rule`, or the same for IPv6.
  public mutating func read(policy text: String, _ family: Family) {
    let rules = entries(text, "ip -j rule").compactMap { ListedRule($0) }
    // A rule that every namespace has from the start, and this machine has not, was deleted.
    let usual = family == .ipv4 ? ListedRule.usual : ListedRule.usual.filter { $0 != 32767 }
    for priority in usual where !rules.isEmpty && !rules.contains(where: { $0.priority == priority && $0.isUsual }) {
      snapshot.setup.append((family == .ipv6 ? "-6 " : "") + ListedRule.deletion(of: priority))
    }
    for rule in rules where !rule.isUsual {
      if let other = rule.unknownMember {
        miss("the routing rule of priority \(rule.priority): `\(other)' is not supported")
      } else {
        snapshot.policy.append((family == .ipv6 ? "-6 " : "") + rule.words.joined(separator: " "))
      }
    }
  }

  // MARK: Neighbours and time zone

  /// Parses the output of `ip -j neigh`.
  public mutating func read(neighbours text: String) {
    for entry in entries(text, "ip -j neigh") {
      guard let address = entry["dst"]?.text.flatMap({ IPAddress($0) }), let name = entry["dev"]?.text, name != "lo" else { continue }
      let states = (entry["state"]?.elements ?? []).compactMap(\.text)
      let hardware = entry["lladdr"]?.text.flatMap { MACAddress($0) }
      guard hardware != nil || states.contains("FAILED") else { continue }
      let isKnown = snapshot.neighbours.contains { $0.interface == name && $0.address == "\(address)" }
      guard !isKnown, snapshot.interfaces.contains(where: { $0.name == name }) || bridges.contains(name) else { continue }
      snapshot.neighbours.append(
        Snapshot.Neighbour(interface: name, address: "\(address)", hardwareAddress: hardware.map { "\($0)" }))
    }
  }

  /// Stores the kernel's time zone in minutes west of Greenwich. A host description has zones of less than 16 hours.
  public mutating func take(minutesWest: Int) { if abs(minutesWest) < 16 * 60 { snapshot.minutesWest = minutesWest } }

  /// The names of the bridges.
  private var bridges: Set<String> {
    Set(snapshot.setup.filter { $0.hasPrefix("link add ") }.map { String($0.split(separator: " ")[2]) })
  }

  // MARK: Switches

  /// The names of the sysctls to read, including those of every interface.
  public var sysctlNames: [String] {
    // Writing `all` changes every interface and `default`, so those must come later.
    let known = Sysctls.knownNames.sorted { !$0.contains(".conf.default.") && $1.contains(".conf.default.") }
    let general = known + ConntrackSettings.sysctlNames
    let names = snapshot.interfaces.map(\.name) + bridges.sorted()
    let own = Sysctls.knownNames.filter { $0.contains(".conf.default.") }
    return general + names.flatMap { name in own.map { $0.replacing(".default.", with: ".\(name.replacing(".", with: "/")).") } }
  }

  /// Records the value of a sysctl; nil if the kernel has no such sysctl, which is not a gap. Without the module `br_netfilter` there are none of
  /// bridges, and bridged frames pass no rules.
  public mutating func read(sysctl name: String, _ value: String?) {
    let value = value ?? (name.hasPrefix("net.bridge.") && !bridges.isEmpty ? "0" : nil)
    guard let value = value?.split(whereSeparator: \.isWhitespace).joined(separator: " "), Int(value) != nil else { return }
    if let usual = ConntrackSettings()[sysctl: name], usual == Int(value) { return }
    let parts = name.split(separator: ".")
    if parts.count == 5, parts[2] == "conf", parts[3] != "all", parts[3] != "default" {
      // A value equal to `default` is omitted.
      let usual = "net.\(parts[1]).conf.default.\(parts[4])"
      if snapshot.sysctls.contains(where: { $0.name == usual && $0.value == value }) { return }
    }
    snapshot.sysctls.append((name, value))
  }

  // MARK: Sockets and connections

  mutating func add(_ socket: Snapshot.Socket) {
    // Sockets shared by processes appear only once.
    let known = snapshot.sockets ?? []
    func binding(_ socket: Snapshot.Socket) -> [String?] {
      [socket.proto, "\(socket.port)", socket.address, socket.device, "\(socket.isIPv6Only)"]
    }
    if !known.contains(where: { binding($0) == binding(socket) }) { snapshot.sockets = known + [socket] }
  }

  mutating func add(connection line: String) { snapshot.connections.append(line) }

  // MARK: Texts

  /// Stores iptables-save text. In names and comments that are not UTF-8, U+FFFD replaces the invalid bytes, because YAML contains only characters.
  public mutating func take(rules: String?, _ family: Family) {
    if rules?.contains("\u{FFFD}") == true {
      miss("bytes in the rules of \(family == .ipv4 ? "IPv4" : "IPv6") that are not UTF-8; they are replaced by U+FFFD")
    }
    if family == .ipv4 { snapshot.rules = rules } else { snapshot.rules6 = rules }
  }

  /// Stores the chains at hooks beside the rules, and their rules as far as they are known.
  public mutating func take(chains: [Snapshot.Chain], _ tables: [NativeTable] = []) {
    (snapshot.chains, snapshot.tables) = (chains, tables)
  }

  /// Stores `ipset save` text.
  public mutating func take(ipsets: String) { snapshot.ipsets = ipsets }

  /// Parses `/etc/passwd` or `/etc/group`, and keeps the entries whose numbers are used by rules or sockets.
  public mutating func read(names text: String, areGroups: Bool) {
    let mentioned = self.mentioned(registry.optionNames(of: areGroups ? .group : .user)).union(
      areGroups ? [] : (snapshot.sockets ?? []).map(\.uid))
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count >= 3, let number = UInt32(fields[2]), mentioned.contains(number), !fields[0].isEmpty else { continue }
      if areGroups { snapshot.groups[String(fields[0])] = number } else { snapshot.users[String(fields[0])] = number }
    }
  }

  /// The numbers, or ranges of numbers, given to options in the rules.
  private func mentioned(_ options: Set<String>) -> Set<UInt32> {
    var found: Set<UInt32> = []
    for text in [snapshot.rules, snapshot.rules6] {
      let words = (text ?? "").split { $0 == " " || $0.isNewline }
      for (name, value) in zip(words, words.dropFirst()) where options.contains(String(name)) {
        let ends = value.split(separator: "-").compactMap { UInt32($0) }
        if let first = ends.first, let last = ends.last, first <= last, last - first < 65536 { found.formUnion(first...last) }
      }
    }
    return found
  }
}
