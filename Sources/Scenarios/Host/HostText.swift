public import Diagnostics
public import Documents
public import Evaluator
import Wire
import XTables

/// Reads what `ip`, `sysctl` and `ss` print for people.
extension Host {
  // MARK: Addresses

  /// Adds the interfaces in the text of `ip addr`, `ip -o addr` or `ip -br addr`.
  func add(addressText file: SourceFile) throws(ScenarioFileError) {
    guard file.bytes.contains(where: { $0 > UInt8(ascii: " ") }) else {
      throw ScenarioFileError("there is no interface in it; the input is empty or was cut off", at: SourceRange(0..<0), hidesText: true)
    }
    var name: String?
    var known: Set<String> = []
    var masters = MasterKinds()
    for line in PrintedLine.all(of: file) {
      var rest = line.words[...]
      if !line.isIndented {
        guard let link = try PrintedLink(line) else { throw line.unlike("ip -j addr") }
        if known.insert(link.name).inserted { add(link) }
        if let master = link.master { masters.note(flags: link.flags, ofMemberOf: master) }
        name = link.name
        rest = link.addressWords
      }
      guard let name else { throw line.unlike("ip -j addr") }
      if let first = rest.first, first.hasPrefix("link/"), rest.count > 1 {
        let mac = MACAddress(rest[rest.startIndex + 1]) ?? MACAddress(rawValue: 0)
        updateDevice(named: name) { $0.hardwareAddress = mac }
      }
      masters.note(words: line.words, of: name, memberOf: device(named: name)?.bridge)
      if rest.first == "inet" || rest.first == "inet6" { try add(address: rest.dropFirst(), to: name, line) }
      if rest.first == "brief" { try add(briefAddresses: rest.dropFirst(), to: name, line) }
    }
    masters.apply(to: self)
  }

  private func add(_ link: PrintedLink) {
    addDevice(named: link.name, hardwareAddress: MACAddress(rawValue: 0))
    updateDevice(named: link.name) { device in
      device.addresses = []
      device.mtu = link.mtu ?? device.mtu
      device.isUp = link.isUp
      device.hasCarrier = link.hasCarrier
      device.hasNoARP = link.hasNoARP
      device.bridge = link.master
    }
  }

  /// Adds the address of a line such as `10.0.0.1/24 brd 10.0.0.255 scope global eth0`.
  private func add(address words: ArraySlice<String>, to name: String, _ line: PrintedLine) throws(ScenarioFileError) {
    guard let first = words.first, var address = Address(first) else { throw line.error("this line has no address") }
    var words = words.dropFirst()
    while let word = words.popFirst() {
      switch word {
      case "peer":
        guard let peer = words.popFirst().flatMap({ Address($0) }), peer.address.family == address.address.family else {
          throw line.error("`peer' needs an address")
        }
        address.peer = peer.address
        address.prefixLength = peer.prefixLength
      case "brd":
        guard let broadcast = words.popFirst().flatMap({ IPAddress($0) }) else { throw line.error("`brd' needs an address") }
        address.broadcast = broadcast
      case "scope":
        guard let scope = words.popFirst().flatMap({ RouteScope(name: $0) }) else { throw line.error("the scope is not known") }
        address.scope = scope
      case "noprefixroute": address.hasPrefixRoute = false
      case "metric": _ = words.popFirst()
      default: continue
      }
    }
    updateDevice(named: name) { $0.append(address) }
  }

  /// Adds the addresses of a line of `ip -br addr`.
  private func add(briefAddresses words: ArraySlice<String>, to name: String, _ line: PrintedLine) throws(ScenarioFileError) {
    var at = words.startIndex
    while at < words.endIndex {
      let hasPeer = at + 2 < words.endIndex && words[at + 1] == "peer"
      let isMetric = words[at] == "metric"
      if !isMetric { try add(address: words[at..<at + (hasPeer ? 3 : 1)], to: name, line) }
      at += isMetric ? 2 : hasPeer ? 3 : 1
    }
  }

  // MARK: Routes and rules

  /// Adds the routes in the text of `ip route` or `ip -6 route`.
  func add(routeText file: SourceFile) throws(ScenarioFileError) {
    var routes: [(text: String, line: PrintedLine)] = []
    for line in PrintedLine.all(of: file) {
      let text = line.words.joined(separator: " ")
      guard line.isIndented, let last = routes.popLast() else {
        routes.append((text, line))
        continue
      }
      routes.append((last.text + " " + text, last.line))
    }
    for (index, (text, line)) in routes.enumerated() {
      // A default route without an address is of the family of its neighbours.
      let isBare = Self.family(ofRoute: text) == nil
      let near = (routes[..<index].reversed() + routes[index...]).lazy.compactMap { Self.family(ofRoute: $0.text) }.first
      do throws(HostError) {
        try addRoute(printed: text, family: isBare ? near : nil)
      } catch {
        if index == 0, PrintedText(file.bytes) == nil { throw line.unlike("ip -j route") }
        throw line.error("ip route: \(error.reason)")
      }
    }
  }

