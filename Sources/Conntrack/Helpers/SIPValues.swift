package import Wire

/// Addresses, numbers and parameters in header values.
extension SIPMessage {
  func endpoint(at start: Int, skipsUser: Bool) -> Endpoint? {
    var place = start
    if skipsUser {
      var end = start
      while let byte = text[end], byte != 0x40, byte != 0x0D, byte != 0x0A { end += 1 }
      if text[end] == 0x40 { place = end + 1 }
    }
    guard let (address, end) = address(at: place, bracketed: true), let (port, portEnd) = port(at: end) else { return nil }
    return Endpoint(address: address, port: port, range: place..<portEnd)
  }

  /// The address at a position, and the position after it.
  /// - Parameter bracketed: if true, an IPv6 address must be in brackets; if false, it may be.
  func address(at start: Int, bracketed: Bool) -> (address: IPAddress, end: Int)? {
    if family == .ipv4 { return ipv4(at: start) }
    let isBracketed = text[start] == 0x5B
    if bracketed, !isBracketed { return nil }
    let place = isBracketed ? start + 1 : start
    var word: [UInt8] = []
    while let byte = text[place + word.count], word.count < 46, isAddressByte(byte) { word.append(byte) }
    // Takes the longest prefix that is an address.
    while !word.isEmpty {
      if let address = IPv6Address(String(decoding: word, as: UTF8.self)) {
        var end = place + word.count
        if isBracketed, text[end] == 0x5D { end += 1 } else if bracketed { return nil }
        return (.v6(address), end)
      }
      word.removeLast()
    }
    return nil
  }

  /// Four decimal numbers; leading zeros are allowed. Neither a dot nor a hexadecimal digit may follow. The corresponding kernel
  /// function is `in4_pton`.
  private func ipv4(at start: Int) -> (address: IPAddress, end: Int)? {
    var bits: UInt32 = 0
    var place = start
    for part in 0..<4 {
      var value: UInt32 = 0
      let first = place
      while let byte = text[place], PayloadText.isDigit(byte) {
        value = value * 10 + UInt32(byte - 0x30)
        guard value <= 255 else { return nil }
        place += 1
      }
      guard place > first else { return nil }
      bits = bits << 8 | value
      guard part < 3 else { break }
      guard text[place] == 0x2E else { return nil }
      place += 1
    }
    if let next = text[place], next == 0x2E || (0x61...0x66).contains(PayloadText.lowered(next)) { return nil }
    return (.v4(IPv4Address(rawValue: bits)), place)
  }

  private func isAddressByte(_ byte: UInt8) -> Bool {
    PayloadText.isDigit(byte) || byte == 0x2E || byte == 0x3A || (0x61...0x66).contains(PayloadText.lowered(byte))
  }

  /// The port after an address: 5060 if there is none; nil for an invalid port, or at the end of the message. The corresponding kernel
  /// function is `sip_parse_port`.
  private func port(at start: Int) -> (port: UInt16, end: Int)? {
    guard start < text.count else { return nil }
    guard text[start] == 0x3A else { return (5060, start) }
    let (value, end) = text.number(at: start + 1)
    guard end > start + 1, end - start <= 6, end < text.count, (1024...65535).contains(value) else { return nil }
    return (UInt16(value), end)
  }

  /// A number of digits that fits 32 bits. The corresponding kernel function is `sip_strtouint`.
  func strictNumber(at start: Int) -> (value: UInt32, end: Int)? {
    var value: UInt64 = 0
    var place = start
    while let byte = text[place], PayloadText.isDigit(byte) {
      value = value * 10 + UInt64(byte - 0x30)
      guard value <= UInt64(UInt32.max) else { return nil }
      place += 1
    }
    return place > start ? (UInt32(value), place) : nil
  }

  /// A parameter of the address at a position, such as `expires=3600`, up to the next comma.
  package func parameter(_ name: String, from start: Int) -> Found<(value: UInt32, range: Range<Int>)> {
    guard let place = search(name, from: start, to: search(",", from: start)) else { return .missing }
    let begin = place + name.utf8.count
    guard let (value, end) = strictNumber(at: begin) else { return .malformed(begin) }
    return .found((value, begin..<end))
  }

  /// A parameter whose value is an address. The corresponding kernel function is `ct_sip_parse_address_param`.
  package func addressParameter(_ name: String, from start: Int, bracketed: Bool) -> (address: IPAddress, range: Range<Int>)? {
    guard let place = search(name, from: start, to: search(",", from: start)) else { return nil }
    let begin = place + name.utf8.count
    return address(at: begin, bracketed: bracketed).map { ($0.address, begin..<$0.end) }
  }

  /// The transport protocol of an address's `transport` parameter; the connection's own without the parameter; nil for an unknown one.
  func transport(from start: Int, own: IPProtocol) -> IPProtocol? {
    guard let place = search("transport=", from: start, to: search(",", from: start)) else { return own }
    let value = place + 10
    if text.has("TCP", at: value, ignoringCase: true) { return own == .tcp ? .tcp : nil }
    if text.has("UDP", at: value, ignoringCase: true) { return own == .udp ? .udp : nil }
    return nil
  }
}

/// A line of a session description.
public enum SIPSessionLine: Sendable {
  case version, owner, connection, media

  fileprivate var name: String {
    switch self {
    case .version: "v="
    case .owner: "o="
    case .connection: "c="
    case .media: "m="
    }
  }
}

/// The session description (RFC 4566).
extension SIPMessage {
  /// The range of the value of the first line of a kind after `start`, or of its significant part: the version's digits, the address, the
  /// media type, the port. The corresponding kernel function is `ct_sip_get_sdp_header`.
  /// - Parameter stopsAtMedia: if true, the search stops at the next media line.
  package func session(_ kind: SIPSessionLine, from start: Int, stopsAtMedia: Bool = false) -> Range<Int>? {
    var rest = start
    while let place = line(behind: rest) {
      rest = place + 1
      if stopsAtMedia, text.has("m=", at: place, ignoringCase: true) { return nil }
      guard text.has(kind.name, at: place, ignoringCase: true) else { continue }
      let begin = place + 2
      switch kind {
      case .version:
        let end = text.number(at: begin).end
        return end > begin ? begin..<end : nil
      case .owner, .connection: return addressRange(in: begin)
      case .media:
        var end = begin
        while isLetter(text[end]) { end += 1 }
        return text[end] == 0x20 ? begin..<text.number(at: end + 1).end : nil
      }
    }
    return nil
  }

  private func addressRange(in begin: Int) -> Range<Int>? {
    let word: String = family == .ipv4 ? "IN IP4 " : "IN IP6 "
    var place = begin
    while place < text.count - word.utf8.count, text[place] != 0x0D, text[place] != 0x0A {
      if text.has(word, at: place) {
        let start = place + word.utf8.count
        return text[start] == 0x5B ? nil : address(at: start, bracketed: false).map { start..<$0.end }
      }
      place += 1
    }
    return nil
  }

  /// The address of a connection line, before the next medium.
  func connectionAddress(from start: Int) -> IPAddress? {
    session(.connection, from: start, stopsAtMedia: true).flatMap { address(at: $0.lowerBound, bracketed: false)?.address }
  }
}
