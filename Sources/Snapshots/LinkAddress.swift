import Documents
import Wire

/// An address of an interface in the output of `ip -j addr`.
struct LinkAddress {
  private let bare: IPAddress
  private let prefixLength: Int
  private let peer: IPAddress?
  private let broadcast: IPAddress?
  private let scope: String?
  /// False if the kernel made no route to the address's network (`noprefixroute`).
  let hasPrefixRoute: Bool

  /// Nil for an entry without an address.
  init?(_ info: JSONValue) {
    guard let local = info["local"]?.text.flatMap({ IPAddress($0) }), let length = info["prefixlen"]?.integer,
      (0...local.family.addressBits).contains(length)
    else { return nil }
    bare = local
    prefixLength = length
    peer = info["address"]?.text.flatMap { IPAddress($0) }
    broadcast = info["broadcast"]?.text.flatMap { IPAddress($0) }
    scope = info["scope"]?.text
    hasPrefixRoute = info["noprefixroute"] != .bool(true)
  }

  var family: Family { bare.family }
  var text: String { "\(bare)/\(prefixLength)" }

  /// The network to which the kernel makes a route: that of the peer, if there is one.
  var network: String { Prefix(peer ?? bare, prefixLength).text }

  /// True if the interface's list of addresses describes it completely: no peer, a prefix route, and the usual scope and broadcast address.
  var isPlain: Bool { peer == nil && hasPrefixRoute && hasUsualScope && hasUsualBroadcast }

  private var hasUsualScope: Bool {
    let usual = text.hasPrefix("fe80:") ? "link" : text.hasPrefix("127.") || text == "::1/128" ? "host" : "global"
    return scope == nil || scope == usual
  }

  /// The address with all host bits set.
  private var lastOfNetwork: IPAddress? {
    guard bare.family == .ipv4, prefixLength < 31 else { return nil }
    return IPAddress(family: .ipv4, bits: bare.bits | (0xFFFF_FFFF >> UInt128(prefixLength)))
  }

  private var hasUsualBroadcast: Bool { broadcast == nil || broadcast == lastOfNetwork }

  /// The line of `ip -batch` that adds it.
  func command(on interface: String) -> String {
    var words = peer.map { ["\(bare)", "peer", "\($0)/\(prefixLength)"] } ?? [text]
    if let broadcast { words += ["brd", "\(broadcast)"] }
    if !hasUsualScope, let scope { words += ["scope", scope] }
    if !hasPrefixRoute { words.append("noprefixroute") }
    return "addr add " + words.joined(separator: " ") + " dev \(interface)"
  }
}

/// A network as text without host bits.
struct Prefix {
  let text: String

  init(_ address: IPAddress, _ length: Int) {
    let whole = address.family.addressBits
    let shift = UInt128(whole - min(max(length, 0), whole))
    let bits = shift >= 128 ? 0 : (address.bits >> shift) << shift
    text = "\(IPAddress(family: address.family, bits: bits))/\(length)"
  }

  /// Parses `10.0.0.0/8`, an address alone, or `default`.
  init?(_ text: String, _ family: Family) {
    let parts = text.split(separator: "/", maxSplits: 1)
    guard let address = parts.first.flatMap({ IPAddress($0) }) else { return nil }
    guard let length = parts.count == 2 ? Int(parts[1]) : address.family.addressBits else { return nil }
    self.init(address, length)
  }
}
