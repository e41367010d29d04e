import Diagnostics

/// A verdict that is expected of a packet: `accept`, `sent eth1`, `local`, `drop INPUT`, `reject`, `queue 5`, `lost`, `unknown`.
public struct VerdictPattern: Sendable, Hashable, CustomStringConvertible {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// It left through an interface or came to this host.
    case accept
    /// It left, through this interface where one is named.
    case sent
    /// It came to this host.
    case local
    /// An operation ended it, at this hook where one is named.
    case drop
    /// It was dropped, and the host answered.
    case reject
    /// A queue's listener keeps it, in the queue of this number where one is named.
    case queue
    /// Between two hooks: by routing, its TTL, its size.
    case lost
    /// Reassembly keeps it.
    case absorbed
    /// The IP layer did not take it.
    case refused
    /// It cannot be told.
    case unknown
  }

  public let kind: Kind
  /// The interface, hook or queue.
  public let detail: String?

  public var description: String { kind.rawValue + (detail.map { " \($0)" } ?? "") }

  public init(_ kind: Kind, _ detail: String? = nil) {
    self.kind = kind
    self.detail = detail
  }

  /// Reads it as `--expect` is given it.
  public init(_ text: String) throws(VerdictPattern.Malformed) {
    let file = SourceFile(name: "", bytes: Array(text.utf8))
    do throws(NotationError) {
      try self.init(try NotationLexer.words(file, 0..<file.bytes.count), at: SourceRange(0..<0))
    } catch {
      throw Malformed(message: error.message + (error.hint.map { "; \($0)" } ?? ""))
    }
  }

  /// Why a text is no expectation.
  public struct Malformed: Error, Sendable {
    public let message: String
  }

  init(_ words: [NotationWord], at arrow: SourceRange) throws(NotationError) {
    guard let first = words.first else { throw NotationError("the expected verdict is missing", at: arrow) }
    guard let kind = Kind(rawValue: first.text.lowercased()) else {
      let known = Kind.allCases.map(\.rawValue)
      throw NotationError(
        "`\(first.text)' is no verdict", at: first.range,
        hint: Spelling.nearest(to: first.text, in: known).map { "did you mean \($0)?" } ?? "one of " + known.joined(separator: ", "))
    }
    self.kind = kind
    detail = words.count > 1 ? words[1].text : nil
    let takesDetail: Set<Kind> = [.sent, .drop, .reject, .queue]
    if let extra = words.dropFirst(takesDetail.contains(kind) ? 2 : 1).first {
      throw NotationError("nothing more is expected here", at: extra.range)
    }
  }
}
