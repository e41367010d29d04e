import XTables

/// The options whose argument is a range `LOW:HIGH`, and the greatest value each can have.
struct RangeOptions: Sendable {
  private let greatest: [String: UInt64]
  /// The names of the options, with their dashes.
  let names: Set<String>

  init(_ registry: Registry) {
    var greatest: [String: UInt64] = [:]
    for option in registry.all.flatMap(\.options) {
      guard let value = option.greatest else { continue }
      for name in [option.name] + option.aliases { greatest[name] = value }
    }
    self.greatest = greatest
    names = Set(greatest.keys)
  }

  /// Both ends. A missing end is the least or greatest value. Nil without a colon, or if an end is not a number.
  func bounds(_ option: CommandLine.OptionValue) -> (UInt64, UInt64)? {
    guard let (low, high) = option.value.cut(at: ":"), let greatest = greatest[option.name] else { return nil }
    guard let first = low.bytes.isEmpty ? 0 : low.unsigned, let last = high.bytes.isEmpty ? greatest : high.unsigned else {
      return nil
    }
    return (first, last)
  }

  func isFull(_ option: CommandLine.OptionValue) -> Bool {
    guard let (low, high) = bounds(option) else { return false }
    return low == 0 && high == greatest[option.name]
  }
}
