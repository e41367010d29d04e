/// An inclusive range of numbers, as the kernel's structures hold it: the lower end, then the upper.
///
/// Nothing keeps the lower end below the upper one; a reversed range contains nothing.
public struct NumberRange<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable,
  Hashable
{
  public var low: Word
  public var high: Word

  public init(_ low: Word = 0, _ high: Word = .max) {
    self.low = low
    self.high = high
  }

  public static var all: NumberRange { NumberRange() }
}

extension UnsignedText {
  /// The number at the front and what follows it, as `strtoul` with base 0 reads it; nothing where there is none, where a
  /// minus stands before it, or where it has more than 64 bits.
  ///
  /// The corresponding C function is `xtables_strtoul` with its second argument given.
  public static func prefix(_ bytes: ArraySlice<UInt8>) -> (value: UInt64, rest: ArraySlice<UInt8>)? {
    var digits = bytes.drop { $0 == 0x20 || (9...13).contains($0) }
    if digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
    guard let first = digits.first, isDigit(first, radix: 10) else { return nil }
    guard first == UInt8(ascii: "0") else { return prefix(digits, radix: 10) }
    let tail = digits.dropFirst()
    if let letter = tail.first, letter | 0x20 == UInt8(ascii: "x"), let digit = tail.dropFirst().first, isDigit(digit, radix: 16) {
      return prefix(tail.dropFirst(), radix: 16)
    }
    return prefix(digits, radix: 8)
  }

  /// The same in one base, without sign or blanks.
  public static func prefix(_ bytes: ArraySlice<UInt8>, radix: UInt64) -> (value: UInt64, rest: ArraySlice<UInt8>)? {
    let digits = bytes.prefix { isDigit($0, radix: radix) }
    guard let value = UnsignedText.digits(digits, radix: radix) else { return nil }
    return (value, bytes[digits.endIndex...])
  }

  private static func isDigit(_ byte: UInt8, radix: UInt64) -> Bool {
    UnsignedText.digits([byte], radix: radix) != nil
  }
}

extension ValueSyntax {
  /// `number`, `low:high`, `low:` or `:high`; one number alone is both ends. Ends are taken in whatever order they come.
  ///
  /// The corresponding C types are `XTTYPE_UINT8RC` to `XTTYPE_UINT64RC`.
  public static func range<Word>(of _: Word.Type = Word.self) -> ValueSyntax where Value == NumberRange<Word> {
    let top = UInt64(Word.max)
    return ValueSyntax(
      placeholder: "number[:number]", grammar: "number | [ number ] \":\" [ number ]",
      samples: ["0", "\(top)", "0:\(top)", "1:2", ":3", "4:", ":"], nearMisses: ["-1", "a", "1:2:3", "1:a"],
      parse: { token, arguments throws(OptionError) in
        let parts = token.split(on: ":")
        guard parts.count <= 2 else {
          throw arguments.refused("bad-value", "Too many components for option \"\(arguments.option)\" (max: 2)")
        }
        var ends = NumberRange<Word>(0, .max)
        for (index, part) in parts.enumerated() where !part.bytes.isEmpty {
          guard let number = part.unsigned, number <= top else {
            throw arguments.refused(
              "bad-value", "bad value for option \"\(arguments.option)\" near \"\(part.string)\", or out of range (0-\(top)).")
          }
          if index == 0 { ends.low = Word(number) } else { ends.high = Word(number) }
        }
        if parts.count == 1 { ends.high = ends.low }
        return ends
      },
      print: { range, text in
        text.word(range.low == range.high ? String(range.low) : "\(range.low):\(range.high)")
      })
  }
}
