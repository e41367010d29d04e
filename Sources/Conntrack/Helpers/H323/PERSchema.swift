/// What messages in the aligned Packed Encoding Rules consist of (ITU-T X.691), as far as they are read.
///
/// One type a paragraph: its name, a colon, its fields. A field is a name, then `stop`, where reading ends; `open` or `more`, skipped by its
/// length; or a type with its size. `?` marks what may be missing, `!` what is kept, `~` what may be extended. A size is `fixed`, a number of
/// bits, `byte`, `word`, `cons` (more than 64K values), `semi` (bounded below) or `unco` (not at all), then the lower bound, for sequences and choices the number
/// of root components or alternatives, for lists how many elements are kept at most.
struct PERSchema: Sendable {
  enum Kind: String, Sendable {
    case nul, bool, oid, int, enumerated = "enum", bits, digits, octets, bmp, seq, list, choice
    case stop, skipped
  }

  enum Size: Sendable, Equatable {
    case fixed, bits(Int), byte, word, cons, semi
  }

  struct Field: Sendable {
    var name: String
    var kind = Kind.skipped
    var size = Size.fixed
    var lower = 0
    var upper = 0
    var isOptional = false
    var isKept = false
    var isOpen = false
    var isExtensible = false
    /// The index of the type it consists of.
    var type: Int?
  }

  /// Why a text is no schema; a programmer's error.
  struct Malformed: Error {
    let text: String
  }

  private(set) var types: [[Field]] = []
  private(set) var names: [String: Int] = [:]

  init(_ text: String) throws(Malformed) {
    for paragraph in PERSchema.paragraphs(text) {
      guard let colon = paragraph.firstIndex(of: ":") else { throw Malformed(text: paragraph) }
      var fields: [Field] = []
      for part in paragraph[paragraph.index(after: colon)...].split(separator: ", ") { fields.append(try field(part)) }
      names[String(paragraph[..<colon])] = types.count
      types.append(fields)
    }
  }

  private static func paragraphs(_ text: String) -> [String] {
    var paragraphs: [String] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("  "), let last = paragraphs.popLast() {
        paragraphs.append(last + line.dropFirst())
      } else {
        paragraphs.append(String(line))
      }
    }
    return paragraphs
  }

  private func field(_ text: Substring) throws(Malformed) -> Field {
    var words = text.split(separator: " ")[...]
    guard let first = words.popFirst(), words.first != nil else { throw Malformed(text: String(text)) }
    var field = Field(name: String(first.prefix { $0 != "?" && $0 != "!" }))
    field.isOptional = first.contains("?")
    field.isKept = first.contains("!")
    if words.first == "open" {
      field.isOpen = true
      words.removeFirst()
    }
    guard let word = words.popFirst(), word != "more" else { return field }
    let name = word.prefix { $0 != "~" && $0 != "(" }
    guard let kind = Kind(rawValue: String(name)) else { throw Malformed(text: String(text)) }
    field.kind = kind
    field.isExtensible = word.contains("~")
    if let open = word.firstIndex(of: "(") {
      let numbers = word[word.index(after: open)...].dropLast().split(separator: ",")
      field.size = try PERSchema.size(numbers.first ?? "")
      field.lower = numbers.count > 1 ? Int(numbers[1]) ?? 0 : 0
      field.upper = numbers.count > 2 ? Int(numbers[2]) ?? 0 : 0
    }
    if let type = words.popFirst() {
      guard let index = names[String(type)] else { throw Malformed(text: String(text)) }
      field.type = index
    }
    return field
  }

  private static func size(_ word: Substring) throws(Malformed) -> Size {
    switch word {
    case "fixed": return .fixed
    case "byte": return .byte
    case "word": return .word
    case "cons": return .cons
    case "semi", "unco": return .semi
    default:
      guard let bits = Int(word) else { throw Malformed(text: String(word)) }
      return .bits(bits)
    }
  }
}
