/// An inclusive range of numbers, as in the kernel's structures: the lower end, then the upper.
///
/// The lower end may be greater than the upper end; then the range is empty.
public struct NumberRange<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable,
  Hashable
{
  /// The lower end.
  public var low: Word
  /// The upper end.
  public var high: Word

  /// Creates a range, by default of all numbers.
  public init(_ low: Word = 0, _ high: Word = .max) {
    self.low = low
    self.high = high
  }

  /// All numbers.
  public static var all: NumberRange { NumberRange() }
}

extension ValueSyntax {
  /// `number`, `low:high`, `low:` or `:high`. One number stands for both ends. The ends are accepted in either order.
  ///
  /// The corresponding C types are `XTTYPE_UINT8RC` to `XTTYPE_UINT64RC`.
  public static func range<Word>(of _: Word.Type = Word.self) -> ValueSyntax where Value == NumberRange<Word> {
    let top = UInt64(Word.max)
    return ValueSyntax(
      placeholder: "number[:number]", grammar: "number | [ number ] \":\" [ number ]",
      samples: ["0", "\(top)", "0:\(top)", "1:2", ":3", "4:", ":"], nearMisses: ["-1", "a", "1:2:3", "1:a"],
      greatest: top,
      parse: { token, arguments throws(OptionError) in
        let parts = token.split(on: ":")
        guard parts.count <= 2 else {
          throw arguments.refused("bad-value", "Too many components for option \"\(arguments.option)\" (max: 2)")
        }
        var ends = NumberRange<Word>(0, .max)
        for (index, part) in parts.enumerated() where !part.bytes.isEmpty {
          if let number = CNumber(part.bytes), number.exact.map({ $0 <= top }) ?? false, !number.rest.isEmpty {
            throw arguments.refused(
              "bad-value",
              "Argument to \"\(arguments.option)\" has unexpected characters near \"\(String(decoding: number.rest, as: UTF8.self))\".")
          }
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
