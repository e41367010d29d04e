extension Packet {
  /// The packet in one line: `tcp 10.0.0.9:1000>10.0.1.9:80 S`, `icmp 10.0.0.1>10.0.0.9 3/3 [udp 10.0.0.9:1000>10.0.1.9:2]`,
  /// `udp 10.0.0.9>10.0.1.9 frag[16, 1]` (fragment offset in bytes; 1 if more fragments follow).
  public var brief: String { Packet.brief(bytes, at: 0, quoted: false) }

  private static func brief(_ bytes: [UInt8], at start: Int, quoted: Bool) -> String {
    guard let at = TransportLocator(bytes, at: start), let ends = ends(bytes, at: start, family: at.family) else {
      return "not an IP packet (\(max(bytes.count - start, 0)) bytes)"
    }
    var line = "\(at.proto) "
    let header = at.fragmentOffset == 0 ? at.offset : bytes.count
    if at.proto.hasPorts, let source = bytes.uint16(at: header), let destination = bytes.uint16(at: header &+ 2) {
      line += "\(text(ends.0, port: source))>\(text(ends.1, port: destination))"
    } else {
      line += "\(ends.0)>\(ends.1)"
    }
    if at.proto == .tcp, !quoted, let flags = bytes.uint8(at: header &+ TCPHeader.Offset.flags) {
      line += " \(TCPFlags(rawValue: flags))"
    } else if at.proto == .icmp || at.proto == .icmpv6, let type = bytes.uint8(at: header), let code = bytes.uint8(at: header &+ 1) {
      line += " \(type)/\(code)"
      let isError = at.proto == .icmp ? ICMPHeader.isError(type: type) : ICMPHeader.isErrorV6(type: type)
      if isError, !quoted, bytes.count > header &+ ICMPHeader.length {
        line += " [\(brief(bytes, at: header &+ ICMPHeader.length, quoted: true))]"
      }
    }
    if at.fragmentOffset != 0 || at.moreFragments { line += " frag[\(at.fragmentOffset), \(at.moreFragments ? 1 : 0)]" }
    return line
  }

  private static func ends(_ bytes: [UInt8], at start: Int, family: Family) -> (IPAddress, IPAddress)? {
    switch family {
    case .ipv4: IPv4Header(bytes, at: start).map { (.v4($0.source), .v4($0.destination)) }
    case .ipv6: IPv6Header(bytes, at: start).map { (.v6($0.source), .v6($0.destination)) }
    }
  }

  /// An address and port, IPv6 addresses in brackets.
  private static func text(_ address: IPAddress, port: UInt16) -> String {
    address.family == .ipv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
  }
}
