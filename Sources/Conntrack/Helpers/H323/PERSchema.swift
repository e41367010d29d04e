/// The structure of messages in the aligned Packed Encoding Rules, parsed from ASN.1 (ITU-T X.680), with field widths from X.691.
///
/// Supports the part of ASN.1 that H.225.0 and H.245 use, and two additions. A component without a type is an extension addition of no
/// interest and is skipped by its length. A component of type `STOP` ends decoding, as the kernel's tables do there.
struct PERSchema: Sendable {
  enum Kind: Sendable {
    case nul, bool, oid, int, bits, digits, octets, bmp, seq, list, choice
    case stop, skipped
  }

  /// The encoding of a number or length.
  enum Width: Sendable, Equatable {
    /// No bits: only one value is possible.
    case fixed
    /// A bit field.
    case bits(Int)
    /// One aligned octet, or two.
    case byte, word
    /// Preceded by its length.
    case cons
    /// Semi-constrained: no upper bound.
    case semi
  }

  struct Field: Sendable {
    var name: String
    var kind = Kind.skipped
    var size = Width.fixed
    /// The least value or length. For sequences and choices: the number of components or alternatives before the additions.
    var lower = 0
    /// The number with the additions. For lists: the maximum number of elements kept.
    var upper = 0
    var isOptional = false
    var isKept = false
    var isOpen = false
    var isExtensible = false
    /// The index of its components, alternatives or element.
    var type: Int?
  }

  /// The components to keep, by name, and the number of list elements to keep. All others are skipped.
  struct Interest: Sendable {
    var names: Set<String>
    var elements: [String: Int]
  }

  /// Why a text is not a valid schema. A programmer's error.
  struct Malformed: Error {
    let text: String
  }

  private(set) var types: [[Field]] = []
  private var definitions: [String: Field] = [:]
  private let interest: Interest

  /// - Parameter text: type assignments; each refers to earlier names only.
  init(_ text: String, keeping interest: Interest) throws(Malformed) {
    self.interest = interest
    var reader = ASN1Reader(text)
    while let name = reader.next() {
      try reader.expect("::=")
      definitions[name] = try type(&reader)
    }
  }

  /// The field of a message type; it is kept.
  func root(_ name: String) throws(Malformed) -> Field {
    guard var field = definitions[name] else { throw Malformed(text: name) }
    field.name = name
    field.isKept = true
    return field
  }

  // MARK: Types

  private mutating func type(_ reader: inout ASN1Reader) throws(Malformed) -> Field {
    var field = Field(name: "")
    switch reader.next() ?? "" {
    case "NULL": field.kind = .nul
    case "BOOLEAN": field.kind = .bool
    case "STOP": field.kind = .stop
    case "OBJECT":
      try reader.expect("IDENTIFIER")
      field.kind = .oid
    case "INTEGER":
      field.kind = .int
      try reader.constraint().map { setRange($0, of: &field) } ?? { field.size = .semi }()
    case "OCTET":
      try reader.expect("STRING")
      if reader.skip("(", "CONTAINING") {
        field = try type(&reader)
        field.isOpen = true
        try reader.expect(")")
      } else {
        try setSize(of: &field, .octets, &reader)
      }
    case "BIT":
      try reader.expect("STRING")
      try setSize(of: &field, .bits, &reader)
    case "BMPString": try setSize(of: &field, .bmp, &reader)
    // The twelve or sixteen permitted characters take four bits each.
    case "NumericString", "DialledString": try setSize(of: &field, .digits, &reader)
    case "SEQUENCE": field = reader.skip("OF") ? try list(&reader) : try structure(.seq, &reader)
    case "CHOICE": field = try structure(.choice, &reader)
    case let name:
      guard let known = definitions[name] else { throw Malformed(text: "no type \(name)") }
      field = known
    }
    return field
  }

  /// X.691 §10.5.7: the number of possible values determines the encoding.
  private func setRange(_ range: ClosedRange<Int>, of field: inout Field) {
    field.lower = range.lowerBound
    field.size =
      switch range.count {
      case 1: .fixed
      case ...255: .bits(PERSchema.bits(for: range.count))
      case 256: .byte
      case ...65536: .word
      default: .cons
      }
  }

