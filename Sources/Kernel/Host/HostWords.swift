/// Fields in the machine's byte order, as in the kernel's own structures. Reading past the end returns nil; writing past the end does
/// nothing.
extension [UInt8] {
  package func hostWord<N: FixedWidthInteger>(_ type: N.Type, at offset: Int) -> N? {
    guard offset >= 0, offset <= count - MemoryLayout<N>.size else { return nil }
    var value: N = 0
    for index in (0..<MemoryLayout<N>.size).reversed() { value = value << 8 | N(truncatingIfNeeded: self[offset + index]) }
    return value
  }

  package mutating func setHostWord<N: FixedWidthInteger>(_ value: N, at offset: Int) {
    guard offset >= 0, offset <= count - MemoryLayout<N>.size else { return }
    for index in 0..<MemoryLayout<N>.size { self[offset + index] = UInt8(truncatingIfNeeded: value >> N(8 * index)) }
  }

  package mutating func appendHostWord<N: FixedWidthInteger>(_ value: N) {
    for index in 0..<MemoryLayout<N>.size { append(UInt8(truncatingIfNeeded: value >> N(8 * index))) }
  }

  /// The text up to the first zero in a field of `length` bytes; nil if the field is cut off or not UTF-8.
  package func text(at offset: Int, length: Int) -> String? {
    guard offset >= 0, length >= 0, offset <= count - length else { return nil }
    return String(validating: self[offset..<(offset + length)].prefix { $0 != 0 }, as: UTF8.self)
  }
}
