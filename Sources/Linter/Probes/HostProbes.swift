import Analysis
import Netfilter
import Wire
import XTables

/// Packets of strangers and of the host itself, run through the tables of a ruleset: they decide the checks of what is open or blocked.
///
/// A finding that rests on a packet is proved by it. That nothing is found proves nothing: only some packets are tried.
struct HostProbes: Sendable {
  /// The ruleset.
  let ruleset: Ruleset
  /// The tables of the ruleset, compiled.
  let probe: PacketProbe
  /// The same for packets to this host, whose destination is therefore one of its own addresses.
  private let inputProbe: PacketProbe
  /// The filter table only, compiled: for packets whose destination is translated already.
  let filterProbe: PacketProbe
  /// The ruleset of the other family of the same host; nil if it is not known.
  let counterpart: Ruleset?
  /// The interfaces on which packets of strangers arrive.
  let external: [String]
  /// Addresses of this host that rules name, after one that no rule names.
  let own: [IPAddress]
  /// The number of packets that may be tried for one question, so that long rulesets do not take long.
  let budget: Int

  /// Nil if the tables cannot be compiled.
  init?(_ ruleset: Ruleset, _ settings: LintSettings, _ other: Ruleset?) {
    let filtering = Ruleset(ruleset.family, tables: ruleset.tables.filter { $0.name == .filter })
    guard let probe = PacketProbe(ruleset), let filterProbe = PacketProbe(filtering) else { return nil }
    self.ruleset = ruleset
    self.probe = probe
    let localised = ruleset.decidingDestinationsAsLocal
    inputProbe = localised.flatMap { PacketProbe($0) } ?? probe
    self.filterProbe = filterProbe
    counterpart = other
    external = Interfaces.external(of: ruleset, settings)
    own = Self.addresses(of: ruleset)
    let count = ruleset.tables.reduce(0) { $0 + $1.chains.reduce(0) { $0 + $1.rules.count } }
    budget = min(4000, max(40, 4_000_000 / max(count, 1)))
  }

  /// Addresses of strangers in three different parts of the world, none of them of a network that filters of impossible sources name.
  static func strangers(_ family: Family) -> [IPAddress] {
    (family == .ipv4 ? ["64.9.9.9", "128.9.9.9", "190.9.9.9"] : ["2600:9::9", "2a00:9::9", "2400:9::9"]).compactMap { IPAddress($0) }
  }

  /// The host itself, as witnesses have it.
  static func host(_ family: Family) -> IPAddress? { IPAddress(family == .ipv4 ? "198.51.100.7" : "2001:db8:1::7") }

  /// The greatest number of addresses of the host that are tried.
  private static let mostAddresses = 8

  private static func addresses(of ruleset: Ruleset) -> [IPAddress] {
    var found = host(ruleset.family).map { [$0] } ?? []
    var seen: Set<UInt128> = []
    let full: UInt128 = ruleset.family == .ipv4 ? 0xffff_ffff : .max
    guard let filter = ruleset[table: .filter] else { return found }
    let reach = ChainReach(filter)
    for (index, chain) in filter.chains.enumerated() where reach.hooks[index].contains(.input) {
      for rule in chain.rules where rule.header.destination.mask == full && !rule.header.inverted.contains(.destination) {
        guard found.count <= mostAddresses else { return found }
        let bits = rule.header.destination.address
        let address = IPAddress(family: ruleset.family, bits: bits)
        if seen.insert(bits).inserted, !address.isForMany { found.append(address) }
      }
    }
    return found
  }

  /// A chain of the filter table that the file declares; nil if it does not, because then its policy is not known.
  func declared(_ hook: Hook) -> Chain? {
    guard let chain = ruleset[table: .filter]?[chain: hook.name], chain.source != nil else { return nil }
    return chain
  }

  /// A packet to this host.
  func arriving(
    _ proto: IPProtocol, _ port: UInt16, from source: IPAddress, to destination: IPAddress? = nil, on input: String, state: UInt16? = nil
  ) -> Witness {
    var fields = PacketFields(source, destination ?? own.first ?? source, proto: proto)
    fields.sourcePort = 40_000
    fields.destinationPort = port
    // A later packet carries no ACK, because a line of notation has no number for it.
    if proto == .tcp { fields.tcpFlags = state == nil ? .syn : .psh }
    // Rules drop SYN packets without a usual segment size.
    if proto == .tcp, state == nil { fields.tcpOptions = [2, 4, 0x05, 0xb4] }
    return Witness(draft: PacketDraft(fields, input: input), hook: .input, state: state)
  }

