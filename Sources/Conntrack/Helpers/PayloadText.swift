import Wire

/// Reads numbers and words from a payload. Never reads outside it.
struct PayloadText {
  let bytes: [UInt8]
  let start: Int
  let end: Int

  /// The bytes from `start` on; nil if there are none.
  init?(_ packet: Packet, from start: Int, atMost limit: Int = .max) {
    guard start >= 0, start < packet.count else { return nil }
    bytes = packet.bytes
    self.start = start
    end = start + min(limit, packet.count - start)
  }

  /// The payload of a TCP segment whose header starts at `offset`; nil without one.
  init?(tcp packet: Packet, at offset: Int, atMost limit: Int = .max) {
    guard let header = TCPHeader(packet.bytes, at: offset) else { return nil }
    self.init(packet, from: offset + header.dataOffset, atMost: limit)
  }

  var count: Int { end - start }

  /// The byte at an index of the payload; nil outside it.
  subscript(_ index: Int) -> UInt8? { index >= 0 && index < count ? bytes[start + index] : nil }

  /// True if the payload has the word at the index.
  func has(_ word: String, at index: Int, ignoringCase: Bool = false) -> Bool {
    guard index >= 0, word.utf8.count <= count - index else { return false }
    return matches(word, at: index, length: word.utf8.count, ignoringCase)
  }

  /// True if the payload from the index on equals the word or, at the payload's end, a prefix of it.
  func beginsWith(partOf word: String, at index: Int) -> Bool {
    matches(word, at: index, length: min(word.utf8.count, count - index), true)
  }

  private func matches(_ word: String, at index: Int, length: Int, _ ignoringCase: Bool) -> Bool {
    var place = start + index
    for wanted in word.utf8.prefix(max(length, 0)) {
      let byte = bytes[place]
      if byte != wanted, !ignoringCase || PayloadText.lowered(byte) != PayloadText.lowered(wanted) { return false }
      place += 1
    }
    return true
  }

  static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// The index of a word between two indices; nil if it is not there.
  func find(_ word: String, from: Int = 0, to limit: Int? = nil) -> Int? {
    let limit = min(limit ?? count, count)
    var index = max(from, 0)
    while index + word.utf8.count <= limit {
      if has(word, at: index) { return index }
      index += 1
    }
    return nil
  }

  /// The decimal number at an index and the index after it. Wraps at 32 bits, as the kernel's parsers do. Without digits the end
  /// equals `index`.
  func number(at index: Int, to limit: Int? = nil) -> (value: UInt32, end: Int) {
    var value: UInt32 = 0
    var place = index
    let limit = min(limit ?? count, count)
    while place < limit, let byte = self[place], PayloadText.isDigit(byte) {
      value = value &* 10 &+ UInt32(byte - 0x30)
      place += 1
    }
    return (value, place)
  }

  /// `count` numbers separated by `separator`, and their total length. Nil if there are fewer, or if another byte than the terminator
  /// follows (0: any byte may follow).
  func numbers(_ count: Int, at index: Int, separator: UInt8, terminator: UInt8) -> (values: [UInt32], length: Int)? {
    var values = [UInt32](repeating: 0, count: count)
    var current = 0
    var place = index
    while let byte = self[place], current < count {
      if PayloadText.isDigit(byte) {
        values[current] = values[current] &* 10 &+ UInt32(byte - 0x30)
      } else if byte == separator {
        current += 1
      } else {
        return (byte == terminator || terminator == 0) && current == count - 1 && place > index ? (values, place - index) : nil
      }
      place += 1
    }
    return nil
  }
}
