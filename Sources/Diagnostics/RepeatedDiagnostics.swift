extension Collection where Element == Diagnostic {
  /// The diagnostics with one in place of more than ``Diagnostic/Repeats/leastCount`` that are equal but for their places. It stands where
  /// the first of them stood, and has their number and the first places.
  public var condensed: [Diagnostic] {
    guard count > Diagnostic.Repeats.leastCount else { return Array(self) }
    var groups: [String: [SourceRange]] = [:]
    var counts: [String: Int] = [:]
    // The texts are made once: most of the time goes into them.
    let kinds = map(\.kind)
    for (kind, diagnostic) in zip(kinds, self) {
      counts[kind, default: 0] += 1
      if groups[kind, default: []].count <= Diagnostic.Repeats.mostPlaces { groups[kind, default: []].append(diagnostic.range) }
    }
    guard counts.values.contains(where: { $0 > Diagnostic.Repeats.leastCount }) else { return Array(self) }
    var result: [Diagnostic] = []
    for (kind, diagnostic) in zip(kinds, self) {
      guard let count = counts[kind], count > Diagnostic.Repeats.leastCount else {
        result.append(diagnostic)
        continue
      }
      guard let places = groups.removeValue(forKey: kind) else { continue }
      var first = diagnostic
      first.repeats = Diagnostic.Repeats(count: count, places: Array(places.dropFirst()))
      result.append(first)
    }
    return result
  }
}

extension Diagnostic.Repeats {
  /// As many equal diagnostics are still shown one by one.
  public static let leastCount = 10
  /// The greatest number of further places that are kept.
  public static let mostPlaces = 5

  /// The number of further places and the first of them: `the same at 999 other places: lines 3, 4, 5, 6, 7, …`.
  public func sentence(in file: SourceFile) -> String {
    let lines = places.map { "\(file.position(of: $0.range.lowerBound).line)" }
    let rest = count - 1 > places.count ? ", …" : ""
    return "the same at \(count - 1) other places: lines \(lines.joined(separator: ", "))\(rest)"
  }
}