  /// What the tables do with a packet, if it can be decided without more of the host than that a packet at INPUT is for one of its addresses.
  func walk(_ witness: Witness) -> RulesetWalk? { (witness.hook == .input ? inputProbe : probe).decidedWalk(witness) }

  /// What decides a packet that every stranger may send: the first such packet that is accepted, if those of all strangers are.
  ///
  /// - Parameter addresses: the destinations that are tried; by default all addresses of the host that rules name.
  func opening(_ proto: IPProtocol, _ port: UInt16, addresses: [IPAddress]? = nil) -> Opening? {
    let strangers = Self.strangers(ruleset.family)
    for input in external {
      for address in addresses ?? own {
        var first: Opening?
        for stranger in strangers {
          let witness = arriving(proto, port, from: stranger, to: address, on: input)
          guard let walk = walk(witness), walk.verdict == .accept else {
            first = nil
            break
          }
          first = first ?? Opening(witness: witness, walk: walk)
        }
        if let first { return first }
      }
    }
    return nil
  }

  /// Whether rules of INPUT accept something besides connections over lo. Otherwise the host is closed on purpose.
  var servesOthers: Bool {
    guard let filter = ruleset[table: .filter] else { return false }
    let reach = ChainReach(filter)
    let loopback = InterfacePattern(ArraySlice("lo".utf8))
    if filter[chain: Hook.input.name]?.policy == .accept { return true }
    return filter.chains.indices.contains { index in
      reach.hooks[index].contains(.input)
        && filter.chains[index].rules.contains { $0.target == .verdict(.accept) && $0.header.input != loopback }
    }
  }

  /// The rule that accepts packets to every port from everyone; nil if there is none.
  func acceptingAll() -> (rule: Rule, witness: Witness)? {
    guard let opening = opening(.tcp, GuardedService.unusedPort), let rule = opening.rule(in: ruleset) else { return nil }
    // One protocol, or a range of ports, is not everything.
    guard rule.header.protocolNumber == 0, rule.onlyPorts(ruleset.family) == nil else { return nil }
    return (rule, opening.witness)
  }

  /// A packet that is accepted, and what the tables did with it.
  struct Opening {
    let witness: Witness
    let walk: RulesetWalk
    /// The rule that accepted the packet in the filter table; nil if a policy did.
    func rule(in ruleset: Ruleset) -> Rule? { walk.filterRule(in: ruleset) }
  }
}

extension RulesetWalk {
  /// The last rule of the filter table that acted on the packet; nil if a policy decided there.
  func filterRule(in ruleset: Ruleset) -> Rule? {
    guard let filter = ruleset[table: .filter], let last = rules.last(where: { $0.table == .filter }) else { return nil }
    let rule = filter[last.place]
    // A rule that only counts or logs decides nothing.
    switch rule.target {
    case .verdict(.accept), .verdict(.drop), .verdict(.queue): return rule
    case .use(let use): if case .target(let behaviour) = use.descriptor.behaviour, behaviour.ending != .never { return rule }
    case .none, .verdict(.return), .jump, .goto: break
    }
    return nil
  }

  /// The rule that decided last, whatever its table; nil if a policy did.
  func decidingRule(in ruleset: Ruleset) -> Rule? {
    guard let table, let place else { return nil }
    return ruleset[table: table]?[place]
  }
}

/// The roles of interfaces, as far as names and rules tell.
enum Interfaces {
  private static let inside = [
    "lo", "docker", "br-", "br0", "br1", "virbr", "veth", "cni", "cali", "flannel", "lxc", "lxdbr", "podman", "tun", "tap", "wg", "lan",
    "int",
    "vboxnet", "vmnet", "kube", "nodelocaldns", "vif", "tailscale",
  ]
  private static let outside = ["wan", "ppp", "ext", "inet", "pppoe", "wwan", "world", "internet", "red"]

