/// The allowed members of a mapping in a document. ``FileObject`` refuses other members; the JSON Schema of scenario files is generated from
/// these shapes.
package struct FileShape: Sendable {
  package struct Member: Sendable {
    package let name: String
    package let kind: Kind
    package let summary: String

    package init(_ name: String, _ kind: Kind, _ summary: String) {
      self.name = name
      self.kind = kind
      self.summary = summary
    }
  }

  package indirect enum Kind: Sendable {
    case text
    /// Text that matches a pattern.
    case pattern(String)
    case choice([String])
    case integer(ClosedRange<Int>)
    case seconds
    case boolean
    case list(Kind)
    /// One value, or a list of them.
    case oneOrMore(Kind)
    /// A mapping with arbitrary names.
    case map(Kind)
    case either([Kind])
    case object(String)
    case anything
  }

  /// The name in the schema's `$defs`.
  package let name: String
  /// The name in messages.
  package let title: String
  package let members: [Member]
  package let required: [String]

  package init(name: String, title: String, members: [Member], required: [String] = []) {
    self.name = name
    self.title = title
    self.members = members
    self.required = required
  }
}
