public import Diagnostics
import Synchronization

/// Collects the numbers of a line that iptables stores with fewer bits than were written, so that it keeps other numbers.
public final class WrappedNumbers: Sendable {
  /// One number.
  public struct Entry: Sendable {
    /// The number as written.
    public let written: String
    /// The number that is stored.
    public let kept: String
    /// The place of the number in the source.
    public let range: SourceRange
  }

  private let entries = Mutex<[Entry]>([])

  /// Creates an empty collection.
  public init() {}

  /// Adds a number.
  public func add(_ written: String, keptAs kept: String, at range: SourceRange) {
    entries.withLock { $0.append(Entry(written: written, kept: kept, range: range)) }
  }

  /// Returns the numbers and removes them.
  public func take() -> [Entry] {
    entries.withLock { entries in
      defer { entries = [] }
      return entries
    }
  }
}

extension OptionArguments {
  /// Records that the argument is stored as another value.
  public func wrapped(keptAs kept: String, at token: Token? = nil) {
    let token = token ?? self.token
    wraps?.add(token.string, keptAs: kept, at: token.range)
  }

  /// Records a number if only a part of it is stored.
  ///
  /// - Returns: the part.
  @discardableResult
  public func keep<Word: FixedWidthInteger>(_ number: CNumber, as part: Word, of token: Token? = nil) -> Word {
    if let wraps, number.isNegative ? part >= 0 && number.magnitude > 0 : number.isTooLarge || UInt64(exactly: part) != number.magnitude {
      let token = token ?? self.token
      wraps.add(token.string, keptAs: String(part), at: token.range)
    }
    return part
  }

  /// Records a fraction of which 32 bits cannot hold the integral part.
  ///
  /// - Returns: what is stored, as C converts it.
  public func keep(_ value: Double) -> UInt32 {
    let part = UInt32(truncating: value)
    if !(value >= 0 && value < 0x1p32) { wrapped(keptAs: String(part)) }
    return part
  }
}
