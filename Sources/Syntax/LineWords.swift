import Diagnostics
public import XTables

/// The words of a line: places in its text, of which a ``Token`` is made where one is asked for. Most words are looked at only,
/// and a token counts its reference to the text.
public struct LineWords: Sendable {
  private struct Place {
    let start: Int
    let end: Int
    /// Where the word stood in the source, quotes included.
    let range: SourceRange
    /// Its bytes stand in no text as they are: they were unquoted, or came from elsewhere.
    let isUnquoted: Bool
  }

  private let text: [UInt8]
  private var unquoted: [UInt8] = []
  private var places: [Place] = []
  /// Words that were made of letters of the last one; they are no part of the line.
  private var extra: [Place] = []

  /// No words yet.
  init(in text: [UInt8]) {
    self.text = text
    places.reserveCapacity(24)
  }

  public init(_ tokens: [Token]) {
    text = []
    for token in tokens { append(token) }
  }

  public var count: Int { places.count }

  public subscript(index: Int) -> Token { Token(bytes(index), at: range(of: index)) }

  public var tokens: [Token] { places.indices.map { self[$0] } }

  // MARK: Looking at one

  func range(of index: Int) -> SourceRange { place(index).range }

  @inline(__always)
  func length(of index: Int) -> Int {
    let place = place(index)
    return place.end - place.start
  }

  /// The byte at an offset that lies within the word.
  @inline(__always)
  func byte(of index: Int, at offset: Int) -> UInt8 {
    let place = place(index)
    return place.isUnquoted ? unquoted[place.start + offset] : text[place.start + offset]
  }

  @inline(__always)
  func starts(_ index: Int, with byte: UInt8) -> Bool { length(of: index) > 0 && self.byte(of: index, at: 0) == byte }

  /// The word is an option's name, which no `=` follows.
  func isOption(_ index: Int, _ name: String) -> Bool {
    length(of: index) == name.utf8.count && starts(index, with: UInt8(ascii: "-")) && bytes(index).elementsEqual(name.utf8)
  }

  private func bytes(_ index: Int) -> ArraySlice<UInt8> {
    let place = place(index)
    return place.isUnquoted ? unquoted[place.start..<place.end] : text[place.start..<place.end]
  }

  @inline(__always)
  private func place(_ index: Int) -> Place { index < places.count ? places[index] : extra[index - places.count] }

  // MARK: Adding one

  /// A word that stands in the text as it is.
  mutating func append(_ range: Range<Int>) {
    places.append(Place(start: range.lowerBound, end: range.upperBound, range: SourceRange(range), isUnquoted: false))
  }

  mutating func append(_ token: Token) { places.append(kept(token)) }

  /// Puts words in front of the others.
  public mutating func prepend(_ tokens: [Token]) {
    if !tokens.isEmpty { places.insert(contentsOf: tokens.map { kept($0) }, at: 0) }
  }

  /// A word beside the line.
  /// - Returns: the index by which it is found.
  mutating func add(_ token: Token) -> Int {
    extra.append(kept(token))
    return places.count + extra.count - 1
  }

  private mutating func kept(_ token: Token) -> Place {
    let start = unquoted.count
    unquoted.append(contentsOf: token.bytes)
    return Place(start: start, end: unquoted.count, range: token.range, isUnquoted: true)
  }
}

/// An option where it stands in its line.
struct OptionWord {
  let index: Int
  let range: SourceRange
}
