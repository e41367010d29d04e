import Diagnostics
public import XTables

/// The state of a machine at one moment, with everything needed to simulate it. It is stored as a document that scenario files
/// (`snapshot: FILE`) and `ferrule run --host FILE` read.
public struct Snapshot: Sendable, Equatable {
  /// An interface that exists without set-up; bridges are created by `setup`.
  public struct Interface: Sendable, Equatable {
    /// The interface's name.
    public var name: String
    /// The addresses with prefix lengths.
    public var addresses: [String] = []
    /// The hardware address; nil if it has none.
    public var hardwareAddress: String?
    /// The MTU in bytes; nil for the default.
    public var mtu: Int?
    /// True if the interface is up.
    public var isUp = true
    /// False if the link is down while the interface is up.
    public var hasCarrier = true
    /// The bridge that it is a port of.
    public var bridge: String?
    /// The kind, such as `veth` or `tun`; nil for a physical interface.
    public var kind: String?
    /// The number of the interface group.
    public var group: Int?
  }

  /// A listening socket.
  public struct Socket: Sendable, Hashable {
    /// The protocol, `tcp` or `udp`.
    public var proto: String
    /// The local port.
    public var port: UInt16
    /// The local address; nil for any.
    public var address: String?
    /// The user that owns the socket.
    public var uid: UInt32
    /// The interface that it is bound to; nil for any.
    public var device: String?
    /// True if a socket of IPv6 receives no IPv4.
    public var isIPv6Only: Bool

    /// Creates a socket.
    public init(proto: String, port: UInt16, address: String?, uid: UInt32, device: String? = nil, isIPv6Only: Bool = false) {
      self.proto = proto
      self.port = port
      self.address = address
      self.uid = uid
      self.device = device
      self.isIPv6Only = isIPv6Only
    }
  }

  /// A neighbour on a network of the machine.
  public struct Neighbour: Sendable, Hashable {
    /// The interface behind which it is.
    public var interface: String
    /// Its address.
    public var address: String
    /// Its hardware address; nil if it did not answer.
    public var hardwareAddress: String?
  }

  /// A chain at a hook that is no part of the snapshot's rules.
  public struct Chain: Sendable, Hashable {
    /// The part of the kernel that holds it: `nf_tables` or `ip_tables`.
    public var holder: String
    /// The family of its table, as nft(8) writes it.
    public var family: String
    /// The name of its table.
    public var table: String
    /// Its name.
    public var name: String
    /// The hook as iptables names it, or `ingress` or `egress`.
    public var hook: String
    /// Its place among the chains of the hook.
    public var priority: Int32
    /// `filter`, `nat` or `route`.
    public var type: String
    /// Whether the policy is to drop.
    public var drops: Bool
    /// The number of rules that packets can reach from it.
    public var rules: Int
    /// What it may do to packets: `drop`, `change`.
    public var effects: [String]
    /// The devices of a chain at ingress or egress.
    public var devices: [String]

    /// Creates a chain.
    public init(
      holder: String, family: String, table: String, name: String, hook: String, priority: Int32, type: String, drops: Bool, rules: Int,
      effects: [String], devices: [String]
    ) {
      self.holder = holder
      self.family = family
      self.table = table
      self.name = name
      self.hook = hook
      self.priority = priority
      self.type = type
      self.drops = drops
      self.rules = rules
      self.effects = effects
      self.devices = devices
    }
  }

