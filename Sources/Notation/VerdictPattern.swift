package import Diagnostics

/// The expected verdict of a packet: `accept`, `sent eth1`, `local`, `drop INPUT`, `reject`, `queue 5`, `lost`, `unknown`.
public struct VerdictPattern: Sendable, Hashable, CustomStringConvertible {
  /// The kind of the expected verdict.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The packet was sent through an interface or delivered to this host.
    case accept
    /// The packet was sent, through the named interface if there is one.
    case sent
    /// The packet was delivered to this host.
    case local
    /// The packet was dropped by an operation, at the named hook if there is one.
    case drop
    /// The packet was dropped, and the host sent an answer.
    case reject
    /// A queue's listener holds the packet, in the queue of the given number if there is one.
    case queue
    /// The packet was dropped between two hooks: by routing, its TTL, or its size.
    case lost
    /// Reassembly holds the packet.
    case absorbed
    /// The IP layer dropped the packet before the first hook.
    case refused
    /// The kernel's behaviour cannot be determined.
    case unknown
  }

  /// The kind of verdict.
  public let kind: Kind
  /// The interface, hook or queue; nil for any.
  public let detail: String?

  /// The pattern as it is written in files.
  public var description: String { kind.rawValue + (detail.map { " \($0)" } ?? "") }

  /// Creates a pattern.
  public init(_ kind: Kind, _ detail: String? = nil) {
    self.kind = kind
    self.detail = detail
  }

  /// Parses a pattern, as in `--expect`.
  ///
  /// - Throws: `Malformed` for any other text.
  public init(_ text: String) throws(VerdictPattern.Malformed) {
    let file = SourceFile(name: "", bytes: Array(text.utf8))
    do throws(NotationError) {
      try self.init(try NotationLexer.words(file, 0..<file.bytes.count), at: SourceRange(0..<0))
    } catch {
      throw Malformed(message: error.message + (error.hint.map { "; \($0)" } ?? ""))
    }
  }

  /// A syntax error in a pattern.
  public struct Malformed: Error, Sendable {
    /// What is wrong with the text.
    public let message: String
  }

  package init(_ words: [NotationWord], at arrow: SourceRange) throws(NotationError) {
    guard let first = words.first else { throw NotationError("the expected verdict is missing", at: arrow) }
    guard let kind = Kind(rawValue: first.text.lowercased()) else {
      let known = Kind.allCases.map(\.rawValue)
      throw NotationError(
        "`\(first.text)' is not a verdict", at: first.range,
        hint: Spelling.nearest(to: first.text, in: known).map { "did you mean \($0)?" } ?? "the verdicts are "
          + known.joined(separator: ", "))
    }
    self.kind = kind
    detail = words.count > 1 ? words[1].text : nil
    let takesDetail: Set<Kind> = [.sent, .drop, .reject, .queue]
    if let extra = words.dropFirst(takesDetail.contains(kind) ? 2 : 1).first {
      throw NotationError("the verdict ends before this word", at: extra.range)
    }
  }
}