  private func setSize(of field: inout Field, _ kind: Kind, _ reader: inout ASN1Reader) throws(Malformed) {
    field.kind = kind
    guard reader.skip("(", "SIZE") else {
      field.size = .semi
      return
    }
    guard let range = try reader.constraint() else { throw Malformed(text: "SIZE without numbers") }
    setRange(range, of: &field)
    try reader.expect(")")
  }

  private static func bits(for count: Int) -> Int { count < 2 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount }

  private mutating func list(_ reader: inout ASN1Reader) throws(Malformed) -> Field {
    var element = try type(&reader)
    element.isKept = true
    return Field(name: "", kind: .list, size: .semi, type: add([element]))
  }

  private mutating func add(_ fields: [Field]) -> Int {
    types.append(fields)
    return types.count - 1
  }

  /// Parses the components of a sequence or the alternatives of a choice.
  private mutating func structure(_ kind: Kind, _ reader: inout ASN1Reader) throws(Malformed) -> Field {
    var field = Field(name: "", kind: kind)
    var fields: [Field] = []
    var before: Int?
    try reader.expect("{")
    repeat {
      if reader.skip("...") {
        before = fields.count
      } else {
        fields.append(try component(&reader))
      }
    } while reader.skip(",")
    try reader.expect("}")
    field.isExtensible = before != nil
    field.lower = before ?? fields.count
    field.upper = fields.count
    field.size = .bits(kind == .choice ? PERSchema.bits(for: field.lower) : fields[..<field.lower].count(where: \.isOptional))
    field.type = add(fields)
    return field
  }

  private mutating func component(_ reader: inout ASN1Reader) throws(Malformed) -> Field {
    guard let name = reader.next() else { throw Malformed(text: "a component without a name") }
    var field = reader.endsComponent ? Field(name: name) : try type(&reader)
    field.name = name
    field.isKept = interest.names.contains(name)
    if field.kind == .list { field.upper = interest.elements[name] ?? 0 }
    field.isOptional = reader.skip("OPTIONAL")
    return field
  }
}

/// Reads the words of an ASN.1 text in order.
struct ASN1Reader {
  private var words: ArraySlice<Substring>

  init(_ text: String) {
    var words: [Substring] = []
    var rest = text[...]
    while let first = rest.first {
      if first.isWhitespace {
        rest.removeFirst()
        continue
      }
      let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "-" }
      let mark = ["::=", "...", ".."].first { rest.hasPrefix($0) }?.count ?? 1
      words.append(name.isEmpty ? rest.prefix(mark) : name)
      rest = rest.dropFirst(words[words.count - 1].count)
    }
    self.words = words[...]
  }

  /// True at the end of a component.
  var endsComponent: Bool { [",", "}", "OPTIONAL"].contains(words.first ?? "}") }

  mutating func next() -> String? { words.popFirst().map { String($0) } }

  /// Skips these words if they come next. False if others come.
  mutating func skip(_ wanted: String...) -> Bool {
    guard words.count >= wanted.count, zip(words, wanted).allSatisfy({ $0 == $1 }) else { return false }
    words = words.dropFirst(wanted.count)
    return true
  }

  mutating func expect(_ word: String) throws(PERSchema.Malformed) {
    if !skip(word) { throw PERSchema.Malformed(text: "\(word) expected before \(words.prefix(4).joined(separator: " "))") }
  }

  /// Reads a constraint if one comes next: `(1..128)`, `(16)`.
  mutating func constraint() throws(PERSchema.Malformed) -> ClosedRange<Int>? {
    guard skip("(") else { return nil }
    guard let low = next().flatMap({ Int($0) }) else { throw PERSchema.Malformed(text: "a number expected") }
    let high = skip("..") ? next().flatMap({ Int($0) }) : low
    guard let high, high >= low else { throw PERSchema.Malformed(text: "no range from \(low)") }
    try expect(")")
    return low...high
  }
}
