/// The output of `conntrack -L` with any of its output options, or the file `/proc/net/nf_conntrack`.
public struct ConnectionListing: Sendable {
  /// A connection and the bytes of its line.
  public struct Entry: Sendable {
    /// The connection as the line describes it.
    public let connection: ConnectionSnapshot
    /// The bytes of the line in the file.
    public let range: Range<Int>
  }

  /// The connections, in the order of their lines.
  public let entries: [Entry]
  /// The errors of the lines that could not be parsed. Those lines have no entry.
  public let errors: [ConnectionListingError]

  /// Parses all lines. Skips empty lines, lines that begin with `#`, and the status line of `conntrack`.
  ///
  /// A listing does not show TCP windows, masters, numeric security contexts and sequence number adjustments.
  /// - Parameter label: maps a connection label's name to its bit, as connlabel.conf does; nil for an unknown name.
  public init(_ bytes: [UInt8], label: (String) -> UInt16? = { _ in nil }) {
    var entries: [Entry] = []
    var errors: [ConnectionListingError] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let words = ListingWord.words(bytes, start..<end)
      start = end + 1
      guard let first = words.first, let last = words.last, !first.text.hasPrefix("#") else { continue }
      if first.text == "conntrack", words.count > 1, words[1].text.hasPrefix("v") { continue }
      do throws(ConnectionListingError) {
        var reader = ConnectionLineReader(words)
        let connection = try reader.connection(label: label)
        entries.append(Entry(connection: connection, range: first.range.lowerBound..<last.range.upperBound))
      } catch {
        errors.append(error)
      }
    }
    self.entries = entries
    self.errors = errors
  }
}

/// Why a line of a listing cannot be parsed, or its connection cannot be restored.
public struct ConnectionListingError: Error, Sendable, Equatable {
  /// The bytes of the text with the error.
  public let range: Range<Int>
  /// What is wrong, as a sentence.
  public let message: String

  /// Creates an error about bytes of the file.
  public init(_ message: String, at range: Range<Int>) {
    self.range = range
    self.message = message
  }
}

/// A word of a listing and its range in the text.
struct ListingWord {
  let text: String
  let range: Range<Int>

  /// The text before and after the first `=`; nil without one.
  var field: (key: String, value: ListingWord)? {
    guard let sign = text.utf8.firstIndex(of: 0x3D), sign != text.utf8.startIndex else { return nil }
    let key = String(text[..<sign])
    // An invalid UTF-8 byte becomes U+FFFD, which is three bytes long.
    let start = min(range.lowerBound + key.utf8.count + 1, range.upperBound)
    return (key, ListingWord(text: String(text[text.utf8.index(after: sign)...]), range: start..<range.upperBound))
  }

  /// The words of a line. Text in brackets is one word, spaces included.
  static func words(_ bytes: [UInt8], _ line: Range<Int>) -> [ListingWord] {
    var words: [ListingWord] = []
    var place = line.lowerBound
    // Searches a closing bracket only until one is missing: otherwise a line of opening brackets would take quadratic time.
    var mayClose = true
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    while place < line.upperBound {
      if isBlank(bytes[place]) {
        place += 1
        continue
      }
      var end = place
      if bytes[place] == 0x5B, mayClose {
        if let close = bytes[place..<line.upperBound].firstIndex(of: 0x5D) { end = close } else { mayClose = false }
      }
      while end < line.upperBound, !isBlank(bytes[end]) { end += 1 }
      words.append(ListingWord(text: String(decoding: bytes[place..<end], as: UTF8.self), range: place..<end))
      place = end
    }
    return words
  }
}
