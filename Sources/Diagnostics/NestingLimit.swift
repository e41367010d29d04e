/// How deep things of one kind may stand inside each other. Every reader that follows nested input checks against one of these, so that
/// no input exhausts the stack; `Docs/Limits.md` lists them.
public struct NestingLimit: Sendable, Hashable {
  /// The things, in the plural.
  public let what: String
  /// The deepest level that is read; what stands inside nothing is on level 1.
  public let deepest: Int

  public init(_ what: String, deepest: Int) {
    self.what = what
    self.deepest = deepest
  }

  /// Throws where a level is deeper than the limit.
  public func check(_ level: Int) throws(NestingError) {
    if level > deepest { throw NestingError(limit: self) }
  }
}

extension NestingLimit {
  /// Lists and mappings of a YAML or JSON text.
  public static let values = NestingLimit("values", deepest: 128)
  /// Packets in brackets behind the packet that quotes them.
  public static let packets = NestingLimit("quoted packets", deepest: 8)
  /// Snapshots that name another snapshot.
  public static let snapshots = NestingLimit("snapshots", deepest: 8)
}

/// Input that is nested deeper than its limit.
public struct NestingError: Error, Sendable, Hashable, CustomStringConvertible {
  public let limit: NestingLimit

  public var description: String { "\(limit.what) stand more than \(limit.deepest) levels deep inside each other" }
}
