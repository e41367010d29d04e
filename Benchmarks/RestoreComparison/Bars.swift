/// What the measured ratios are held against.
struct Bars {
  private(set) var missed = 0

  mutating func hold(_ what: String, _ ratio: Double, to limit: Double) {
    let isMet = ratio <= limit
    if !isMet { missed += 1 }
    print(
      "  \(isMet ? "met   " : "MISSED") \(what): \(Comparison.number(ratio)) of the real tool's, the bar is \(Comparison.number(limit))")
  }
}
