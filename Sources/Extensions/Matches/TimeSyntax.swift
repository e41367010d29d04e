import XTables

/// The date and time syntax of `-m time`.
enum TimeSyntax {
  private static let weekdayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

  /// The weekday of a day counted from 1970-01-01, a Thursday; Monday is 1.
  static func weekday(_ day: Int) -> Int { ((day + 3) % 7 + 7) % 7 + 1 }

  /// Parses a part of a date or time: digits, possibly none, then a delimiter or the end. Nil if another byte follows.
  private static func part(
    _ bytes: inout ArraySlice<UInt8>, upTo top: Int, delimiter: Unicode.Scalar, _ arguments: OptionArguments
  ) -> (value: Int, isLast: Bool)? {
    let number = CNumber(bytes, base: .decimal)
    let (value, rest) = (UInt32(truncatingIfNeeded: number?.wrapped ?? 0), number?.rest ?? bytes)
    guard value <= top else { return nil }
    if let number { arguments.keep(number, as: value) }
    if rest.isEmpty { return (Int(value), true) }
    guard rest.first == UInt8(ascii: delimiter) else { return nil }
    bytes = rest.dropFirst()
    return (Int(value), false)
  }

  /// `hh:mm[:ss]`, stored in seconds; the corresponding C function is `time_parse_minutes`.
  static let daytime = ValueSyntax<UInt32>(
    placeholder: "hh:mm[:ss]", grammar: "number \":\" number [ \":\" number ]", samples: ["00:00", "23:59:59", "1:2:3"],
    nearMisses: ["24:00", "12", "12:60", "12:00:60", "x", "1:2:3:4"],
    parse: { token, arguments throws(OptionError) in
      var bytes = token.bytes
      var parts: [Int] = []
      for top in [23, 59, 59] {
        guard let (value, isLast) = part(&bytes, upTo: top, delimiter: ":", arguments) else { break }
        parts.append(value)
        if isLast {
          guard parts.count > 1 else { break }
          return UInt32(parts[0] * 3600 + parts[1] * 60 + (parts.count > 2 ? parts[2] : 0))
        }
      }
      throw OptionError(
        "bad-value", "invalid time \"\(token.string)\" specified, should be hh:mm[:ss] format and within the boundaries",
        at: token.range)
    },
    print: { seconds, text in
      text.word([seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded(Int($0), 2) }.joined(separator: ":"))
    })

  /// `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` in UTC, stored in seconds since 1970; the corresponding C function is `time_parse_date`.
  static let date = ValueSyntax<UInt32>(
    placeholder: "YYYY[-MM[-DD[Thh[:mm[:ss]]]]]", grammar: "date", samples: ["1970", "2038-01-19T03:14:07", "2024-02-29", "2020-12"],
    nearMisses: ["1969", "2039", "2020-13", "2020-01-32", "2020-01-01T24", "x"],
    parse: { token, arguments throws(OptionError) in
      var bytes = token.bytes
      var parts = [0, 1, 1, 0, 0, 0]
      let rules: [(top: Int, delimiter: Unicode.Scalar)] = [(2038, "-"), (12, "-"), (31, "T"), (23, ":"), (59, ":"), (59, "\0")]
      for (index, rule) in rules.enumerated() {
        guard let (value, isLast) = part(&bytes, upTo: rule.top, delimiter: rule.delimiter, arguments), index > 0 || value >= 1970 else {
          break
        }
        parts[index] = value
        if isLast {
          let days = CalendarDate.day(year: parts[0], month: parts[1], day: parts[2])
          let seconds = days * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5]
          if let seconds = UInt32(exactly: seconds) { return seconds }
          break
        }
      }
      throw OptionError(
        "bad-value", "Invalid date \"\(token.string)\" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]", at: token.range)
    },
    print: { seconds, text in
      text.word(dateAndTime(seconds, separator: "T"))
    })

  /// Seconds since 1970 as a date and a time in UTC.
  static func dateAndTime(_ seconds: UInt32, separator: String = " ") -> String {
    let date = CalendarDate(day: Int(seconds) / 86400)
    let time = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map { padded(Int($0), 2) }.joined(separator: ":")
    return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))\(separator)\(time)"
  }

  /// Comma-separated numbers; two digits of each are read. The corresponding C function is `time_parse_monthdays`.
  static let monthdays = ValueSyntax<UInt32>(
    placeholder: "day[,day...]", grammar: "number { \",\" number }", samples: ["1", "1,15,31"], nearMisses: ["32", "x", "1,y"],
    parse: { token, _ throws(OptionError) in
      var mask: UInt32 = 0
      for part in segments(token) {
        let word = part.bytes.prefix(2)
        let number = CNumber(word)
        let day = number?.wrapped ?? 0
        guard number?.rest.isEmpty ?? word.isEmpty, day <= 31 else {
          throw OptionError("bad-value", "\(part.string) is not a valid day for --monthdays", at: token.range)
        }
        mask |= 1 << UInt32(day)
      }
      return mask
    },
    // Day 0 is accepted, but iptables-save never prints it.
    print: { mask, text in
      text.word(((text.isReloadable ? 0 : 1)...31).filter { mask >> UInt32($0) & 1 == 1 }.map(String.init).joined(separator: ","))
    })

  /// Numbers, Monday is 1, or names, of which two letters are read. The corresponding C function is `time_parse_weekdays`.
  static let weekdays = ValueSyntax<UInt8>(
    placeholder: "day[,day...]", grammar: "weekday { \",\" weekday }", samples: ["Mon", "1,2", "Mo,Tuesday,7"] + weekdayNames,
    nearMisses: ["0", "M", "mon", "x"],
    parse: { token, arguments throws(OptionError) in
      var mask: UInt8 = 0
      for part in segments(token) {
        let word = part.bytes.prefix(3)
        if let number = CNumber(word), number.rest.isEmpty {
          guard number.wrapped != 0 else {
            throw OptionError(
              "bad-value", "No, the week does NOT begin with Sunday.", at: token.range, hint: "Monday is 1 and Sunday is 7")
          }
          let day = UInt32(truncatingIfNeeded: number.wrapped) % 32
          if day > 7 || number.exact != UInt64(day) { arguments.wrapped(keptAs: day > 7 ? "no day" : "day \(day)") }
          mask |= UInt8(truncatingIfNeeded: UInt32(1) << day)
        } else if let day = weekdayNames.firstIndex(where: { word.count >= 2 && $0.utf8.prefix(2).elementsEqual(word.prefix(2)) }) {
          mask |= 1 << UInt8(day + 1)
        } else {
          throw OptionError(
            "bad-value", "\(String(decoding: word, as: UTF8.self)) is not a valid day specifier", at: token.range,
            hint: "the days are " + weekdayNames.joined(separator: ", "))
        }
      }
      return mask
    },
    print: { mask, text in
      // Bit 0 is set by day 32, which wraps.
      let lost = text.isReloadable && mask & 1 == 1 ? ["32"] : []
      text.word((weekdayNames.enumerated().filter { mask >> UInt8($0.offset + 1) & 1 == 1 }.map(\.element) + lost).joined(separator: ","))
    })

  /// The parts between commas; a trailing comma starts no part.
  private static func segments(_ token: Token) -> [Token] {
    let parts = token.split(on: ",")
    return parts.last?.bytes.isEmpty == true ? parts.dropLast() : parts
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(width - digits.count, 0)) + digits
  }
}