  /// The time of the snapshot, in seconds since 1970.
  public var clock: Int
  /// The interfaces, in the order of their indices.
  public var interfaces: [Interface] = []
  /// Routes in the syntax of `ip route add`; those of IPv6 start with `-6`.
  public var routes: [String] = []
  /// Routing rules in the syntax of `ip rule add`.
  public var policy: [String] = []
  /// Further lines of `ip -batch`.
  public var setup: [String] = []
  /// The sysctls with their values.
  public var sysctls: [(name: String, value: String)] = []
  /// The numbers of users that rules and sockets refer to, by name.
  public var users: [String: UInt32] = [:]
  /// The numbers of groups that rules refer to, by name.
  public var groups: [String: UInt32] = [:]
  /// The neighbours whose state is known.
  public var neighbours: [Neighbour] = []
  /// The multicast groups that interfaces have joined, as a host description has them, by interface; nil if they are not known.
  public var multicast: [String: [String]]?
  /// The kernel's time zone in minutes west of Greenwich; nil if not known.
  public var minutesWest: Int?
  /// The listening sockets; nil if they are not known.
  public var sockets: [Socket]?
  /// True if the rules are those of iptables-nft.
  public var usesNfTables = false
  /// The chains at hooks beside the rules that hold a rule or drop by their policy.
  public var chains: [Chain] = []
  /// The rules of these chains, by table of nf_tables, as far as they are known.
  public var tables: [NativeTable] = []
  /// Conntrack's entries, as lines of `conntrack -L`.
  public var connections: [String] = []
  /// iptables-save text; empty if there are no IPv4 rules, nil if they are not known.
  public var rules: String?
  /// ip6tables-save text; empty if there are no IPv6 rules, nil if they are not known.
  public var rules6: String?
  /// `ipset save` text; nil without sets.
  public var ipsets: String?
  /// What is missing in the snapshot, and why.
  public var gaps: [String] = []

  /// Creates an empty snapshot.
  public init(clock: Int) { self.clock = clock }

  /// Compares the documents.
  public static func == (a: Snapshot, b: Snapshot) -> Bool { a.document == b.document }
}

extension Snapshot {
  /// The document as YAML.
  public var document: String {
    var text = "# A snapshot for `ferrule run --host' and for scenario files (`snapshot: FILE').\n"
    for gap in gaps { text += "# Not in this snapshot: \(Escaping.line(gap))\n" }
    text += "clock: \(clock)\nhost:\n  interfaces:\n"
    for interface in interfaces { text += "    \(YAMLText.quote(interface.name)): \(interface.flow)\n" }
    if interfaces.isEmpty { text = String(text.dropLast()) + " {}\n" }
    // Empty lists are written too: they mean that there are none.
    text += YAMLText.list("routes", routes) + YAMLText.list("policy", policy) + YAMLText.list("setup", setup)
    text += neighbourText + multicastText
    if let minutesWest { text += "  timezone: \"\(Self.zone(minutesWest))\"\n" }
    text += YAMLText.mapping("sysctls", sysctls.map { ($0.name, $0.value) })
    text += YAMLText.mapping("users", users.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map { ($0.key, "\($0.value)") })
    text += YAMLText.mapping("groups", groups.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map { ($0.key, "\($0.value)") })
    if let sockets { text += sockets.isEmpty ? "  sockets: []\n" : "  sockets:\n" + sockets.map { "    - \($0.flow)\n" }.joined() }
    if usesNfTables { text += "  backend: nft\n" }
    if !chains.isEmpty { text += "  chains:\n" + chains.map { "    - \($0.flow)\n" }.joined() }
    if !tables.isEmpty { text += "  nftables:\n" + tables.map(\.document).joined() }
    if !connections.isEmpty { text += YAMLText.block("conntrack", connections.map { $0 + "\n" }.joined()) }
    if let ipsets, !ipsets.isEmpty { text += YAMLText.block("ipsets", ipsets) }
    for (name, block) in [("rules", rules), ("rules6", rules6)] {
      if let block { text += block.isEmpty ? "\(name): none\n" : YAMLText.block(name, block) }
    }
    return text
  }

  private var neighbourText: String {
    guard !neighbours.isEmpty else { return "" }
    var text = "  neighbours:\n"
    for name in Set(neighbours.map(\.interface)).sorted() {
      let entries = neighbours.filter { $0.interface == name }.map { neighbour in
        "\(YAMLText.quote(neighbour.address)): \(neighbour.hardwareAddress.map(YAMLText.quote) ?? "none")"
      }
      text += "    \(YAMLText.quote(name)): {\(entries.joined(separator: ", "))}\n"
    }
    return text
  }

  private var multicastText: String {
    guard let multicast else { return "" }
    guard !multicast.isEmpty else { return "  multicast: {}\n" }
    return "  multicast:\n"
      + multicast.sorted { $0.key < $1.key }.map { name, groups in
        "    \(YAMLText.quote(name)): [\(groups.map(YAMLText.quote).joined(separator: ", "))]\n"
      }.joined()
  }

