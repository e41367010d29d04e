import Diagnostics
public import XTables

/// The words of a line, stored as places in its text. A ``Token`` is made only when one is read, because each token retains the
/// text, and most words are only compared.
public struct LineWords: Sendable {
  private struct Place {
    let start: Int
    let end: Int
    /// The place of the word in the source, quotes included.
    let range: SourceRange
    /// Whether the bytes are stored in `unquoted`, because the word was unquoted or does not come from the text.
    let isUnquoted: Bool
  }

  private let text: [UInt8]
  private var unquoted: [UInt8] = []
  private var places: [Place] = []
  /// Words made from letters of the last word; they are not part of the line.
  private var extra: [Place] = []

  /// Creates an empty list of words of `text`.
  init(in text: [UInt8]) {
    self.text = text
    places.reserveCapacity(24)
  }

  /// Creates the words from tokens, such as the arguments of a command.
  public init(_ tokens: [Token]) {
    text = []
    for token in tokens { append(token) }
  }

  /// The number of words.
  public var count: Int { places.count }

  /// The word at a zero-based index.
  public subscript(index: Int) -> Token { Token(bytes(index), at: range(of: index)) }

  /// All words.
  public var tokens: [Token] { places.indices.map { self[$0] } }

  // MARK: Looking at one

  func range(of index: Int) -> SourceRange { place(index).range }

  @inline(__always)
  func length(of index: Int) -> Int {
    let place = place(index)
    return place.end - place.start
  }

  /// The byte at an offset within the word.
  @inline(__always)
  func byte(of index: Int, at offset: Int) -> UInt8 {
    let place = place(index)
    return place.isUnquoted ? unquoted[place.start + offset] : text[place.start + offset]
  }

  @inline(__always)
  func starts(_ index: Int, with byte: UInt8) -> Bool { length(of: index) > 0 && self.byte(of: index, at: 0) == byte }

  /// Whether the word stands in the text as it is, without quotes.
  func isUnchanged(_ index: Int) -> Bool { !place(index).isUnquoted }

  /// Whether the word is exactly the name of an option, without `=` and value.
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

  /// Appends a word whose bytes are in the text unchanged.
  mutating func append(_ range: Range<Int>) {
    places.append(Place(start: range.lowerBound, end: range.upperBound, range: SourceRange(range), isUnquoted: false))
  }

  mutating func append(_ token: Token) { places.append(kept(token)) }

  /// Inserts words before the others.
  public mutating func prepend(_ tokens: [Token]) {
    if !tokens.isEmpty { places.insert(contentsOf: tokens.map { kept($0) }, at: 0) }
  }

  /// Adds a word that is not part of the line.
  /// - Returns: the index of the word.
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

/// An option and its place in the line.
struct OptionWord {
  let index: Int
  let range: SourceRange
}
