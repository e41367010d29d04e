extension Packet {
  /// The packet in one line: `tcp 10.0.0.9:1000>10.0.1.9:80 S`, `icmp 10.0.0.1>10.0.0.9 3/3 [udp 10.0.0.9:1000>10.0.1.9:2]`,
  /// `udp 10.0.0.9>10.0.1.9 frag[16, 1]` (fragment offset in bytes; 1 if more fragments follow).
  public var brief: String {
    var text: [UInt8] = []
    appendBrief(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends ``brief``, which is printable ASCII. Allocates nothing for an IPv4 packet if the array has room.
  public func appendBrief(to text: inout [UInt8]) { Packet.append(bytes, at: 0, quoted: false, to: &text) }

  private static func append(_ bytes: [UInt8], at start: Int, quoted: Bool, to text: inout [UInt8]) {
    guard let at = TransportLocator(bytes, at: start), let ends = ends(bytes, at: start, family: at.family) else {
      text += "not an IP packet (\(max(bytes.count - start, 0)) bytes)".utf8
      return
    }
    text += at.proto.description.utf8
    text.append(UInt8(ascii: " "))
    let header = at.fragmentOffset == 0 ? at.offset : bytes.count
    let ports = at.proto.hasPorts ? bytes.uint32(at: header) : nil
    append(ends.0, port: ports.map { Int($0 >> 16) }, to: &text)
    text.append(UInt8(ascii: ">"))
    append(ends.1, port: ports.map { Int($0 & 0xFFFF) }, to: &text)
    if at.proto == .tcp, !quoted, let flags = bytes.uint8(at: header &+ TCPHeader.Offset.flags) {
      text.append(UInt8(ascii: " "))
      TCPFlags(rawValue: flags).append(to: &text)
    } else if at.proto == .icmp || at.proto == .icmpv6, let type = bytes.uint8(at: header), let code = bytes.uint8(at: header &+ 1) {
      text += " \(type)/\(code)".utf8
      let isError = at.proto == .icmp ? ICMPHeader.isError(type: type) : ICMPHeader.isErrorV6(type: type)
      if isError, !quoted, bytes.count > header &+ ICMPHeader.length {
        text += " [".utf8
        append(bytes, at: header &+ ICMPHeader.length, quoted: true, to: &text)
        text.append(UInt8(ascii: "]"))
      }
    }
    if at.fragmentOffset != 0 || at.moreFragments { text += " frag[\(at.fragmentOffset), \(at.moreFragments ? 1 : 0)]".utf8 }
  }

  private static func ends(_ bytes: [UInt8], at start: Int, family: Family) -> (IPAddress, IPAddress)? {
    switch family {
    case .ipv4: IPv4Header(bytes, at: start).map { (.v4($0.source), .v4($0.destination)) }
    case .ipv6: IPv6Header(bytes, at: start).map { (.v6($0.source), .v6($0.destination)) }
    }
  }

  /// Appends an address, and the port if there is one; an IPv6 address before a port is in brackets.
  private static func append(_ address: IPAddress, port: Int?, to text: inout [UInt8]) {
    switch address {
    case .v4(let address): address.append(to: &text)
    case .v6(let address) where port == nil: text += address.description.utf8
    case .v6(let address): text += "[\(address)]".utf8
    }
    guard let port else { return }
    text.append(UInt8(ascii: ":"))
    text.appendDecimal(port)
  }
}

extension [UInt8] {
  /// Appends a number that is not negative in decimal digits.
  mutating func appendDecimal(_ number: Int) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var first = digits.count
    var rest = number.magnitude
    repeat {
      first -= 1
      digits[first] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    while first < digits.count {
      append(digits[first])
      first += 1
    }
  }
}
