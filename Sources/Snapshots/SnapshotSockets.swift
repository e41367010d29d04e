import Evaluator
public import Lab
package import Wire

extension SnapshotReader {
  /// Stores the listening sockets.
  public mutating func read(sockets: [Snapshot.Socket]) {
    snapshot.sockets = snapshot.sockets ?? []
    for socket in sockets { add(socket) }
  }

  /// Parses a file such as `/proc/net/tcp`, and keeps the listening sockets. It does not tell of interfaces that sockets are bound to.
  public mutating func read(sockets text: String, _ proto: String) {
    // TCP_LISTEN; for a UDP socket without a peer, TCP_CLOSE.
    let waiting = proto == "tcp" ? "0A" : "07"
    snapshot.sockets = snapshot.sockets ?? []
    for line in text.split(separator: "\n").dropFirst() {
      let fields = line.split(separator: " ", omittingEmptySubsequences: true)
      guard fields.count >= 8, fields[3] == waiting, let end = SnapshotReader.end(fields[1]), let uid = UInt32(fields[7]) else { continue }
      if proto == "udp", SnapshotReader.end(fields[2])?.port != 0 { continue }
      add(Snapshot.Socket(proto: proto, port: end.port, address: Self.text(end.address), uid: uid))
    }
  }

  /// The local address; nil for `::`, which receives both families.
  package static func text(_ address: IPAddress, isIPv6Only: Bool = false) -> String? {
    address.family == .ipv6 && address.bits == 0 && !isIPv6Only ? nil : "\(IPAddress(unmapped: address))"
  }

  /// Parses `0100007F:0035`: the address as 32-bit words in the host's byte order, in hexadecimal.
  static func end(_ text: Substring) -> (address: IPAddress, port: UInt16)? {
    let parts = text.split(separator: ":")
    guard parts.count == 2, let port = UInt16(parts[1], radix: 16), parts[0].utf8.count == 8 || parts[0].utf8.count == 32 else {
      return nil
    }
    var bits: UInt128 = 0
    var rest = parts[0]
    while !rest.isEmpty {
      guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
      bits = (bits << 32) | UInt128(UInt32(bigEndian: word))
      rest = rest.dropFirst(8)
    }
    let isFour = parts[0].utf8.count == 8
    return (IPAddress(unmapped: IPAddress(family: isFour ? .ipv4 : .ipv6, bits: bits)), port)
  }

  /// Stores connections, at most `limit`.
  public mutating func read(connections: [LabConnection], limit: Int) {
    for connection in connections.prefix(max(limit, 0)) { add(connection: connection.line) }
    let left = connections.count - max(limit, 0)
    if left > 0 { miss("\(left) tracked connection\(left == 1 ? "" : "s"): the limit is \(limit) (--connections)") }
  }
}

extension LabConnection {
  /// The connection as a line of `conntrack -L`.
  fileprivate var line: String {
    var words = ["\(proto)", "\(proto.rawValue)", "\(timeout ?? 0)"]
    if let state { words.append(state) }
    words += original.words(proto, zone == 0 && original.zone != 0 ? "zone-orig" : nil)
    if !status.names.contains("SEEN_REPLY") { words.append("[UNREPLIED]") }
    words += reply.words(proto, zone == 0 && reply.zone != 0 ? "zone-reply" : nil)
    if status.names.contains("ASSURED") { words.append("[ASSURED]") }
    words.append("mark=\(mark ?? 0)")
    if let helper { words.append("helper=\(helper)") }
    if zone != 0 { words.append("zone=\(zone)") }
    return (words + ["use=1"]).joined(separator: " ")
  }
}

extension LabTuple {
  fileprivate func words(_ proto: IPProtocol, _ zoneName: String?) -> [String] {
    var words = ["src=\(source)", "dst=\(destination)"]
    switch transport {
    case .ports(let source, let destination) where proto == .gre:
      words += ["srckey=0x\(String(source, radix: 16))", "dstkey=0x\(String(destination, radix: 16))"]
    case .ports(let source, let destination): words += ["sport=\(source)", "dport=\(destination)"]
    case .icmp(let identifier, let type, let code): words += ["type=\(type)", "code=\(code)", "id=\(identifier)"]
    case .none: break
    }
    if let zoneName { words.append("\(zoneName)=\(zone)") }
    return words
  }
}