  /// The family of the addresses in a line of `ip route`; nil if there are none.
  private static func family(ofRoute text: String) -> Family? {
    text.split(separator: " ").lazy.compactMap { prefix(String($0))?.address.family }.first
  }

  /// Replaces the routing rules of a family by those that `ip rule` or `ip -j rule` printed.
  ///
  /// - Throws: `ScenarioFileError` for other text.
  public func addRules(ofListing file: SourceFile) throws(ScenarioFileError) {
    try file.check(is: .routingRules)
    let text = String(decoding: file.bytes, as: UTF8.self)
    // Only IPv4 has the rule of the table `default`, and prefixes tell the family where it was removed.
    let family: Family = text.contains("default") || !text.contains("::") ? .ipv4 : .ipv6
    if file.isJSON {
      guard let list = try? JSONValue(parsing: file.bytes).elements else {
        throw ScenarioFileError("this is not the output of `ip -j rule'", at: SourceRange(0..<0), hidesText: true)
      }
      let line = PrintedLine(words: [], range: SourceRange(0..<0), isIndented: false)
      for rule in list.compactMap({ ListedRule($0) }) where !rule.isUsual {
        if let member = rule.unknownMember { throw line.error("ip rule: the member `\(member)' is not known") }
        try apply(rule: (family == .ipv6 ? "-6 " : "") + rule.words.joined(separator: " "), line)
      }
      return
    }
    removeRules(of: family)
    for line in PrintedLine.all(of: file) {
      guard let first = line.words.first, first.hasSuffix(":"), Int(first.dropLast()) != nil else {
        throw line.unlike("ip rule")
      }
      let words = line.words.dropFirst().filter { !$0.hasPrefix("[") }.map { $0 == "proto" ? "protocol" : $0 }
      try apply(rule: (family == .ipv6 ? "-6 " : "-4 ") + "pref \(first.dropLast()) " + words.joined(separator: " "), line)
    }
  }

  private func apply(rule text: String, _ line: PrintedLine) throws(ScenarioFileError) {
    let isOption = text.hasPrefix("-")
    let command = isOption ? "\(text.prefix(3))rule add \(text.dropFirst(3))" : "rule add \(text)"
    do throws(HostError) {
      try apply(ipCommand: command)
    } catch {
      throw line.error("ip rule: \(error.reason)")
    }
  }

  /// Removes the rules of a family, and keeps those of both families for the other one.
  private func removeRules(of family: Family) {
    var kept: [RouteRule] = []
    while let rule = rules.first(where: { $0.family == nil || $0.family == family }) {
      var other = rule
      other.family = family == .ipv4 ? .ipv6 : .ipv4
      if rule.family == nil { kept.append(other) }
      removeRule { $0 == rule }
    }
    for rule in kept { addRule(rule) }
  }

  // MARK: Neighbours

  /// Adds the neighbours that `ip neigh` or `ip -j neigh` printed. Those of interfaces that the host does not have are ignored.
  ///
  /// - Throws: `ScenarioFileError` for other text.
  public func addNeighbours(ofListing file: SourceFile) throws(ScenarioFileError) {
    try file.check(is: .neighbours)
    if file.isJSON {
      guard let list = try? JSONValue(parsing: file.bytes).elements else {
        throw ScenarioFileError("this is not the output of `ip -j neigh'", at: SourceRange(0..<0), hidesText: true)
      }
      for entry in list {
        let states = (entry["state"]?.elements ?? []).compactMap(\.text)
        add(neighbour: entry["dst"]?.text, on: entry["dev"]?.text, entry["lladdr"]?.text, hasFailed: states.contains("FAILED"))
      }
      return
    }
    for line in PrintedLine.all(of: file) {
      guard let name = line.value(of: "dev"), IPAddress(line.words[0]) != nil else { throw line.unlike("ip neigh") }
      add(neighbour: line.words[0], on: name, line.value(of: "lladdr"), hasFailed: line.words.last == "FAILED")
    }
  }

  /// A neighbour that has not answered yet may answer: only `FAILED` says that it does not.
  private func add(neighbour text: String?, on name: String?, _ hardware: String?, hasFailed: Bool) {
    guard let address = text.flatMap({ IPAddress($0) }), let interface = name.flatMap({ interface(named: $0) }) else { return }
    let hardware = hardware.flatMap { MACAddress($0) }
    if hardware != nil || hasFailed { neighbours.set(address, on: interface, hardware) }
  }

  // MARK: Sysctls and sockets

