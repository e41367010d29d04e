import XTables

/// The options whose argument is a range `LOW:HIGH`, and the greatest value each can have.
enum RangeOptions {
  private static let greatest: [String: UInt64] = {
    var result: [String: UInt64] = ["--length": 65535, "--mh-type": 255]
    for name in [
      "--sport", "--dport", "--source-port", "--destination-port", "--ctorigsrcport", "--ctorigdstport", "--ctreplsrcport",
      "--ctrepldstport",
    ] { result[name] = 65535 }
    for name in ["--ahspi", "--espspi", "--fragid", "--rt-segsleft", "--ipcompspi", "--ctexpire"] { result[name] = 4_294_967_295 }
    return result
  }()

  static let names = Set(greatest.keys)

  /// Both ends. A missing end is the least or greatest value. Nil without a colon, or if an end is not a number.
  static func bounds(_ option: CommandLine.OptionValue) -> (UInt64, UInt64)? {
    guard let (low, high) = option.value.cut(at: ":"), let greatest = greatest[option.name] else { return nil }
    guard let first = low.bytes.isEmpty ? 0 : low.unsigned, let last = high.bytes.isEmpty ? greatest : high.unsigned else {
      return nil
    }
    return (first, last)
  }

  static func isFull(_ option: CommandLine.OptionValue) -> Bool {
    guard let (low, high) = bounds(option) else { return false }
    return low == 0 && high == greatest[option.name]
  }
}
