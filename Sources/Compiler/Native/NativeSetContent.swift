package import XTables

/// The elements of a set of nf_tables as bytes, before a rule tells what they are.
package struct NativeSetContent: Sendable, Equatable {
  /// An element: an inclusive range of keys.
  package struct Element: Sendable, Equatable {
    package var low: [UInt8]
    package var high: [UInt8]
    /// The verdict of an element of a map; nil in a set.
    package var end: NativeRule.End?

    package init(low: [UInt8], high: [UInt8], end: NativeRule.End? = nil) { (self.low, self.high, self.end) = (low, high, end) }
  }

  /// The number of bytes of a key, in which each of several fields takes whole words of 4 bytes.
  package var keyLength: Int
  /// Whether keys are compared as numbers in network byte order.
  package var hasRanges: Bool
  /// Whether it belongs to one rule, which then shows its elements.
  package var isAnonymous: Bool
  package var elements: [Element]
  /// Why it is not the same for every packet, or cannot be read; nil if it is constant.
  package var obstacle: String?

  package init(
    keyLength: Int, hasRanges: Bool = false, isAnonymous: Bool = false, elements: [Element] = [], obstacle: String? = nil
  ) {
    (self.keyLength, self.hasRanges, self.isAnonymous) = (keyLength, hasRanges, isAnonymous)
    (self.elements, self.obstacle) = (elements, obstacle)
  }
}
