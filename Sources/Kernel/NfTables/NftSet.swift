package import Compiler
package import XTables

/// A set or a map of nf_tables.
package struct NftSet: Sendable, Equatable {
  /// One element as the kernel tells it.
  package struct Element: Sendable, Equatable {
    package var key: [UInt8]
    /// The end of a range of a concatenation, which belongs to it; nil for others.
    package var keyEnd: [UInt8]?
    /// True for the first key behind a range of other sets.
    package var isEnd = false
    /// The verdict of a map; nil if there is none, or another than a rule can have.
    package var end: NativeRule.End?
  }

  /// `NFT_SET_*`.
  package var flags: UInt32
  package var keyLength: Int
  /// Whether it is a map to other data than verdicts.
  package var isDataMap = false
  package var elements: [Element] = []
  /// True if an element has a timeout, an expression, or stands for all others.
  package var hasSpecialElements = false

  /// The greatest number of elements of a set that a rule is read with. More make the rule unknown.
  package static let mostElements = 100_000

  private func has(_ flag: UInt32) -> Bool { flags & flag != 0 }

  /// The elements as a rule can compare them.
  package var content: NativeSetContent {
    typealias Flag = NftNumber.SetObject
    var content = NativeSetContent(keyLength: keyLength, hasRanges: has(Flag.interval), isAnonymous: has(Flag.anonymous))
    if has(Flag.timeout) || has(Flag.eval) || hasSpecialElements {
      content.obstacle = "whose elements change or have conditions"
    } else if isDataMap || has(Flag.object) {
      content.obstacle = "which is a map"
    } else if elements.count > Self.mostElements {
      content.obstacle = "which has more than \(Self.mostElements) elements"
    } else if has(Flag.interval), !has(Flag.concatenation) {
      content.elements = ranges
    } else {
      content.elements = elements.map { NativeSetContent.Element(low: $0.key, high: $0.keyEnd ?? $0.key, end: $0.end) }
    }
    return content
  }

  /// The ranges of a set in which each element starts at a key and ends before another. The last may have no end.
  private var ranges: [NativeSetContent.Element] {
    let sorted = elements.filter { $0.key.count == keyLength }.sorted { first, second in
      first.key == second.key ? first.isEnd && !second.isEnd : first.key.lexicographicallyPrecedes(second.key)
    }
    var result: [NativeSetContent.Element] = []
    for (index, element) in sorted.enumerated() where !element.isEnd {
      let next = index + 1 < sorted.count ? Self.before(sorted[index + 1].key) : nil
      result.append(
        NativeSetContent.Element(
          low: element.key, high: next ?? [UInt8](repeating: 0xff, count: keyLength), end: element.end))
    }
    return result
  }

  /// The key before a key; nil before the first.
  private static func before(_ key: [UInt8]) -> [UInt8]? {
    var key = key
    for index in key.indices.reversed() {
      if key[index] > 0 {
        key[index] -= 1
        return key
      }
      key[index] = 0xff
    }
    return nil
  }
}
