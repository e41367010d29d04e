/// The kinds of text that programs of this field print, as far as their first lines tell.
///
/// People have one of them where another one is asked for. A reader that cannot read a text uses this to name what it is.
public enum PrintedText: Sendable, CaseIterable {
  case ruleset, ruleCommands, ruleListing, shellCommands, nftables, addressSets, addressSetListing, addresses, routes, routingRules,
    neighbours
  case sockets, netstat, sysctls, connections, hostDescription, routeTable, ifconfig

  /// Recognises a text; nil if it is none of these.
  public init?(_ bytes: [UInt8]) {
    let text = String(decoding: bytes.prefix(8192), as: UTF8.self)
    if let first = text.utf8.first(where: { !Self.isSpace($0) }), first == UInt8(ascii: "[") || first == UInt8(ascii: "{") {
      guard let kind = Self.json(text) else { return nil }
      self = kind
      return
    }
    for line in text.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).prefix(200) {
      let words = line.split(whereSeparator: Self.isSpace).map { String(Substring($0)) }
      guard let first = words.first, !first.hasPrefix("#") || first.hasPrefix("#!") else { continue }
      guard let kind = Self.kind(first, words, String(Substring(line))) else { return nil }
      self = kind
      return
    }
    return nil
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func json(_ text: String) -> PrintedText? {
    if text.contains("\"ifname\"") { return .addresses }
    if text.contains("\"lladdr\"") || text.contains("\"FAILED\"") { return .neighbours }
    if text.contains("\"dst\"") { return .routes }
    if text.contains("\"nftables\"") { return .nftables }
    return text.contains("\"priority\"") && text.contains("\"table\"") ? .routingRules : nil
  }

  private static func kind(_ first: String, _ words: [String], _ line: String) -> PrintedText? {
    if first.hasPrefix("*") { return .ruleset }
    switch first {
    case "Chain" where line.contains("(policy ") || line.contains(" references)"): return .ruleListing
    case "-P", "-N": return .ruleCommands
    case "#!/bin/sh", "#!/bin/bash", "#!", "sudo", "iptables", "ip6tables", "iptables-legacy", "/sbin/iptables", "/usr/sbin/iptables":
      return .shellCommands
    case "table" where words.count > 2 && line.hasSuffix("{"): return .nftables
    case "create", "add", "flush": return words.count > 2 ? .addressSets : nil
    case "Name:": return .addressSetListing
    case "Netid": return .sockets
    case "State" where words.contains("Recv-Q"): return .sockets
    case "Active" where words.contains("Internet"): return .netstat
    case "Proto" where words.contains("Recv-Q"): return .netstat
    case "Kernel" where words.contains("routing"): return .routeTable
    case "Destination" where words.contains("Gateway"): return .routeTable
    case "interfaces:", "host:": return .hostDescription
    default: break
    }
    if first.hasPrefix("#!") { return .shellCommands }
    if line.contains("src="), line.contains("dst=") { return .connections }
    if words.count > 2, words[1] == "=", first.contains(".") { return .sysctls }
    return ofIP(first, words, line)
  }

  private static func ofIP(_ first: String, _ words: [String], _ line: String) -> PrintedText? {
    if first.hasSuffix(":"), !first.dropLast().isEmpty, first.dropLast().utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      if words.count > 1, words[1] == "from" || words[1] == "not" { return .routingRules }
      return words.count > 2 && (words[1].hasSuffix(":") || words[2].hasPrefix("inet")) ? .addresses : nil
    }
    if words.count > 2, words[1].hasPrefix("flags=") || line.contains("Link encap") { return .ifconfig }
    if words.count > 1, ["UP", "DOWN", "UNKNOWN", "LOWERLAYERDOWN", "DORMANT"].contains(words[1]) { return .addresses }
    if words.count > 3, words[1] == "dev", words.contains("lladdr") || ["FAILED", "INCOMPLETE"].contains(words[words.count - 1]) {
      return .neighbours
    }
    let types: Set = ["unicast", "local", "broadcast", "anycast", "multicast", "unreachable", "prohibit", "blackhole", "throw"]
    let rest = types.contains(first) ? Array(words.dropFirst()) : words
    guard let destination = rest.first else { return nil }
    let isAddress = destination.utf8.allSatisfy { (0x30...0x3A).contains($0) || (0x61...0x66).contains($0) || $0 == 0x2E || $0 == 0x2F }
    let isDestination = destination == "default" || isAddress && destination.contains { $0 == "." || $0 == ":" || $0 == "/" }
    let attributes: Set = ["via", "dev", "proto", "scope", "metric", "nexthop", "src", "table"]
    return isDestination && (types.contains(first) || rest.dropFirst().contains { attributes.contains($0) }) ? .routes : nil
  }

  /// The program that prints the text.
  public var program: String {
    switch self {
    case .ruleset: "iptables-save"
    case .ruleCommands: "iptables -S"
    case .ruleListing: "iptables -L"
    case .shellCommands: "a shell script"
    case .nftables: "nft list ruleset"
    case .addressSets: "ipset save"
    case .addressSetListing: "ipset list"
    case .addresses: "ip addr"
    case .routes: "ip route"
    case .routingRules: "ip rule"
    case .neighbours: "ip neigh"
    case .sockets: "ss"
    case .netstat: "netstat"
    case .sysctls: "sysctl -a"
    case .connections: "conntrack -L"
    case .hostDescription: "a host description"
    case .routeTable: "route"
    case .ifconfig: "ifconfig"
    }
  }

  /// What the text is, for a message.
  public var title: String {
    switch self {
    case .shellCommands, .hostDescription: "this is \(program)"
    default: "this is what `\(program)' prints"
    }
  }

  /// What to do with such a text, or what to give instead.
  public var advice: String {
    switch self {
    case .ruleset: "it is a ruleset: name it as FILE"
    case .ruleCommands: "`ferrule fmt' writes it as iptables-save text"
    case .ruleListing: "the listing leaves out what rules test: give what `iptables-save' or `iptables -S' prints"
    case .shellCommands: "run it in a namespace, and give what `iptables-save' prints there"
    case .nftables: "its rules are those of nf_tables: give what `iptables-save' prints, if they were made by iptables"
    case .addressSets, .addressSetListing: "sets are given with --ipset"
    case .addresses: "addresses are given with --ip-addr"
    case .routes: "routes are given with --ip-route"
    case .routingRules: "routing rules are given with --ip-rule"
    case .neighbours: "neighbours are given with --ip-neigh"
    case .sockets: "sockets are given with --ss"
    case .netstat: "give what `ss -tuln' prints, with --ss"
    case .sysctls: "sysctls are given with --sysctl"
    case .connections: "connections are given with --conntrack-from"
    case .hostDescription: "it is given with --host"
    case .routeTable: "give what `ip route' prints, with --ip-route"
    case .ifconfig: "give what `ip addr' prints, with --ip-addr"
    }
  }
}
