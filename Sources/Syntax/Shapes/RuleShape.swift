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
    case .source, .destination: PlainAddress.read(text.span, at: &at, family).map { PlainValue($0.address, $0.mask) }
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
}
