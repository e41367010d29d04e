import Wire

/// One SIP message in a payload: where its headers and its session description name addresses and ports (RFC 3261, RFC 4566).
///
/// Places are counted from the start of the message. A header may be missing, or be there and not parse; the two are told apart.
struct SIPMessage {
  enum Found<Value> {
    case missing
    case malformed
    case found(Value)

    var value: Value? { if case .found(let value) = self { value } else { nil } }
  }

  /// An address with its port, and the place of both together.
  struct Endpoint {
    var address: IPAddress
    var port: UInt16
    var range: Range<Int>
  }

  /// A header by its name, its one-letter form, and what its value is searched for before it is read.
  enum Header {
    case sequence, contact, viaUDP, expires, contentLength

    var names: (StaticString, UInt8?) {
      switch self {
      case .sequence: ("CSeq", nil)
      case .contact: ("Contact", 0x6D)
      case .viaUDP: ("Via", 0x76)
      case .expires: ("Expires", nil)
      case .contentLength: ("Content-Length", 0x6C)
      }
    }

    var search: StaticString? {
      switch self {
      case .contact: "sip:"
      case .viaUDP: "UDP "
      default: nil
      }
    }
  }

  let text: PayloadText
  let family: AddressFamily

  // MARK: Headers

  /// The number that a header's value is.
  func number(_ header: Header) -> Found<UInt32> {
    switch value(of: header, from: 0) {
    case .missing: return .missing
    case .malformed: return .malformed
    case .found(let start):
      guard let (value, _) = strictNumber(at: start) else { return .malformed }
      return .found(value)
    }
  }

  /// Where a header's number ends: the method stands behind it in CSeq.
  func end(ofNumber header: Header) -> Int? {
    value(of: header, from: 0).value.map { text.number(at: $0).end }
  }

  /// The next address in headers of a kind behind a place, in lists with commas as well. The corresponding kernel function is
  /// `ct_sip_parse_header_uri`.
  func endpoint(_ header: Header, from start: Int, inHeader: inout Bool) -> Found<Endpoint> {
    var place = start
    if inHeader {
      while let comma = search(",", from: place), let word = header.search, let found = search(word, from: comma) {
        let begin = found + word.utf8CodeUnitCount
        if let endpoint = endpoint(at: begin, skipsUser: header == .contact) { return .found(endpoint) }
        place = begin
      }
      inHeader = false
    }
    while true {
      switch value(of: header, from: place) {
      case .missing: return .missing
      case .malformed:
        guard let next = line(behind: place) else { return .missing }
        place = next
      case .found(let begin):
        guard let endpoint = endpoint(at: begin, skipsUser: header == .contact) else {
          place = begin
          continue
        }
        inHeader = true
        return .found(endpoint)
      }
    }
  }

  /// Where the value of the first header of a kind behind a place starts, or in it what is searched for. The corresponding kernel function is
  /// `ct_sip_get_header`.
  private func value(of header: Header, from start: Int) -> Found<Int> {
    var place = start
    while let next = line(behind: place) {
      place = next
      // A line that begins with white space goes on with the one before.
      if text[place] == 0x20 || text[place] == 0x09 { continue }
      let (name, short) = header.names
      var colon = place
      if text.has(name, at: place, ignoringCase: true) {
        colon += name.utf8CodeUnitCount
      } else if let short, let byte = text[place], PayloadText.lowered(byte) == short, !isLetter(text[place + 1]) {
        colon += 1
      } else {
        continue
      }
      guard let mark = skipSpace(colon), text[mark] == 0x3A, mark + 1 < text.count, let begin = skipSpace(mark + 1) else {
        return .missing
      }
      guard let word = header.search else { return .found(begin) }
      guard let found = search(word, from: begin) else { return .malformed }
      return .found(found + word.utf8CodeUnitCount)
    }
    return .missing
  }

  /// The start of the line behind the one that a place is in.
  private func line(behind start: Int) -> Int? {
    var place = start
    while let byte = text[place] {
      place += 1
      guard byte == 0x0D || byte == 0x0A else { continue }
      if byte == 0x0D, text[place] == 0x0A { place += 1 }
      return place < text.count ? place : nil
    }
    return nil
  }

  /// Steps over blanks, and over the end of a line that is continued.
  private func skipSpace(_ start: Int) -> Int? {
    var place = start
    while text[place] == 0x20 || text[place] == 0x09 { place += 1 }
    if text[place] == 0x0D || text[place] == 0x0A { return continued(place) }
    return place < text.count ? place : nil
  }

  private func continued(_ end: Int) -> Int? {
    var place = end + 1
    if text[end] == 0x0D, text[place] == 0x0A { place += 1 }
    guard text[place] == 0x20 || text[place] == 0x09 else { return nil }
    while text[place] == 0x20 || text[place] == 0x09 { place += 1 }
    return place
  }