  /// A time zone as a host description has it: `UTC`, `+01:00`.
  private static func zone(_ minutesWest: Int) -> String {
    guard minutesWest != 0 else { return "UTC" }
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
    let minutes = abs(minutesWest)
    return (minutesWest < 0 ? "+" : "-") + two(minutes / 60) + ":" + two(minutes % 60)
  }
}

extension NativeTable {
  /// The table as an element of `nftables` in a host description.
  fileprivate var document: String {
    var text = "    - family: \(family.rawValue)\n      table: \(YAMLText.quote(name))\n"
    if !sets.isEmpty {
      text += "      sets:\n"
      for (name, set) in sets.sorted(by: { $0.key < $1.key }) {
        text += "        \(YAMLText.quote(name)): \(YAMLText.quote(set.text(in: family)))\n"
      }
    }
    text += "      chains:\n"
    for chain in chains {
      text += "        \(YAMLText.quote(chain.name)):\(chain.rules.isEmpty ? " []" : "")\n"
      for rule in chain.rules { text += "          - \(YAMLText.quote(rule.text(in: family)))\n" }
    }
    return text
  }
}

extension Snapshot.Interface {
  fileprivate var flow: String {
    var members = ["addresses: [\(addresses.map(YAMLText.quote).joined(separator: ", "))]"]
    if let hardwareAddress { members.append("mac: \(YAMLText.quote(hardwareAddress))") }
    if let mtu { members.append("mtu: \(mtu)") }
    if !isUp { members.append("up: false") }
    if !hasCarrier { members.append("carrier: false") }
    if let bridge { members.append("master: \(YAMLText.quote(bridge))") }
    if let kind { members.append("kind: \(YAMLText.quote(kind))") }
    if let group { members.append("group: \(group)") }
    return "{\(members.joined(separator: ", "))}"
  }
}

extension Snapshot.Socket {
  fileprivate var flow: String {
    "{proto: \(proto), port: \(port)" + (address.map { ", address: \(YAMLText.quote($0))" } ?? "")
      + (device.map { ", device: \(YAMLText.quote($0))" } ?? "") + (isIPv6Only ? ", v6only: true" : "") + ", uid: \(uid)}"
  }
}

extension Snapshot.Chain {
  fileprivate var flow: String {
    func list(_ name: String, _ texts: [String]) -> String {
      texts.isEmpty ? "" : ", \(name): [\(texts.map(YAMLText.quote).joined(separator: ", "))]"
    }
    return "{family: \(family), table: \(YAMLText.quote(table)), chain: \(YAMLText.quote(name)), hook: \(hook), priority: \(priority), "
      + "type: \(type), policy: \(drops ? "drop" : "accept"), rules: \(rules), holder: \(holder)\(list("may", effects))\(list("devices", devices))}"
  }
}

/// Writes values as YAML.
private enum YAMLText {
  /// A plain scalar if that is unambiguous, otherwise double quotes.
  static func quote(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy { byte in
        (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2E || byte == 0x2F
          || byte == 0x5F
      }
    let isWord =
      isPlain && Double(text) == nil && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text.lowercased())
    return isWord ? text : Escaping.yaml(text)
  }

  static func list(_ name: String, _ texts: [String]) -> String {
    guard !texts.isEmpty else { return "  \(name): []\n" }
    return "  \(name):\n" + texts.map { "    - \(Escaping.yaml($0))\n" }.joined()
  }

  static func mapping(_ name: String, _ members: [(String, String)]) -> String {
    guard !members.isEmpty else { return "" }
    return "  \(name):\n" + members.map { "    \(quote($0.0)): \($0.1)\n" }.joined()
  }

  /// A block scalar if YAML can represent the text that way.
  static func block(_ name: String, _ text: String) -> String {
    guard text.utf8.allSatisfy({ $0 < 0x80 }), Escaping.lines(text) == text, !text.hasPrefix(" "), !text.hasPrefix("\n") else {
      return "\(name): \(Escaping.yaml(text))\n"
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return "\(name): |\n" + (lines.last == "" ? lines.dropLast() : lines[...]).map { "  \($0)\n" }.joined()
  }
}
