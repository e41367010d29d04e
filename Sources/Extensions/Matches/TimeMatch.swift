import CNetfilter
public import Wire
public import XTables

/// Matches by date, time of day, weekday and day of the month. Kernel: `xt_time`, revision 0.
public enum TimeMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_time_info`.
  public struct Info: BitwiseCopyable, Sendable {
    /// Seconds since 1970.
    var dates = NumberRange<UInt32>(0, UInt32(Int32.max))
    /// Seconds since midnight. If the first is greater, the range spans midnight.
    var daytimes = NumberRange<UInt32>(0, 86399)
    /// One bit per day of the month, starting at bit 1.
    var monthdays: UInt32 = Self.allMonthdays
    /// One bit per weekday; Monday is bit 1.
    var weekdays: UInt8 = Self.allWeekdays
    var flags: UInt8 = 0
    var padding: UInt16 = 0

    static let allMonthdays: UInt32 = 0xffff_fffe
    static let allWeekdays: UInt8 = 0xfe
    var hasDaytimes: Bool { daytimes != NumberRange(0, 86399) }
  }

  /// The bits of `flags`: `XT_TIME_*`.
  private enum Flag {
    static let kernelZone: UInt8 = 0x01
    static let contiguous: UInt8 = 0x02
  }

  public static let name = "time"
  public static let families: Families = .both
  public static let summary = "matches by date, time of day, weekday and day of the month"
  public static let traits: ExtensionTraits = .readsClock
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option("--timestart", TimeSyntax.daytime, \.daytimes.low, present: .when { $0.hasDaytimes }, .plain, "from this time of day"),
    Option("--timestop", TimeSyntax.daytime, \.daytimes.high, present: .when { $0.hasDaytimes }, .plain, "to this time of day"),
    days("--monthdays", TimeSyntax.monthdays, \.monthdays, all: Info.allMonthdays, "days of the month"),
    days("--weekdays", TimeSyntax.weekdays, \.weekdays, all: Info.allWeekdays, "days of the week"),
    Option("--datestart", TimeSyntax.date, \.dates.low, present: .when { $0.dates.low != 0 }, .plain, "from this date"),
    Option(
      "--datestop", TimeSyntax.date, \.dates.high, present: .when({ $0.dates.high != 0 }, isLost: { $0.dates.high == 0 }), .plain,
      "to this date"),
    Option(
      flag: "--kerneltz", present: .bits(\.flags, Flag.kernelZone), OptionUse(excludes: ["--utc"]),
      "in the kernel's time zone instead of UTC"),
    Option(
      flag: "--contiguous", present: .bits(\.flags, Flag.contiguous), .plain, "a period over midnight belongs to the day on which it starts"
    ),
    Option(
      flag: "--localtz", present: Presence(get: { _ in false }, set: { $0.flags |= Flag.kernelZone }),
      OptionUse(excludes: ["--utc"]), "older name of --kerneltz"),
    Option(flag: "--utc", present: .never, OptionUse(excludes: ["--localtz", "--kerneltz"]), "in UTC, which is the default"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_time_info>.size)]
  public static let examples: [Example] = [
    .matches(
      "--timestart 09:00 --timestop 17:00 --weekdays Mon,Tue,Wed,Thu,Fri", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      given: .init(host: ["clock: 2024-01-31T09:30:00Z"]),
      saved: "--timestart 09:00:00 --timestop 17:00:00 --weekdays Mon,Tue,Wed,Thu,Fri --datestop 2038-01-19T03:14:07"),
    .misses(
      "--timestart 09:00 --timestop 17:00 --weekdays Mon,Tue,Wed,Thu,Fri", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      given: .init(host: ["clock: 2024-02-03T09:30:00Z"]),
      saved: "--timestart 09:00:00 --timestop 17:00:00 --weekdays Mon,Tue,Wed,Thu,Fri --datestop 2038-01-19T03:14:07"),
    .accepts(
      "--timestart 01:02:03 --timestop 04:05:06 --monthdays 1,2 --weekdays Mon,Sun --datestart 2001-02-03T04:05:06 --datestop 2012-09-08T09:06:05 --kerneltz"
    ),
    .accepts("--weekdays Mo,5", saved: "--weekdays Mon,Fri --datestop 2038-01-19T03:14:07"),
    .accepts("! --weekdays Sat,Sun", saved: "--weekdays Mon,Tue,Wed,Thu,Fri --datestop 2038-01-19T03:14:07"),
    .accepts(
      "--timestart 23:00 --timestop 1:00 --contiguous",
      saved: "--timestart 23:00:00 --timestop 01:00:00 --datestop 2038-01-19T03:14:07 --contiguous"),
    .rejects("--timestart 24:00"), .rejects("--weekdays 0"), .rejects("--datestart 1969"), .rejects("--utc --kerneltz"),
    .rejects("--timestart 1:00 --timestop 2:00 --contiguous"),
  ]

  private static func days<Word: FixedWidthInteger & Sendable>(
    _ name: String, _ syntax: ValueSyntax<Word>, _ path: any WritableKeyPath<Info, Word> & Sendable, all: Word, _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, invertible: true, .plain, summary,
      read: { info, arguments throws(OptionError) in
        let days = try syntax.parse(arguments.token, arguments)
        info[keyPath: path] = arguments.inverted ? days ^ all : days
      },
      write: { info, text in
        let days = info[keyPath: path]
        guard days != all else { return }
        // iptables-save prints an empty set of days as an option without a value.
        let isNone = text.isReloadable && days == 0
        text.option(name, inverted: isNone)
        syntax.print(isNone ? all : days, &text)
      })
  }

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if info.flags & Flag.contiguous != 0, info.daytimes.low < info.daytimes.high {
      throw OptionError(
        "bad-value", "time: --contiguous only makes sense when stoptime is smaller than starttime")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("TIME")
    if info.hasDaytimes {
      text.word("from")
      TimeSyntax.daytime.print(info.daytimes.low, &text)
      text.word("to")
      TimeSyntax.daytime.print(info.daytimes.high, &text)
    }
    if info.weekdays != Info.allWeekdays {
      text.word("on")
      TimeSyntax.weekdays.print(info.weekdays, &text)
    }
    if info.monthdays != Info.allMonthdays {
      let days = (1...31).filter { info.monthdays >> UInt32($0) & 1 == 1 }.map { day in
        "\(day)\(day % 10 == 1 ? "st" : day % 10 == 2 ? "nd" : day % 10 == 3 ? "rd" : "th")"
      }
      text.word("on \(days.joined(separator: ","))")
    }
    if info.dates.low != 0 { text.word("starting from \(TimeSyntax.dateAndTime(info.dates.low))") }
    if info.dates.high != UInt32(Int32.max) { text.word("until date \(TimeSyntax.dateAndTime(info.dates.high))") }
    if info.flags & Flag.kernelZone == 0 { text.word("UTC") }
    if info.flags & Flag.contiguous != 0 { text.word("contiguous") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if max(info.daytimes.low, info.daytimes.high) > 86399 { throw .kernel("time: a day has no more than 86399 seconds (EDOM)") }
    if info.flags & ~0x03 != 0 { throw .kernel("time: unknown flags") }
    if info.flags & Flag.contiguous != 0, info.daytimes.low < info.daytimes.high {
      throw .kernel("time: --contiguous without a period over midnight")
    }
  }

  /// The corresponding kernel function is `time_mt`.
  public static func condition(_ info: Info, family: Family) -> Condition {
    let isLocal = info.flags & Flag.kernelZone != 0
    let dates = Condition.inRange(.clock(.seconds, isLocal: isLocal), info.dates.low, info.dates.high)
    let (start, stop) = (info.daytimes.low, info.daytimes.high)
    guard start >= stop else {
      return .all([dates, .inRange(.clock(.daytime, isLocal: isLocal), start, stop), days(info, daysAgo: 0)])
    }
    let evening = Condition.inRange(.clock(.daytime, isLocal: isLocal), start, 86399)
    let morning = Condition.inRange(.clock(.daytime, isLocal: isLocal), 0, stop)
    // With `--contiguous` the hours after midnight count for the previous day.
    let isContiguous = info.flags & Flag.contiguous != 0
    return .all([
      dates,
      .any([
        .all([morning, days(info, daysAgo: isContiguous ? 1 : 0)]), .all([.not(morning), evening, days(info, daysAgo: 0)]),
      ]),
    ])
  }

  private static func days(_ info: Info, daysAgo: Int) -> Condition {
    func oneOf(_ field: Field, _ mask: UInt32, _ range: ClosedRange<Int>) -> Condition {
      .any(range.filter { mask >> UInt32($0) & 1 == 1 }.map { .equals(field, $0) })
    }
    let isLocal = info.flags & Flag.kernelZone != 0
    var tests = [oneOf(.clock(.weekday, daysAgo: daysAgo, isLocal: isLocal), UInt32(info.weekdays), 1...7)]
    if info.monthdays != Info.allMonthdays {
      tests.append(oneOf(.clock(.monthday, daysAgo: daysAgo, isLocal: isLocal), info.monthdays, 1...31))
    }
    return .all(tests)
  }
}

extension Field {
  fileprivate enum ClockPart: String {
    case seconds, daytime, weekday, monthday

    /// The time is constant while a packet traverses a table: the kernel timestamps the packet once.
    var values: FieldDomain {
      switch self {
      case .seconds: .range(0...UInt128(UInt64.max))
      case .daytime: .range(0...86399)
      case .weekday: .range(1...7)
      case .monthday: .range(1...31)
      }
    }
  }

  /// A part of the current time in UTC, or of the time `daysAgo` days ago.
  ///
  /// - Parameter isLocal: whether the time is that of the kernel's time zone.
  fileprivate static func clock(_ part: ClockPart, daysAgo: Int = 0, isLocal: Bool = false) -> Field {
    Field(
      "time.\(isLocal ? "local." : "")\(part.rawValue)" + (daysAgo == 0 ? "" : ".\(daysAgo)ago"), bits: part == .seconds ? 64 : 17,
      FieldTraits(
        .context, [.value, .unknown], values: part.values,
        needs: isLocal ? FieldNeeds("-m time --kerneltz", .clock, .timeZone) : FieldNeeds("-m time", .clock))
    ) {
      context in
      var seconds = Int(context.world.now / 1_000_000_000)
      if isLocal {
        guard let west = context.world.host.minutesWest else {
          return .unknown(UnknownReason("-m time --kerneltz", lacking: .timeZone))
        }
        // A time zone west of Greenwich at the epoch would give a time before it.
        seconds = max(0, seconds - 60 * west)
      }
      let day = seconds / 86400 - daysAgo
      switch part {
      case .seconds: return .of(seconds)
      case .daytime: return .of(seconds % 86400)
      case .weekday: return .of(TimeSyntax.weekday(day))
      case .monthday: return .of(CalendarDate(day: day).day)
      }
    }
  }
}
