/// The greatest permitted nesting depth of one kind of thing. Every reader that follows nested input checks one of these, so that
/// no input exhausts the stack. `Docs/Limits.md` lists them.
public struct NestingLimit: Sendable, Hashable {
  /// What is nested, in the plural.
  public let what: String
  /// The deepest level that is read. The outermost level is 1.
  public let deepest: Int

  /// Creates a limit.
  public init(_ what: String, deepest: Int) {
    self.what = what
    self.deepest = deepest
  }

  /// Throws a ``NestingError`` if `level` is deeper than the limit.
  public func check(_ level: Int) throws(NestingError) {
    if level > deepest { throw NestingError(limit: self) }
  }
}

extension NestingLimit {
  /// Nested lists and mappings of a YAML or JSON text.
  public static let values = NestingLimit("values", deepest: 128)
  /// Packets in brackets that are quoted by the packet before them, as in an ICMP error.
  public static let packets = NestingLimit("quoted packets", deepest: 8)
  /// Snapshots that name another snapshot.
  public static let snapshots = NestingLimit("snapshots", deepest: 8)
}

/// The error for input that is nested deeper than its limit.
public struct NestingError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The limit that was exceeded.
  public let limit: NestingLimit

  /// The error as a sentence without a full stop.
  public var description: String { "\(limit.what) are nested more than \(limit.deepest) levels deep" }
}
