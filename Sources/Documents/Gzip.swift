/// Decompresses files of gzip, RFC 1952 and RFC 1951.
package enum Gzip {
  /// Why a file cannot be decompressed.
  package enum Failure: Error, Sendable, Equatable {
    /// The file ends too early, or its bytes have no meaning.
    case damaged
    /// The content is longer than the limit.
    case tooLong
  }

  /// Whether bytes begin like a file of gzip.
  package static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B, 8]) }

  /// The content of a file, all its members joined.
  ///
  /// - Parameter limit: the greatest number of bytes of the content.
  package static func content(of bytes: [UInt8], upTo limit: Int) throws(Failure) -> [UInt8] {
    var result: [UInt8] = []
    var at = 0
    while at < bytes.count {
      // Zeros behind the last member are padding.
      if bytes[at...].allSatisfy({ $0 == 0 }) { break }
      at = try bodyStart(bytes, at)
      var inflater = Inflater(bytes, at: at, limit: limit - result.count)
      try inflater.run()
      at = inflater.end
      guard at + 8 <= bytes.count else { throw .damaged }
      let sum = word(bytes, at)
      let size = word(bytes, at + 4)
      guard size == UInt32(truncatingIfNeeded: inflater.output.count), sum == checksum(inflater.output) else { throw .damaged }
      result += inflater.output
      at += 8
    }
    return result
  }

  /// The offset behind the header of a member.
  private static func bodyStart(_ bytes: [UInt8], _ start: Int) throws(Failure) -> Int {
    guard start + 10 <= bytes.count, isOne(Array(bytes[start..<start + 3])) else { throw .damaged }
    let flags = bytes[start + 3]
    var at = start + 10
    if flags & 4 != 0 {
      guard at + 2 <= bytes.count else { throw .damaged }
      at += 2 + Int(bytes[at]) + (Int(bytes[at + 1]) << 8)
    }
    for flag in [UInt8(8), 16] where flags & flag != 0 {
      guard at < bytes.count, let end = bytes[at...].firstIndex(of: 0) else { throw .damaged }
      at = end + 1
    }
    if flags & 2 != 0 { at += 2 }
    guard at <= bytes.count else { throw .damaged }
    return at
  }

  private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
    var value: UInt32 = 0
    for index in 0..<4 { value |= UInt32(bytes[at + index]) << UInt32(8 * index) }
    return value
  }

  /// The CRC of RFC 1952.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var table: [UInt32] = []
    for value in UInt32(0)..<256 {
      var crc = value
      for _ in 0..<8 { crc = crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
      table.append(crc)
    }
    var crc = ~UInt32(0)
    for byte in bytes { crc = table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
    return ~crc
  }
}

/// Decompresses one stream of DEFLATE.
private struct Inflater {
  private let input: [UInt8]
  private var at: Int
  private let limit: Int
  private var bits: UInt32 = 0
  private var bitCount = 0
  private(set) var output: [UInt8] = []

  init(_ input: [UInt8], at start: Int, limit: Int) {
    self.input = input
    at = start
    self.limit = limit
  }

  /// The offset behind the stream.
  var end: Int { at - bitCount / 8 }

  mutating func run() throws(Gzip.Failure) {
    while true {
      let isLast = try take(1) == 1
      switch try take(2) {
      case 0: try copyStored()
      case 1: try readBlock(Self.fixedLiterals, Self.fixedDistances)
      case 2:
        let (literals, distances) = try readCodes()
        try readBlock(literals, distances)
      default: throw .damaged
      }
      if isLast { return }
    }
  }

  private mutating func take(_ count: Int) throws(Gzip.Failure) -> Int {
    while bitCount < count {
      guard at < input.count else { throw .damaged }
      bits |= UInt32(input[at]) << UInt32(bitCount)
      at += 1
      bitCount += 8
    }
    let value = bits & ((1 << UInt32(count)) - 1)
    bits >>= UInt32(count)
    bitCount -= count
    return Int(value)
  }

  private mutating func copyStored() throws(Gzip.Failure) {
    at = end
    (bits, bitCount) = (0, 0)
    guard at + 4 <= input.count else { throw .damaged }
    let length = Int(input[at]) | Int(input[at + 1]) << 8
    guard length ^ 0xFFFF == Int(input[at + 2]) | Int(input[at + 3]) << 8, at + 4 + length <= input.count else { throw .damaged }
    guard output.count + length <= limit else { throw .tooLong }
    output += input[(at + 4)..<(at + 4 + length)]
    at += 4 + length
  }

  /// A canonical Huffman code: the number of codes of each length, and the symbols in their order.
  private struct Code {
    var counts = [Int](repeating: 0, count: 16)
    var symbols: [Int] = []

    init(_ lengths: [Int]) {
      for length in lengths where length > 0 { counts[length] += 1 }
      symbols = lengths.indices.filter { lengths[$0] > 0 }.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
    }
  }

  private mutating func symbol(_ code: Code) throws(Gzip.Failure) -> Int {
    var (value, first, index) = (0, 0, 0)
    for length in 1...15 {
      value |= try take(1)
      let count = code.counts[length]
      if value - count < first { return code.symbols[index + value - first] }
      index += count
      first = (first + count) << 1
      value <<= 1
    }
    throw .damaged
  }

  private static let fixedLiterals = Code(
    [Int](repeating: 8, count: 144) + [Int](repeating: 9, count: 112) + [Int](repeating: 7, count: 24) + [Int](repeating: 8, count: 8))
  private static let fixedDistances = Code([Int](repeating: 5, count: 30))
  private static let lengthBases = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
  ]
  private static let lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
  private static let distanceBases = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
    24577,
  ]
  private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

  private mutating func readCodes() throws(Gzip.Failure) -> (Code, Code) {
    let literalCount = try take(5) + 257
    let distanceCount = try take(5) + 1
    let count = try take(4) + 4
    var lengths = [Int](repeating: 0, count: 19)
    for index in 0..<count { lengths[Self.order[index]] = try take(3) }
    let code = Code(lengths)
    var all: [Int] = []
    while all.count < literalCount + distanceCount {
      let symbol = try symbol(code)
      switch symbol {
      case 16:
        guard let last = all.last else { throw .damaged }
        all += [Int](repeating: last, count: try take(2) + 3)
      case 17: all += [Int](repeating: 0, count: try take(3) + 3)
      case 18: all += [Int](repeating: 0, count: try take(7) + 11)
      default: all.append(symbol)
      }
    }
    guard all.count == literalCount + distanceCount else { throw .damaged }
    return (Code(Array(all[..<literalCount])), Code(Array(all[literalCount...])))
  }

  private mutating func readBlock(_ literals: Code, _ distances: Code) throws(Gzip.Failure) {
    while true {
      let value = try symbol(literals)
      if value == 256 { return }
      if value < 256 {
        guard output.count < limit else { throw .tooLong }
        output.append(UInt8(value))
        continue
      }
      guard value - 257 < Self.lengthBases.count else { throw .damaged }
      let length = Self.lengthBases[value - 257] + (try take(Self.lengthBits[value - 257]))
      let place = try symbol(distances)
      guard place < Self.distanceBases.count else { throw .damaged }
      let distance = Self.distanceBases[place] + (try take(max(0, place / 2 - 1)))
      guard distance <= output.count else { throw .damaged }
      guard output.count + length <= limit else { throw .tooLong }
      let start = output.count - distance
      for offset in 0..<length { output.append(output[start + offset]) }
    }
  }
}
