import XTables

/// The rates of `hashlimit` as text and as numbers of the kernel's structure.
enum HashlimitRate {
  /// `XT_HASHLIMIT_SCALE_v2`: a packet rate is stored as microseconds between two packets.
  static let scale: UInt64 = 1_000_000
  /// The default expiry of idle entries in seconds, for byte rates without and with a burst.
  static let byteExpiry: UInt64 = 15
  static let byteBurstExpiry: UInt64 = 60

  /// A parsed rate.
  struct Parsed {
    let average: UInt64
    let isBytes: Bool
    /// The seconds of the unit.
    let unit: UInt64
  }

  static func parse(_ token: Token, _ arguments: OptionArguments) throws(OptionError) -> Parsed {
    if let bytes = try parseBytes(token, arguments) { return bytes }
    let hint = "write a number and a unit: 10/second, 5/minute, or 512kb/s"
    // The number is read as signed and used as unsigned, so that a minus makes it enormous.
    guard let (number, unit) = RateSyntax.parse(token), number.clamped != 0 else { throw arguments.badValue(hint: hint) }
    let period = scale * unit / UInt64(bitPattern: number.clamped)
    guard period != 0 else {
      throw OptionError(
        "bad-rate", "Rate too fast \"\(token.string)\"", at: token.range, hint: "at most 1000000 a second can be counted")
    }
    return Parsed(average: period, isBytes: false, unit: unit)
  }

  /// Parses `123b/s`, `4kb/s` or `10mb/s`; nil for other text. The corresponding C function is `parse_bytes`.
  private static func parseBytes(_ token: Token, _ arguments: OptionArguments) throws(OptionError) -> Parsed? {
    let bytes = Array(token.bytes)
    guard let at = bytes.indices.first(where: { bytes[$0...].starts(with: "b/s".utf8) }), at > 0,
      let number = CNumber(token.bytes, base: .decimal), number.clamped != 0
    else { return nil }
    let count = arguments.keep(number, as: UInt64(bitPattern: number.clamped))
    let (rate, overflows) = count.multipliedReportingOverflow(by: factor(bytes[at - 1]))
    // The rate is stored in units of 16 bytes, in 32 bits.
    if overflows || rate >> 36 != 0 { arguments.wrapped(keptAs: "\(UInt64(UInt32(truncatingIfNeeded: rate >> 4)) << 4)b/s") }
    let cost = cost(bytes: rate)
    guard cost != 0 else { throw OptionError("bad-rate", "Rate too high \"\(token.string)\"", at: token.range) }
    return Parsed(average: cost, isBytes: true, unit: byteExpiry)
  }

  /// `k` and `m` as powers of 1024.
  static func factor(_ letter: UInt8?) -> UInt64 {
    switch letter {
    case UInt8(ascii: "m"): 1024 * 1024
    case UInt8(ascii: "k"): 1024
    default: 1
    }
  }

  /// A byte rate is stored as the cost of 16 bytes in credits, of which a second has 2³².
  private static func cost(bytes: UInt64) -> UInt64 {
    let steps = UInt32(truncatingIfNeeded: bytes >> 4) &+ 1
    return steps == 0 ? 0 : UInt64(UInt32.max / steps)
  }

  /// The corresponding C function is `cost_to_bytes`.
  static func bytes(cost: UInt64) -> UInt64 {
    let steps = cost == 0 ? UInt64(UInt32.max) : UInt64(UInt32.max) / cost
    return (steps &- 1) &<< 4
  }

  /// The rate as iptables-save prints it, and the default expiry of idle entries at that rate in milliseconds.
  static func text(_ average: UInt64) -> (text: String, expiry: UInt64) {
    let text = RateSyntax.print(period: average, scale: scale)
    let seconds: UInt64 =
      text.hasSuffix("/sec") ? 1 : text.hasSuffix("/min") ? 60 : text.hasSuffix("/hour") ? 3600 : text.hasSuffix("/day") ? 86400 : 0
    return (text, seconds * 1000)
  }

  /// The same for a byte rate, with its burst in bytes if it has one. The corresponding C function is `print_bytes`.
  static func text(cost: UInt64, burst: UInt64) -> (text: String, burst: String?, expiry: UInt64) {
    let units: [(name: String, size: UInt64)] = [("m", 1024 * 1024), ("k", 1024), ("", 1)]
    let rate = bytes(cost: cost)
    let unit = units.first { rate >= $0.size && Self.cost(bytes: rate & ~($0.size - 1)) == cost } ?? units[2]
    let text = "\(rate / unit.size)\(unit.name)b/s"
    guard burst != 0 else { return (text, nil, byteExpiry * 1000) }
    let whole = rate &* burst
    let burstUnit = units.first { whole >= $0.size } ?? units[2]
    return (text, "\(whole / burstUnit.size)\(burstUnit.name)b", byteBurstExpiry * 1000)
  }
}
