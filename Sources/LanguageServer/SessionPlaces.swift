import Diagnostics
import Documents

/// A document with a place in it, as a request names them.
struct RequestPlace {
  let document: OpenDocument
  let place: DocumentPlace

  var line: DocumentLine { document.text.lines[place.line] }
}

/// Positions of the protocol, which count characters, and places of documents, which count bytes.
extension LanguageSession {
  func document(_ parameters: JSONValue) throws(RequestFailure) -> OpenDocument {
    guard let uri = parameters["textDocument"]?["uri"]?.text, let document = documents[uri] else {
      throw .invalid("the document is not open")
    }
    return document
  }

  func place(_ parameters: JSONValue) throws(RequestFailure) -> RequestPlace {
    let document = try document(parameters)
    guard let place = place(parameters["position"], in: document.text) else { throw .invalid("there is no position") }
    return RequestPlace(document: document, place: place)
  }

  /// The place of a position, moved into the document; nil for another value.
  func place(_ position: JSONValue?, in text: TextDocument) -> DocumentPlace? {
    guard let line = position?["line"]?.integer, let character = position?["character"]?.integer else { return nil }
    guard line >= 0, line < text.lines.count else { return text.clamped(DocumentPlace(line: line, byte: 0)) }
    return DocumentPlace(line: line, byte: unit.byte(of: max(0, character), in: text.lines[line].bytes))
  }

  func position(_ place: DocumentPlace, in text: TextDocument) -> JSONValue {
    ["line": .integer(place.line), "character": .integer(unit.character(of: place.byte, in: text.lines[place.line].bytes))]
  }

  func range(_ start: DocumentPlace, _ end: DocumentPlace, in text: TextDocument) -> JSONValue {
    ["start": position(start, in: text), "end": position(end, in: text)]
  }

  /// A part of one line.
  func range(_ bytes: Range<Int>, line: Int, in text: TextDocument) -> JSONValue {
    range(DocumentPlace(line: line, byte: bytes.lowerBound), DocumentPlace(line: line, byte: bytes.upperBound), in: text)
  }

  /// A range of the file that was checked, which has the text of the document.
  ///
  /// - Parameter offsets: those of the document.
  func range(_ bytes: SourceRange, _ offsets: LineOffsets, in document: OpenDocument) -> JSONValue {
    let places = offsets.places(of: bytes)
    return range(places.start, places.end, in: document.text)
  }

  func location(_ place: ChainPlace, in document: OpenDocument) -> JSONValue {
    ["uri": .string(document.uri), "range": range(place.mention.range, line: place.line, in: document.text)]
  }

  /// The edit of a document.
  func edit(_ document: OpenDocument, _ edits: [JSONValue]) -> JSONValue {
    ["changes": .object(JSONObject([JSONObject.Member(document.uri, .array(edits))]))]
  }

  /// The edit that makes a document another text. What begins and ends both is left alone.
  func edits(making bytes: [UInt8], of document: OpenDocument) -> [JSONValue] {
    let old = document.text.lines.map { $0.bytes + $0.end.bytes }
    let new = DocumentLine.split(bytes).map { $0.bytes + $0.end.bytes }
    let start = zip(old, new).prefix { $0 == $1 }.count
    guard start < max(old.count, new.count) else { return [] }
    let least = min(old.count, new.count) - start
    let end = zip(old.reversed(), new.reversed()).prefix { $0 == $1 }.prefix(max(0, least)).count
    let first = document.text.clamped(DocumentPlace(line: start, byte: 0))
    let last = document.text.clamped(DocumentPlace(line: old.count - end, byte: 0))
    let text = String(decoding: new[start..<(new.count - end)].joined(), as: UTF8.self)
    return [["range": range(first, last, in: document.text), "newText": .string(text)]]
  }
}
