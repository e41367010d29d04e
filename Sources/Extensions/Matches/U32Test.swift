import Wire
import XTables

/// One test of `-m u32`: the steps to a number, and the values it may have. The corresponding kernel structure is `xt_u32_test`.
struct U32Test: BitwiseCopyable, Sendable {
  var steps = InlineArray<11, Step>(repeating: Step())
  var values = InlineArray<11, NumberRange<UInt32>>(repeating: NumberRange(0, 0))
  var stepCount: UInt8 = 0
  var valueCount: UInt8 = 0
  var padding: UInt16 = 0

  struct Step: BitwiseCopyable, Sendable {
    var number: UInt32 = 0
    var operation: UInt8 = 0
    var padding = InlineArray<3, UInt8>(repeating: 0)
  }

  /// The operators of `enum xt_u32_ops` as text.
  static let operations = ["&", "<<", ">>", "@"]

  /// True if a step shifts by more than 31 bits, which the kernel refuses.
  var shiftsTooFar: Bool {
    (1..<max(min(Int(stepCount), 11), 1)).contains { (1...2).contains(steps[$0].operation) && steps[$0].number > 31 }
  }

  var text: String {
    var text = ""
    for index in 0..<min(Int(stepCount), 11) {
      let operation = Int(steps[index].operation)
      if index > 0, operation < Self.operations.count { text += Self.operations[operation] }
      text += "0x" + String(steps[index].number, radix: 16)
    }
    let ranges = (0..<min(Int(valueCount), 11)).map { index in
      let (low, high) = (values[index].low, values[index].high)
      return "0x" + String(low, radix: 16) + (low == high ? "" : ":0x" + String(high, radix: 16))
    }
    return text + "=" + ranges.joined(separator: ",")
  }

  /// True if the located number is one of the values; false if a step leads outside the packet.
  ///
  /// The corresponding kernel function is `u32_match_it`.
  func holds(_ bytes: [UInt8]) -> Bool {
    guard stepCount > 0, var value = bytes.uint32(at: Int(steps[0].number)) else { return false }
    var base = 0
    for index in 1..<max(min(Int(stepCount), 11), 1) {
      let number = steps[index].number
      switch steps[index].operation {
      case 0: value &= number
      case 1: value = value &<< number
      case 2: value = value &>> number
      case 3:
        base += Int(value)
        guard base <= Int(UInt32.max), let next = bytes.uint32(at: base + Int(number)) else { return false }
        value = next
      default: break
      }
    }
    return (0..<min(Int(valueCount), 11)).contains { values[$0].low <= value && value <= values[$0].high }
  }
}

/// Parses the language of `-m u32`; the corresponding C function is `u32_parse`.
struct U32Parser {
  private let token: Token
  private var rest: ArraySlice<UInt8>

  init(_ token: Token) {
    self.token = token
    rest = token.bytes
  }

  /// Parses up to ten tests, each with up to ten steps and ten values.
  mutating func parse() throws(OptionError) -> [U32Test] {
    var tests: [U32Test] = []
    while true {
      var test = U32Test()
      try readSteps(&test)
      let hasMore = try readValues(&test)
      tests.append(test)
      if tests.count > 10 { throw refuse("too many \"&&\"s") }
      if !hasMore { return tests }
    }
  }

  private mutating func readSteps(_ test: inout U32Test) throws(OptionError) {
    while true {
      skipBlanks()
      guard !rest.isEmpty else {
        throw OptionError("bad-value", "u32: abrupt end of input after location specifier", at: token.range)
      }
      let at = Int(test.stepCount)
      if take("=") {
        guard at > 0 else { throw refuse("location spec missing", back: 1) }
        return
      }
      if at > 0 { test.steps[at].operation = try readOperation() }
      test.steps[at].number = try readNumber()
      test.stepCount += 1
      if test.stepCount > 10 { throw refuse("too many operators") }
    }
  }

  private mutating func readOperation() throws(OptionError) -> UInt8 {
    if take("&") { return 0 }
    if take("@") { return 3 }
    for (sign, operation) in [("<", UInt8(1)), (">", 2)] where take(sign) {
      guard take(sign) else { throw refuse("a second '\(sign)' was expected") }
      return operation
    }
    throw refuse("operator expected")
  }

  /// Parses the values of a test. Returns true if another test follows.
  private mutating func readValues(_ test: inout U32Test) throws(OptionError) -> Bool {
    while true {
      skipBlanks()
      let at = Int(test.valueCount)
      guard !rest.isEmpty else {
        guard at > 0 else { throw OptionError("bad-value", "u32: test ended with no value specified", at: token.range) }
        return false
      }
      if take("&") {
        guard take("&") else { throw refuse("a second '&' was expected") }
        guard at > 0 else { throw refuse("value spec missing", back: 1) }
        return true
      }
      if at > 0, !take(",") { throw refuse("expected \",\" or \"&&\"") }
      test.values[at].low = try readNumber()
      skipBlanks()
      test.values[at].high = take(":") ? try readNumber() : test.values[at].low
      test.valueCount += 1
      if test.valueCount > 10 { throw refuse("too many \",\"s") }
    }
  }

  private mutating func readNumber() throws(OptionError) -> UInt32 {
    guard let (value, after) = UnsignedText.prefix(rest), value <= UInt32.max else { throw refuse("not a number or out of range") }
    rest = after
    return UInt32(value)
  }

  private mutating func take(_ sign: String) -> Bool {
    guard rest.first == sign.utf8.first else { return false }
    rest = rest.dropFirst()
    return true
  }

  private mutating func skipBlanks() {
    rest = rest.drop { $0 == 0x20 || (9...13).contains($0) }
  }

  private func refuse(_ message: String, back: Int = 0) -> OptionError {
    OptionError(
      "bad-value", "u32: at char \(rest.startIndex - token.bytes.startIndex - back): \(message)", at: token.range,
      hint: "a test is written as 0>>22&0x3C@4=1:5")
  }
}
