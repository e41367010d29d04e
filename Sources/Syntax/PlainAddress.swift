import Wire
import XTables

/// Reads addresses as iptables-save prints them, which nearly all are. Every other form is left to ``AddressSyntax``.
enum PlainAddress {
  /// An address with a prefix length that is not 0, or without one; host bits are cleared.
  ///
  /// - Parameter at: the offset of the address; afterwards that of the first byte behind it, which may be any.
  /// - Returns: nil if the text is of another form.
  static func read(_ text: Span<UInt8>, at: inout Int, _ family: Family) -> AddressMask? {
    let bits: UInt32 = family == .ipv4 ? 32 : 128
    guard let address = family == .ipv4 ? dottedQuad(text, at: &at).map({ UInt128($0) }) : groups(text, at: &at) else { return nil }
    var prefix = bits
    if at < text.count, text[at] == UInt8(ascii: "/") {
      at += 1
      guard let length = PlainNumber.decimal(text, at: &at), (1...bits).contains(length) else { return nil }
      prefix = length
    }
    let mask = AddressMask.mask(prefix: Int(prefix), family)
    return AddressMask(address: address & mask, mask: mask)
  }

  private static func dottedQuad(_ text: Span<UInt8>, at: inout Int) -> UInt32? {
    var address: UInt32 = 0
    for index in 0..<4 {
      if index > 0 {
        guard at < text.count, text[at] == UInt8(ascii: ".") else { return nil }
        at += 1
      }
      guard let byte = PlainNumber.decimal(text, at: &at), byte <= 255 else { return nil }
      address = address << 8 | byte
    }
    return address
  }

  private static func groups(_ text: Span<UInt8>, at: inout Int) -> UInt128? {
    let start = at
    while at < text.count, text[at] == UInt8(ascii: ":") || Hex.digit(text[at]) != nil { at += 1 }
    return IPv6Address(text.extracting(start..<at))?.rawValue
  }
}
