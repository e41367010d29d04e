package import Documents
import XTables

/// A time in UTC.
package struct ClockTime {
  /// Seconds since the epoch.
  package let secondsSince1970: Int

  /// Parses `2024-01-31T09:30:00Z`; seconds, or the whole time, may be omitted.
  package init?(_ text: String) {
    let halves = text.split(whereSeparator: { $0 == "T" || $0 == " " })
    guard let first = halves.first, halves.count <= 2 else { return nil }
    let date = first.split(separator: "-").map { Int($0) ?? -1 }
    guard date.count == 3, (1970...9999).contains(date[0]), (1...12).contains(date[1]), (1...31).contains(date[2]) else { return nil }
    var time = [0, 0, 0]
    if halves.count == 2 {
      let words = halves[1].hasSuffix("Z") ? halves[1].dropLast() : halves[1]
      let parts = words.split(separator: ":").map { Int($0) ?? -1 }
      guard (2...3).contains(parts.count), (0...23).contains(parts[0]), (0...59).contains(parts[1]) else { return nil }
      time = [parts[0], parts[1], parts.count == 3 ? parts[2] : 0]
      guard (0...60).contains(time[2]) else { return nil }
    }
    let days = CalendarDate.day(year: date[0], month: date[1], day: date[2])
    secondsSince1970 = days * 86400 + time[0] * 3600 + time[1] * 60 + time[2]
  }
}

extension FileNode {
  /// Seconds since 1970, or a date: `2024-01-31T09:30:00Z`.
  package func clock() throws(ScenarioFileError) -> Double {
    if let seconds = try? seconds() { return seconds }
    guard let time = ClockTime(try text()) else {
      throw error("`\(try text())' is not a time", hint: "write 2024-01-31T09:30:00Z, or seconds since 1970")
    }
    let seconds = Double(time.secondsSince1970)
    guard seconds < FileNode.mostSeconds else { throw error("`\(try text())' is too late: the latest year is 2286") }
    return seconds
  }
}
