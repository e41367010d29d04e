import Diagnostics

/// A machine at one moment, with all that a dry run needs, as a document that scenario files (`snapshot: FILE`) and
/// `ferrule run --host FILE` read.
public struct Snapshot: Sendable, Equatable {
  /// An interface that needs nothing to be made first; bridges stand in `setup`.
  public struct Interface: Sendable, Equatable {
    public var name: String
    public var addresses: [String] = []
    public var hardwareAddress: String?
    public var mtu: Int?
    public var isUp = true
    /// The bridge it is a port of.
    public var bridge: String?
    /// `veth`, `tun`; nil for a plain one.
    public var kind: String?
  }

  /// A socket that waits for somebody.
  public struct Socket: Sendable, Hashable {
    public var proto: String
    public var port: UInt16
    public var address: String?
    public var uid: UInt32
  }

  /// Seconds since 1970.
  public var clock: Int
  public var interfaces: [Interface] = []
  /// As `ip route add` takes them, `-6` before those of IPv6.
  public var routes: [String] = []
  /// As `ip rule add` takes them.
  public var policy: [String] = []
  /// Further lines for `ip -batch`.
  public var setup: [String] = []
  public var sysctls: [(name: String, value: String)] = []
  public var users: [String: UInt32] = [:]
  public var groups: [String: UInt32] = [:]
  public var sockets: [Socket] = []
  /// The connections that conntrack knows, a line each as `conntrack -L` prints them.
  public var connections: [String] = []
  /// iptables-save text.
  public var rules: String?
  public var rules6: String?
  /// `ipset save` text.
  public var ipsets: String?
  /// What is not in it, and why.
  public var gaps: [String] = []

  public init(clock: Int) { self.clock = clock }

  public static func == (a: Snapshot, b: Snapshot) -> Bool { a.document == b.document }
}

extension Snapshot {
  /// The document, in YAML.
  public var document: String {
    var text = "# A snapshot for `ferrule run --host' and for scenario files (`snapshot: FILE').\n"
    for gap in gaps { text += "# Not in it: \(Escaping.line(gap))\n" }
    text += "clock: \(clock)\nhost:\n  interfaces:\n"
    for interface in interfaces { text += "    \(YAMLText.quote(interface.name)): \(interface.flow)\n" }
    if interfaces.isEmpty { text = String(text.dropLast()) + " {}\n" }
    // Even an empty list says something: that there are none.
    text += YAMLText.list("routes", routes) + YAMLText.list("policy", policy) + YAMLText.list("setup", setup)
    text += YAMLText.mapping("sysctls", sysctls.map { ($0.name, $0.value) })
    text += YAMLText.mapping("users", users.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map { ($0.key, "\($0.value)") })
    text += YAMLText.mapping("groups", groups.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map { ($0.key, "\($0.value)") })
    if !sockets.isEmpty { text += "  sockets:\n" + sockets.map { "    - \($0.flow)\n" }.joined() }
    if !connections.isEmpty { text += YAMLText.block("conntrack", connections.map { $0 + "\n" }.joined()) }
    for (name, block) in [("ipsets", ipsets), ("rules", rules), ("rules6", rules6)] {
      if let block, !block.isEmpty { text += YAMLText.block(name, block) }
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
    if let bridge { members.append("master: \(YAMLText.quote(bridge))") }
    if let kind { members.append("kind: \(YAMLText.quote(kind))") }
    return "{\(members.joined(separator: ", "))}"
  }
}

extension Snapshot.Socket {
  fileprivate var flow: String {
    "{proto: \(proto), port: \(port)" + (address.map { ", address: \(YAMLText.quote($0))" } ?? "") + ", uid: \(uid)}"
  }
}

/// Texts as YAML writes them.
private enum YAMLText {
  /// Plain where nothing can be mistaken, else in double quotes.
  static func quote(_ text: String) -> String {
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { byte in
      (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2E || byte == 0x2F || byte == 0x5F
    }
    let isWord = isPlain && Double(text) == nil && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text.lowercased())
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

  /// Lines as they are, where YAML can hold them so.
  static func block(_ name: String, _ text: String) -> String {
    guard text.utf8.allSatisfy({ $0 < 0x80 }), Escaping.lines(text) == text, !text.hasPrefix(" "), !text.hasPrefix("\n") else { return "\(name): \(Escaping.yaml(text))\n" }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return "\(name): |\n" + (lines.last == "" ? lines.dropLast() : lines[...]).map { "  \($0)\n" }.joined()
  }
}