  /// A word within a header's value, over continued lines. The corresponding kernel function is `ct_sip_header_search`.
  private func search(_ word: StaticString, from start: Int, to limit: Int? = nil) -> Int? {
    let limit = (limit ?? text.count) - word.utf8CodeUnitCount
    var place = start
    while place < limit {
      if text[place] == 0x0D || text[place] == 0x0A {
        guard let next = continued(place) else { return nil }
        place = next + 1
        continue
      }
      if text.has(word, at: place, ignoringCase: true) { return place }
      place += 1
    }
    return nil
  }

  private func isLetter(_ byte: UInt8?) -> Bool {
    byte.map { (0x61...0x7A).contains(PayloadText.lowered($0)) } ?? false
  }

  // MARK: Addresses, numbers, parameters

  private func endpoint(at start: Int, skipsUser: Bool) -> Endpoint? {
    var place = start
    if skipsUser {
      var end = start
      while let byte = text[end], byte != 0x40, byte != 0x0D, byte != 0x0A { end += 1 }
      if text[end] == 0x40 { place = end + 1 }
    }
    guard let (address, end) = address(at: place, bracketed: true), let (port, portEnd) = port(at: end) else { return nil }
    return Endpoint(address: address, port: port, range: place..<portEnd)
  }

  /// An address in text, and where it ends.
  func address(at start: Int, bracketed: Bool) -> (address: IPAddress, end: Int)? {
    var place = start
    let isBracketed = family == .ipv6 && text[place] == 0x5B
    if family == .ipv6, bracketed, !isBracketed { return nil }
    if isBracketed { place += 1 }
    var word: [UInt8] = []
    while let byte = text[place + word.count], word.count < 46, isAddressByte(byte) { word.append(byte) }
    // Take the longest beginning that is an address.
    while !word.isEmpty {
      let string = String(decoding: word, as: UTF8.self)
      let address: IPAddress? = family == .ipv4 ? IPv4Address(string).map { .v4($0) } : IPv6Address(string).map { .v6($0) }
      if let address {
        var end = place + word.count
        if isBracketed, text[end] == 0x5D { end += 1 } else if family == .ipv6, bracketed { return nil }
        return (address, end)
      }
      word.removeLast()
    }
    return nil
  }

  private func isAddressByte(_ byte: UInt8) -> Bool {
    PayloadText.isDigit(byte) || byte == 0x2E
      || (family == .ipv6 && (byte == 0x3A || (0x61...0x66).contains(PayloadText.lowered(byte))))
  }

  /// The port behind an address: SIP's own without one, nil for one that is none.
  private func port(at start: Int) -> (port: UInt16, end: Int)? {
    guard text[start] == 0x3A else { return (5060, start) }
    let (value, end) = text.number(at: start + 1)
    guard end > start + 1, end - start <= 6, (1024...65535).contains(value) else { return nil }
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

  /// A parameter of the address at a place, up to the next comma: `expires=3600`.
  func parameter(_ name: StaticString, from start: Int) -> Found<UInt32> {
    guard let place = search(name, from: start, to: search(",", from: start)) else { return .missing }
    guard let (value, _) = strictNumber(at: place + name.utf8CodeUnitCount) else { return .malformed }
    return .found(value)
  }

  /// The protocol that an address asks for, or the connection's own; nil for another one.
  func transport(from start: Int, own: IPProtocol) -> IPProtocol? {
    guard let place = search("transport=", from: start, to: search(",", from: start)) else { return own }
    let value = place + 10
    if text.has("TCP", at: value, ignoringCase: true) { return own == .tcp ? .tcp : nil }
    if text.has("UDP", at: value, ignoringCase: true) { return own == .udp ? .udp : nil }
    return nil
  }

  // MARK: Session description

  /// A line of the session description behind a place, and where its value starts, or in it what is searched for; lines from `stop` on do not
  /// count. The corresponding kernel function is `ct_sip_get_sdp_header`.
  func sessionLine(_ name: StaticString, search word: StaticString? = nil, from start: Int, stop: StaticString? = nil) -> Int? {
    var place = start
    while let next = line(behind: place) {
      place = next
      if let stop, text.has(stop, at: place, ignoringCase: true) { return nil }
      guard text.has(name, at: place, ignoringCase: true) else { continue }
      let begin = place + name.utf8CodeUnitCount
      guard let word else { return begin }
      var index = begin
      while index < text.count - word.utf8CodeUnitCount, text[index] != 0x0D, text[index] != 0x0A {
        if text.has(word, at: index) { return index + word.utf8CodeUnitCount }
        index += 1
      }
      return nil
    }
    return nil
  }

  /// The address of a connection line.
  func connectionAddress(from start: Int) -> IPAddress? {
    sessionLine("c=", search: family == .ipv4 ? "IN IP4 " : "IN IP6 ", from: start, stop: "m=")
      .flatMap { address(at: $0, bracketed: false)?.address }
  }
}
