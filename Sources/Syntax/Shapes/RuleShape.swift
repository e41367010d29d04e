import Wire
public import XTables

/// What a group of rule lines has in common: the same words in the same order, but for values of simple forms.
///
/// `-A FORWARD -s 10.0.0.1/32 -j DROP` and `-A FORWARD -s 10.0.0.2/32 -j DROP` are two lines of one shape. Only the first line of a shape
/// is read by the parser: the rules of the others differ from its rule in the values at known places.
public struct RuleShape: Sendable {
  /// The rule of the first line.
  public let rule: Rule
  /// The places of the values, in the order of the line.
  public let places: [ValuePlace]
  /// The values of the first line.
  public let values: [PlainValue]
}

/// A rule that is known by its shape and the values of its line.
public struct ShapedRule: Sendable {
  /// The number under which the shape was learnt.
  public let shape: Int
  /// The index of the chain that the rule jumps to.
  public let destination: Int?
  /// The counters before the rule; nil if there are none, so that it has those of the shape's rule.
  public let counters: Counters?
}

/// Where the value of a word is stored.
public enum ValuePlace: Sendable, Hashable {
  /// Nowhere: it is the user chain to which the rule is appended.
  case chain
  /// The address of `-s`.
  case source
  /// The address of `-d`.
  case destination
  /// The interface of `-i`.
  case input
  /// The interface of `-o`.
  case output
  /// The user chain of `-j` or `-g`.
  case jump
  /// A field in the structure of a match, by the index of the match in the rule.
  case match(Int, PlainField)
  /// A field in the structure of the target.
  case target(PlainField)
}

extension ValuePlace {
  /// Reads a word of the simple form that belongs to the place.
  ///
  /// - Parameters:
  ///   - at: the offset of the word; afterwards that of the first byte behind what was read.
  /// - Returns: nil if the word has another form. An address and an interface are given as address and mask, or name and mask; a chain
  ///   as the offsets of its name.
  func read(_ text: [UInt8], at: inout Int, _ family: Family) -> PlainValue? {
    switch self {
    case .chain, .jump: Self.name(text, at: &at, most: 28)
    case .source, .destination: Self.address(text.span, at: &at, family)
    case .input, .output:
      Self.name(text, at: &at, most: 15).map { word in
        let pattern = InterfacePattern(text[Int(word.first)..<Int(word.second)])
        return PlainValue(pattern.name, pattern.mask)
      }
    case .match(_, let field), .target(let field): field.form.read(text.span, at: &at)
    }
  }

  /// A name of letters, digits and the signs that have no meaning of their own.
  private static func name(_ text: [UInt8], at: inout Int, most: Int) -> PlainValue? {
    let start = at
    let bytes = text.span
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "@"), UInt8(ascii: ":"):
        at += 1
        continue
      default: break
      }
      break
    }
    guard (1...most).contains(at - start), bytes[start] != UInt8(ascii: "-") else { return nil }
    return PlainValue(UInt128(start), UInt128(at))
  }

  /// An address with a prefix length that is not 0, or without one.
  private static func address(_ text: Span<UInt8>, at: inout Int, _ family: Family) -> PlainValue? {
    let bits: UInt32 = family == .ipv4 ? 32 : 128
    guard let address = family == .ipv4 ? dottedQuad(text, at: &at).map({ UInt128($0) }) : groups(text, at: &at) else { return nil }
    var prefix = bits
    if at < text.count, text[at] == UInt8(ascii: "/") {
      at += 1
      guard let length = PlainNumber.decimal(text, at: &at), (1...bits).contains(length) else { return nil }
      prefix = length
    }
    let mask = AddressMask.mask(prefix: Int(prefix), family)
    return PlainValue(address & mask, mask)
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
