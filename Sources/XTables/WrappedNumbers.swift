public import Diagnostics
import Synchronization

/// Collects the numbers of a line that are kept as others, because iptables keeps fewer bits of them than were written.
public final class WrappedNumbers: Sendable {
  public struct Entry: Sendable {
    public let written: String
    public let kept: String
    public let range: SourceRange
  }

  private let entries = Mutex<[Entry]>([])

  public init() {}

  public func add(_ written: String, keptAs kept: String, at range: SourceRange) {
    entries.withLock { $0.append(Entry(written: written, kept: kept, range: range)) }
  }

  /// Those of the line, which are forgotten then.
  public func take() -> [Entry] {
    entries.withLock { entries in
      defer { entries = [] }
      return entries
    }
  }
}

extension OptionArguments {
  /// Notes that the argument is kept as something else.
  public func wrapped(keptAs kept: String, at token: Token? = nil) {
    let token = token ?? self.token
    wraps?.add(token.string, keptAs: kept, at: token.range)
  }

  /// Notes a number of which only a part is kept.
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
}
