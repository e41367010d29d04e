import Wire

/// The messages in a TCP segment, each preceded by a header with its length (RFC 1006). The corresponding kernel function is
/// `get_tpkt_data`.
struct TPKTReader {
  private let bytes: [UInt8]
  private let start: Int
  private let end: Int
  private var last: Range<Int>?

  /// - Parameter start: the position of the payload.
  init(_ bytes: [UInt8], from start: Int) {
    self.bytes = bytes
    self.start = start
    end = min(bytes.count, start + 0xFFFF)
  }

  /// The next message; nil when there is none.
  /// - Parameter announced: the length of the message whose header was the previous segment. Afterwards the length that a header at
  ///   the end of this segment announces; 0 for none.
  mutating func next(_ announced: inout Int) -> Range<Int>? {
    var place = start
    if let last {
      place = last.upperBound
      guard end - place > 4, isHeader(at: place) else { return clear(&announced) }
    } else {
      guard place < end else { return clear(&announced) }
      guard end - place >= 4, isHeader(at: place) else {
        // Without a header in this or the previous segment the state stays unchanged.
        guard announced > 0 else { return nil }
        guard announced <= end - place else { return clear(&announced) }
        return found(place..<(place + announced), &announced)
      }
    }
    let length = Int(bytes.uint16(at: place + 2) ?? 0)
    guard length >= 4 else { return clear(&announced) }
    guard length <= end - place else {
      guard end - place == 4 else { return clear(&announced) }
      announced = length - 4
      return nil
    }
    return found((place + 4)..<(place + length), &announced)
  }

  private func isHeader(at place: Int) -> Bool { bytes[place] == 3 && bytes[place + 1] == 0 }

  private func clear(_ announced: inout Int) -> Range<Int>? {
    announced = 0
    return nil
  }

  private mutating func found(_ range: Range<Int>, _ announced: inout Int) -> Range<Int> {
    announced = 0
    last = range
    return range
  }
}