  /// The interfaces on which strangers' packets arrive: those that the settings call so, or else those by their names, those out of which
  /// sources are translated, and one that no rule names.
  static func external(of ruleset: Ruleset, _ settings: LintSettings) -> [String] {
    let named = names(in: ruleset)
    let stated = settings.roles.filter { $0.role == .external && !$0.name.hasSuffix("+") }.map(\.name)
    if !stated.isEmpty { return stated }
    let translated = ruleset[table: .nat].map(outputs) ?? []
    let found = named.filter { name in
      let isInside = settings.role(of: name).map { $0 != .external } ?? inside.contains { name.hasPrefix($0) }
      return !isInside && (translated.contains(name) || outside.contains { name.hasPrefix($0) })
    }
    let fresh = ["eth0", "eth1", "eth7", "ens7"].first { !named.contains($0) } ?? "eth77"
    return [fresh] + found.prefix(4)
  }

  /// The exact names that rules test, in the order of the rules.
  static func names(in ruleset: Ruleset) -> [String] {
    var seen: Set<InterfacePattern> = []
    var names: [String] = []
    for rule in ruleset.tables.lazy.flatMap(\.chains).flatMap(\.rules) {
      for pattern in [rule.header.input, rule.header.output] where !pattern.matchesAll && seen.insert(pattern).inserted {
        let text = pattern.text
        names.append(String(decoding: text.last == UInt8(ascii: "+") ? text.dropLast() + [UInt8(ascii: "0")] : text[...], as: UTF8.self))
      }
    }
    return names
  }

  /// The interfaces out of which rules translate sources.
  private static func outputs(_ nat: Table) -> Set<String> {
    let site = EffectSite(family: nat.family, hook: .postrouting)
    return Set(
      nat.chains.flatMap(\.rules).filter { rule in
        guard case .use(let use) = rule.target, !rule.header.output.matchesAll, !rule.header.inverted.contains(.output) else {
          return false
        }
        return FieldWrites(use.descriptor.effects(use.payload, site)).fields.contains(.sourceAddress)
      }.map { String(decoding: $0.header.output.text, as: UTF8.self) })
  }
}

/// Ports at which a stranger should find nothing, and what listens there.
struct GuardedService: Sendable {
  let proto: IPProtocol
  let port: UInt16
  let name: String

  static let all: [GuardedService] = [
    ("tcp", 23, "Telnet"), ("tcp", 111, "rpcbind"), ("tcp", 135, "MS-RPC"), ("tcp", 139, "NetBIOS"), ("udp", 161, "SNMP"),
    ("tcp", 389, "LDAP"),
    ("tcp", 445, "SMB"), ("tcp", 512, "rexec"), ("tcp", 513, "rlogin"), ("tcp", 514, "rsh"), ("tcp", 873, "rsync"),
    ("tcp", 1433, "SQL Server"),
    ("tcp", 1521, "Oracle"), ("tcp", 2049, "NFS"), ("tcp", 2375, "the Docker API"), ("tcp", 2376, "the Docker API"), ("tcp", 2379, "etcd"),
    ("tcp", 2380, "etcd"), ("tcp", 3306, "MySQL"), ("tcp", 3389, "RDP"), ("tcp", 5432, "PostgreSQL"), ("tcp", 5900, "VNC"),
    ("tcp", 5984, "CouchDB"),
    ("tcp", 6000, "X11"), ("tcp", 6379, "Redis"), ("tcp", 6443, "the Kubernetes API"), ("tcp", 8086, "InfluxDB"),
    ("tcp", 9042, "Cassandra"),
    ("tcp", 9200, "Elasticsearch"), ("tcp", 10250, "the kubelet"), ("tcp", 10255, "the kubelet"), ("tcp", 11211, "memcached"),
    ("udp", 11211, "memcached"), ("tcp", 27017, "MongoDB"),
  ].map { GuardedService(proto: $0.0 == "tcp" ? .tcp : .udp, port: $0.1, name: $0.2) }

  /// A port for which no service is registered and which no rule is likely to name: what accepts it accepts any port.
  static let unusedPort: UInt16 = 48_123

  var words: String { "\(name) (\(proto == .tcp ? "tcp" : "udp") \(port))" }
}
