import XTables

/// A rate in packets per unit of time, stored as the time between two packets.
enum RateSyntax {
  /// The units with their seconds, in the order in which an abbreviation is looked up.
  static let units: [(name: String, seconds: UInt64)] = [
    ("second", 1), ("minute", 60), ("hour", 3600), ("day", 86400),
  ]

  /// Parses the number before the slash and the unit after it, in seconds; nil for an unknown unit.
  ///
  /// The number ends at the first byte that is not a digit, whatever follows.
  static func parse(_ token: Token) -> (number: CNumber, seconds: UInt64)? {
    var seconds: UInt64 = 1
    if let unit = token.cut(at: "/")?.after {
      guard !unit.bytes.isEmpty, let found = units.first(where: { $0.name.beginsIgnoringCase(with: unit) }) else { return nil }
      seconds = found.seconds
    }
    guard let number = CNumber(token.bytes, base: .decimal) else { return nil }
    return (number, seconds)
  }

  /// Prints the rate as iptables-save does: in the largest unit whose rounding error is small enough.
  static func print(period: UInt64, scale: UInt64) -> String {
    let printed: [(name: String, length: UInt64)] = [
      ("day", scale &* 86400), ("hour", scale &* 3600), ("min", scale &* 60), ("sec", scale),
    ]
    guard period != 0 else { return "inf" }
    var chosen = printed[0]
    for unit in printed.dropFirst() {
      if period > unit.length || unit.length / period < unit.length % period { break }
      chosen = unit
    }
    return "\(chosen.length / period)/\(chosen.name)"
  }
}
