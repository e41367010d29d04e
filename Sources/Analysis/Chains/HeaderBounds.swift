import XTables

/// The intervals of addresses, protocols and interfaces outside of which the header of a rule fails, whatever its matches ask for: a packet
/// outside of them proceeds to the next rule, even if a match would drop it.
struct HeaderBounds: Sendable {
  private static let fields: [Field] = [.sourceAddress, .destinationAddress, .protocolNumber, .inputInterface, .outputInterface]

  private let width: Int
  /// By rule and field.
  private var bounds: [Range<UInt32>] = []

  init(_ rules: [Rule], _ space: PacketSpace) {
    let codes = Self.fields.compactMap { space.code(of: $0) }.filter { $0.starts != nil && !$0.levels.isEmpty && $0.levels.count <= 30 }
    width = codes.count
    bounds.reserveCapacity(rules.count * codes.count)
    for rule in rules {
      var tests: [(field: Field, test: ValueTest)] = []
      RankIndex.collect(rule.header.condition(space.family), &tests)
      for code in codes { bounds.append(RankIndex.ranks(tests, code)) }
    }
  }

  /// Whether some packet may pass the headers of two rules.
  func mayMeet(_ one: Int, _ other: Int) -> Bool {
    for field in 0..<width where !bounds[one * width + field].overlaps(bounds[other * width + field]) { return false }
    return true
  }
}
