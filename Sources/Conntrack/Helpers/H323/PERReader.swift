/// Reads bits of a message. Bits after the end are zero; callers check `has` first. The corresponding kernel functions are those of
/// `nf_conntrack_h323_asn1`.
struct PERReader {
  private let bytes: [UInt8]
  let end: Int
  /// The position: the byte, and the bit in it, highest bit first.
  var place: Int
  var bit = 0

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    place = range.lowerBound
    end = min(range.upperBound, bytes.count)
  }

  private func byte(_ index: Int) -> Int { index >= 0 && index < bytes.count ? Int(bytes[index]) : 0 }

  /// True if that many bytes and bits are left. Kernel: `nf_h323_error_boundary`.
  func has(bytes count: Int = 0, bits: Int = 0) -> Bool {
    let all = bits + bit
    return place + count + (all + 7) / 8 <= end
  }

  mutating func align() {
    if bit != 0 { place += 1 }
    bit = 0
  }

  mutating func skip(bits count: Int) {
    bit += count
    place += bit >> 3
    bit &= 7
  }

  mutating func next() -> Int {
    defer { place += 1 }
    return byte(place)
  }

  mutating func flag() -> Bool {
    defer { skip(bits: 1) }
    return byte(place) & (0x80 >> bit) != 0
  }

  /// Reads a number of up to ten bits.
  mutating func number(bits count: Int) -> Int {
    let last = count + bit
    var value = byte(place) & (0xFF >> bit)
    if last <= 8 {
      value >>= 8 - last
    } else {
      value = (value << 8 | byte(place + 1)) >> max(16 - last, 0)
    }
    skip(bits: count)
    return value
  }

  /// Reads up to 32 bits, the first highest.
  mutating func bitmap(_ count: Int) -> UInt32 {
    var value: UInt32 = 0
    for index in 0..<count where flag() { value |= 0x8000_0000 >> UInt32(index) }
    return value
  }

  /// Aligns to a byte and reads a length below 16384.
  mutating func length() -> Int {
    let first = next()
    return first & 0x80 == 0 ? first : (first & 0x3F) << 8 | next()
  }

  /// Reads a number of up to four bytes.
  mutating func number(bytes count: Int) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count { value = value << 8 | UInt32(next()) }
    return value
  }
}
