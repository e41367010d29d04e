import XTables

/// Names of interfaces as numbers.
enum InterfaceNames {
  static func key(_ name: String) -> UInt128 { InterfacePattern(ArraySlice(name.utf8)).name }

  /// A name within a range of keys: one of the bounds, or the beginning of a bound with another ending. Nil if none is found.
  static func key(in range: ClosedRange<UInt128>) -> UInt128? {
    for bound in [range.lowerBound, range.upperBound] where range.contains(bound) && isName(bound) { return bound }
    for bound in [range.lowerBound, range.upperBound] {
      for length in 0..<15 {
        let kept = length == 0 ? 0 : bound & ~(UInt128.max >> UInt128(8 * length))
        for byte in Array("0129ahlwz".utf8) {
          let key = kept | UInt128(byte) << UInt128(120 - 8 * length)
          if range.contains(key), isName(key) { return key }
        }
      }
    }
    return ["eth0", "eth1", "wlan0", "lo", "ppp0", "z0"].map { key($0) }.first { range.contains($0) }
  }

  /// Whether a key is text of letters, digits and dashes that ends in zeros, as the name of an interface does.
  private static func isName(_ key: UInt128) -> Bool {
    var isEnded = false
    for index in 0..<16 {
      let byte = UInt8(truncatingIfNeeded: key >> UInt128(120 - 8 * index))
      if byte == 0 {
        if index == 0 { return false }
        isEnded = true
      } else if isEnded || byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ":") {
        return false
      }
    }
    return isEnded
  }
}
