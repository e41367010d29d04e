package import Wire

/// One SIP message in a payload. Finds the addresses and ports in its headers and session description (RFC 3261, RFC 4566).
///
/// Positions count from the start of the message. A missing header and a malformed header are distinct results.
package struct SIPMessage {
  package enum Found<Value> {
    case missing
    /// Malformed; the search continues at the position.
    case malformed(Int)
    case found(Value)

    package var value: Value? { if case .found(let value) = self { value } else { nil } }
  }

  /// An address with its port, and the range of both.
  package struct Endpoint {
    package var address: IPAddress
    package var port: UInt16
    package var range: Range<Int>
  }

  /// A header: its name, its one-letter form, and the text to search in its value first.
  package enum Header {
    case sequence, from, to, contact, viaUDP, viaTCP, expires, contentLength

    var names: (String, UInt8?) {
      switch self {
      case .sequence: ("CSeq", nil)
      case .from: ("From", 0x66)
      case .to: ("To", 0x74)
      case .contact: ("Contact", 0x6D)
      case .viaUDP, .viaTCP: ("Via", 0x76)
      case .expires: ("Expires", nil)
      case .contentLength: ("Content-Length", 0x6C)
      }
    }

    var search: String? {
      switch self {
      case .from, .to, .contact: "sip:"
      case .viaUDP: "UDP "
      case .viaTCP: "TCP "
      default: nil
      }
    }

    /// True if the value may have a user part before the address.
    var hasUser: Bool { self == .from || self == .to || self == .contact }
  }

  let text: PayloadText
  let family: Family
  /// True if the message came over TCP.
  package let isTCP: Bool

  package func begins(with word: String) -> Bool { text.has(word, at: 0, ignoringCase: true) }

  // MARK: Headers

  /// The numeric value of a header.
  func number(_ header: Header) -> Found<UInt32> {
    switch value(of: header, from: 0) {
    case .missing: return .missing
    case .malformed(let place): return .malformed(place)
    case .found(let start):
      guard let (value, _) = strictNumber(at: start) else { return .malformed(start) }
      return .found(value)
    }
  }

  /// The range of a header's digits. In CSeq the method follows them.
  package func digits(of header: Header) -> Range<Int>? {
    value(of: header, from: 0).value.map { $0..<text.number(at: $0).end }
  }

  /// The next address after a position in headers of a kind, including comma-separated lists. The corresponding kernel function is
  /// `ct_sip_parse_header_uri`.
  package func endpoint(_ header: Header, from start: Int, inHeader: inout Bool) -> Found<Endpoint> {
    var place = start
    if inHeader {
      while let comma = search(",", from: place), let word = header.search, let found = search(word, from: comma) {
        let begin = found + word.utf8.count
        if let endpoint = endpoint(at: begin, skipsUser: header.hasUser) { return .found(endpoint) }
        place = begin
      }
      inHeader = false
    }
    while true {
      switch value(of: header, from: place) {
      case .missing: return .missing
      case .malformed(let next): place = next
      case .found(let begin):
        guard let endpoint = endpoint(at: begin, skipsUser: header.hasUser) else {
          place = begin
          continue
        }
        inHeader = true
        return .found(endpoint)
      }
    }
  }

  /// The first address in headers of a kind.
  package func endpoint(_ header: Header) -> Endpoint? {
    var inHeader = false
    return endpoint(header, from: 0, inHeader: &inHeader).value
  }

  /// The address in the first line of a request; without one, the first address in any line. The corresponding kernel function is
  /// `ct_sip_parse_request`.
  package func requestEndpoint() -> Endpoint? {
    var place = 0
    while isLetter(text[place]) { place += 1 }
    guard place > 0, place + 1 < text.count else { return nil }
    place += 1
    while place < text.count - 4 {
      if text[place] == 0x0D || text[place] == 0x0A { return nil }
      if text.has("sip:", at: place, ignoringCase: true) { return endpoint(at: place + 4, skipsUser: true) }
      place += 1
    }
    return nil
  }

  /// The position of the value of the first header of a kind after `start`, or of the header's search text in it. The corresponding
  /// kernel function is `ct_sip_get_header`.
  private func value(of header: Header, from start: Int) -> Found<Int> {
    var place = start
    var rest = start
    while let next = line(behind: rest) {
      place = next
      // As the kernel: skips the first byte of a line, even a line end.
      rest = next + 1
      // A line that begins with white space continues the previous line.
      if text[place] == 0x20 || text[place] == 0x09 { continue }
      let (name, short) = header.names
      var colon = place
      if text.has(name, at: place, ignoringCase: true) {
        colon += name.utf8.count
      } else if let short, let byte = text[place], PayloadText.lowered(byte) == short, !isLetter(text[place + 1]) {
        colon += 1
      } else {
        continue
      }
      guard let mark = skipSpace(colon), text[mark] == 0x3A, mark + 1 < text.count, let begin = skipSpace(mark + 1) else {
        return .missing
      }
      guard let word = header.search else { return .found(begin) }
      guard let found = search(word, from: begin) else { return .malformed(begin) }
      return .found(found + word.utf8.count)
    }
    return .missing
  }

  /// The start of the next line.
  func line(behind start: Int) -> Int? {
    var place = start
    while let byte = text[place] {
      place += 1
      guard byte == 0x0D || byte == 0x0A else { continue }
      if byte == 0x0D, text[place] == 0x0A { place += 1 }
      return place < text.count ? place : nil
    }
    return nil
  }

  /// Skips blanks and the end of a continued line.
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

  /// The position of a word in a header's value, including continued lines. The corresponding kernel function is `ct_sip_header_search`.
  func search(_ word: String, from start: Int, to limit: Int? = nil) -> Int? {
    let limit = (limit ?? text.count) - word.utf8.count
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

  func isLetter(_ byte: UInt8?) -> Bool {
    byte.map { (0x61...0x7A).contains(PayloadText.lowered($0)) } ?? false
  }
}