  /// Sets the sysctls that `sysctl -a` printed. Those that are not numbers are ignored, except those that are known.
  ///
  /// - Throws: `ScenarioFileError` for other text.
  public func setSysctls(ofListing file: SourceFile) throws(ScenarioFileError) {
    try file.check(is: .sysctls)
    var values: [(name: String, value: String)] = []
    for line in PrintedLine.all(of: file) {
      guard let equals = line.words.firstIndex(of: "="), equals == 1 else { continue }
      values.append((line.words[0], line.words.dropFirst(2).joined(separator: " ")))
    }
    guard !values.isEmpty else { throw ScenarioFileError("there is no sysctl in it", at: SourceRange(0..<0), hidesText: true) }
    // Writing these changes those of each interface, so they come first.
    let general = values.filter { Sysctls.changesInterfaces($0.name) }
    var known = sysctls
    for (name, value) in general + values.filter({ !Sysctls.changesInterfaces($0.name) }) { _ = known.assign(name, value) }
    sysctls = known
  }

  /// Adds the listening sockets that `ss -tuln` printed.
  ///
  /// - Throws: `ScenarioFileError` for other text.
  public func addSockets(ofListing file: SourceFile) throws(ScenarioFileError) {
    try file.check(is: .sockets)
    missing.remove(.sockets)
    for line in PrintedLine.all(of: file) {
      guard let state = line.words.prefix(2).firstIndex(where: { $0 == "LISTEN" || $0 == "UNCONN" }) else { continue }
      let proto: IPProtocol = line.words[state] == "LISTEN" ? .tcp : .udp
      guard state == 0 || line.words[0] == "tcp" || line.words[0] == "udp", line.words.count > state + 3 else { continue }
      let place = line.words[state + 3]
      guard let colon = place.lastIndex(of: ":"), let port = UInt16(place[place.index(after: colon)...]) else {
        throw line.error("`\(place)' is no address and port", hint: "`ss -n' prints numbers")
      }
      // `ss` prints an interface that the socket is bound to, and `*' for a socket of both families, but [::] for one of IPv6 only.
      let parts = place[..<colon].filter { $0 != "[" && $0 != "]" }.split(separator: "%", maxSplits: 1)
      let text = parts.first ?? ""
      let address = IPAddress(text).map { IPAddress(unmapped: $0) }
      guard text == "*" || address != nil else { throw line.error("`\(text)' is no address") }
      let uid = line.words.first { $0.hasPrefix("uid:") }.flatMap { UInt32($0.dropFirst(4)) }
      let name = line.words.first { $0.hasPrefix("users:((\"") }.map { String($0.dropFirst(9).prefix { $0 != "\"" }) }
      var socket = HostSocket(
        name: name ?? "\(proto == .tcp ? "tcp" : "udp")/\(port)", proto: proto, port: port, address: address,
        facts: SocketFacts(uid: uid ?? 0))
      socket.device = parts.count > 1 ? String(parts[1]) : nil
      socket.isIPv6Only = address?.family == .ipv6
      sockets.append(socket)
    }
  }
}

/// The line of an interface: `2: eth0@if5: <…> mtu 1500 …`, `2: eth0    inet …`, or `eth0 UP 10.0.0.1/24`.
private struct PrintedLink {
  let name: String
  var mtu: Int?
  var isUp = true
  var hasCarrier = true
  var hasNoARP = false
  var master: String?
  var flags: [String] = []
  /// The words of an address on the same line, after `inet`, `inet6` or `brief`.
  var addressWords: ArraySlice<String> = []

  /// Reads the line; nil if it is none of an interface.
  init?(_ line: PrintedLine) throws(ScenarioFileError) {
    let words = line.words
    let isNumbered = words.count > 1 && words[0].hasSuffix(":") && Int(words[0].dropLast()) != nil
    let isState = words.count > 1 && words[1].utf8.allSatisfy { (0x41...0x5A).contains($0) }
    guard isNumbered || isState else { return nil }
    var text = isNumbered ? words[1][...] : words[0][...]
    if text.hasSuffix(":") { text.removeLast() }
    name = String(text.prefix { $0 != "@" })
    guard (1...15).contains(name.utf8.count) else { throw line.error("`\(name)' is not a valid interface name") }
    guard isNumbered else {
      isUp = words[1] != "DOWN"
      addressWords = ["brief"] + words[2...]
      return
    }
    if words.count > 2, words[2].hasPrefix("inet") { addressWords = words[2...] }
    guard let flags = words.first(where: { $0.hasPrefix("<") }) else { return }
    self.flags = flags.split { $0 == "<" || $0 == ">" || $0 == "," }.map(String.init)
    isUp = self.flags.contains("UP")
    hasCarrier = InterfaceFlags.haveCarrier(self.flags)
    hasNoARP = self.flags.contains("NOARP")
    // Interfaces without IP may have an MTU below IP's minimum.
    mtu = line.value(of: "mtu").flatMap { Int($0) }.map { min(max($0, 68), Int(Int32.max)) }
    master = line.value(of: "master")
  }
}
