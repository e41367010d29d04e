import Wire

/// A simple form of an option's argument, which is read without the option's parser and stored in one field.
///
/// A reader of many lines uses it for the options of which ``OptionUse/isIndependent`` is true. Every other form of the argument is left
/// to the parser.
public enum PlainForm: Sendable, Hashable {
  /// `PORT` or `LOW:HIGH` in decimal, stored as a ``PortRange``.
  case ports
  /// `NUMBER` or `NUMBER/NUMBER`, decimal or hexadecimal with `0x`, stored as a ``Masked`` of 32 bits.
  case mark
  /// Six hexadecimal numbers of two digits with colons, stored as an ``EthernetAddress``.
  case ethernet
  /// Printable ASCII, in quotes or not, that fits into a ``FixedName`` of this capacity.
  case text(capacity: Int)
}

/// The place of an argument of a simple form in its extension's structure.
public struct PlainField: Sendable, Hashable {
  /// The form of the argument.
  public let form: PlainForm
  /// The offset of the field in the structure, in bytes.
  public let offset: Int

  /// Creates a place; nil if the option's argument has no simple form, or its field is not stored at one offset.
  @usableFromInline
  init?(_ form: PlainForm?, offset: Int?) {
    guard let form, let offset else { return nil }
    self.form = form
    self.offset = offset
  }
}

/// The value of a word that has a simple form: two numbers, or the offsets of the first byte of a text and of the one behind the last.
public struct PlainValue: Sendable, Hashable {
  /// The first number or offset.
  public var first: UInt128
  /// The second number or offset.
  public var second: UInt128

  /// Creates a value.
  public init(_ first: UInt128 = 0, _ second: UInt128 = 0) {
    self.first = first
    self.second = second
  }
}

extension PlainForm {
  /// Reads an argument of this form.
  ///
  /// - Parameters:
  ///   - text: the text of the line.
  ///   - at: the offset of the argument; afterwards that of the first byte behind it, which may be any.
  /// - Returns: nil if the argument has not this form.
  public func read(_ text: Span<UInt8>, at: inout Int) -> PlainValue? {
    switch self {
    case .ports:
      guard let low = PlainNumber.decimal(text, at: &at), low <= UInt16.max else { return nil }
      guard at < text.count, text[at] == UInt8(ascii: ":") else { return PlainValue(UInt128(low), UInt128(low)) }
      at += 1
      guard let high = PlainNumber.decimal(text, at: &at), high <= UInt16.max, low <= high else { return nil }
      return PlainValue(UInt128(low), UInt128(high))
    case .mark:
      guard let value = PlainNumber.any(text, at: &at) else { return nil }
      guard at < text.count, text[at] == UInt8(ascii: "/") else { return PlainValue(UInt128(value), UInt128(UInt32.max)) }
      at += 1
      return PlainNumber.any(text, at: &at).map { PlainValue(UInt128(value), UInt128($0)) }
    case .ethernet: return Self.ethernet(text, at: &at)
    case .text(let capacity): return Self.text(text, at: &at, capacity)
    }
  }

  /// Stores a value that ``read(_:at:)`` has read.
  ///
  /// - Parameters:
  ///   - text: the text that was read.
  ///   - bytes: the structure's bytes, in which the field of a text has zeroes.
  ///   - offset: the place of the field in `bytes`.
  public func store(_ value: PlainValue, of text: [UInt8], in bytes: inout [UInt8], at offset: Int) {
    switch self {
    case .ports:
      Payload.store(UInt16(truncatingIfNeeded: value.first), in: &bytes, at: offset)
      Payload.store(UInt16(truncatingIfNeeded: value.second), in: &bytes, at: offset + 2)
    case .mark:
      Payload.store(UInt32(truncatingIfNeeded: value.first), in: &bytes, at: offset)
      Payload.store(UInt32(truncatingIfNeeded: value.second), in: &bytes, at: offset + 4)
    case .ethernet: Payload.store(EthernetAddress(MACAddress(rawValue: UInt64(truncatingIfNeeded: value.first))), in: &bytes, at: offset)
    case .text: Payload.copy(Int(value.first)..<Int(value.second), of: text, into: &bytes, at: offset)
    }
  }

  /// The size of the field in bytes.
  public var size: Int {
    switch self {
    case .ports: 4
    case .mark: 8
    case .ethernet: 6
    case .text(let capacity): capacity
    }
  }

  private static func ethernet(_ text: Span<UInt8>, at: inout Int) -> PlainValue? {
    guard at + 17 <= text.count else { return nil }
    var address: UInt64 = 0
    for octet in 0..<6 {
      let place = at + 3 * octet
      guard let high = Hex.digit(text[place]), let low = Hex.digit(text[place + 1]),
        octet == 5 || text[place + 2] == UInt8(ascii: ":")
      else { return nil }
      address = address << 8 | UInt64(high << 4 | low)
    }
    at += 17
    return PlainValue(UInt128(address))
  }

  private static func text(_ text: Span<UInt8>, at: inout Int, _ capacity: Int) -> PlainValue? {
    let isQuoted = at < text.count && text[at] == UInt8(ascii: "\"")
    if isQuoted { at += 1 }
    let start = at
    // A quote ends a quoted text, a blank any other one.
    let least: UInt8 = isQuoted ? 0x20 : 0x21
    while at < text.count {
      let byte = text[at]
      guard byte >= least, byte < 0x7f, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { break }
      at += 1
    }
    let end = at
    if isQuoted {
      guard at < text.count, text[at] == UInt8(ascii: "\"") else { return nil }
      at += 1
    }
    guard end > start, end - start < capacity else { return nil }
    return PlainValue(UInt128(start), UInt128(end))
  }
}

/// Reads numbers without sign and blank.
public enum PlainNumber {
  /// A decimal number of at most 32 bits without leading zeroes.
  @inlinable
  public static func decimal(_ text: Span<UInt8>, at: inout Int) -> UInt32? {
    let start = at
    guard let value = digits(text, at: &at), at - start == 1 || text[start] != UInt8(ascii: "0") else { return nil }
    return UInt32(exactly: value)
  }

  /// One to 19 decimal digits, leading zeroes included; nil for none and for more, whose number may not fit.
  @inlinable
  public static func digits(_ text: Span<UInt8>, at: inout Int) -> UInt64? {
    let start = at
    var value: UInt64 = 0
    while at < text.count {
      let digit = text[at] &- UInt8(ascii: "0")
      guard digit <= 9 else { break }
      value = value &* 10 &+ UInt64(digit)
      at += 1
    }
    return (1...19).contains(at - start) ? value : nil
  }

  /// As ``decimal(_:at:)``, or a hexadecimal number with `0x`.
  static func any(_ text: Span<UInt8>, at: inout Int) -> UInt32? {
    guard at + 2 < text.count, text[at] == UInt8(ascii: "0"), text[at + 1] == UInt8(ascii: "x") else { return decimal(text, at: &at) }
    at += 2
    let start = at
    var value: UInt32 = 0
    while at < text.count, let digit = Hex.digit(text[at]) {
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return (1...8).contains(at - start) ? value : nil
  }
}
